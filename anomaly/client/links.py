"""What an answer says by a link: masks that were too large for the platform, in an object of a bucket."""

from collections.abc import Mapping
from typing import Any

from anomaly.client.door import Door
from anomaly.client.errors import CallFailed, CallRefused, LinkBroken

_KINDS = (("anomalies", "anomaly_id"), ("structures", "structure_id"))


async def filled(door: Door, answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return one photograph's answer with its masks in it, where it has a link to them instead.

    Raises `LinkBroken` where the link does not open.
    """
    link = answer.get("masks_url")
    if not isinstance(link, str):
        return answer
    try:
        masks: Mapping[str, Any] = await door.fetch(link)
    except (CallFailed, CallRefused) as error:
        raise LinkBroken(
            f"the masks of {answer.get('frame_id')} are in a bucket, and not to be had: {error}"
        ) from error
    return {
        **answer,
        **{
            kind: [
                {**each, "mask": masks[each[name]]} if each[name] in masks else each
                for each in answer.get(kind, [])
            ]
            for kind, name in _KINDS
        },
    }
