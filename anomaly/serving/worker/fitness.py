"""What must hold before a worker takes jobs. The SDK runs these; one that raises ends the worker, and says so to
RunPod, which then starts another instead of giving this one jobs to fail."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import cv2
import numpy as np

from anomaly.errors import AnomalyError, DoesNotFit, ModelError, NotReady, WeightsError
from anomaly.imaging.photo import Photo
from anomaly.service import Service
from anomaly.types import Options

Check = Callable[[], Awaitable[None] | None]

ANSWER_S = 60.0
"""The models are warm: a blank photograph that takes longer never comes back."""


def checks(service: Service, published: Mapping[str, str] | None = None) -> list[Check]:
    """Return the checks for a service that is warm, each named as the SDK's log is to name it.

    `published` gives the sha256 of published weights files by their names.
    """

    def weights_hash() -> None:
        for part in ("detector", "segmenter"):
            check_weights(service.info().get(part), published or {})

    def device() -> None:
        check_device(service.health())

    def memory_plan() -> None:
        check_plan(service.info().get("plan"))

    async def answers() -> None:
        await check_answer(service)

    return [weights_hash, device, memory_plan, answers]


def check_weights(card: object, published: Mapping[str, str]) -> None:
    """Raise `WeightsError` where a loaded file has a published one's name and another sha256."""
    if not isinstance(card, Mapping):
        return
    name, found = card.get("weights"), card.get("sha256")
    expected = published.get(name) if isinstance(name, str) else None
    if expected is not None and found is not None and found != expected:
        raise WeightsError(
            f"{name} has the sha256 {found} and the published file has {expected}: it is damaged or another;"
            " fetch it again, or give a file of your own a name of its own"
        )


def check_device(health: Mapping[str, object]) -> None:
    """Raise `NotReady` where the models are not warm or their device does not tell its memory."""
    if not health.get("ready"):
        raise NotReady(f"the models are not ready: {health.get('error') or health.get('status')}")
    if "memory" not in health:
        raise NotReady(f"the device {health.get('device')} does not answer")


def check_plan(plan: object) -> None:
    """Raise `DoesNotFit` where the plan needs more memory than it was made for."""
    if not isinstance(plan, Mapping):
        return
    needs_mb, free_mb = plan.get("needs_mb"), plan.get("free_mb")
    if isinstance(needs_mb, int) and isinstance(free_mb, int) and needs_mb > free_mb:
        raise DoesNotFit(f"the models need {needs_mb} MB and {free_mb} were free: {plan.get('reason')}")


async def check_answer(service: Service, within_s: float = ANSWER_S) -> None:
    """Raise where a blank photograph gets no answer within `within_s` seconds."""
    _, encoded = cv2.imencode(".png", np.zeros((480, 640, 3), np.uint8))
    try:
        async with asyncio.timeout(within_s):
            [outcome] = await service.detect([Photo(encoded.tobytes(), "fitness")], Options())
    except TimeoutError:
        raise ModelError(f"a blank photo got no answer within {within_s:g} s") from None
    if isinstance(outcome.result, AnomalyError):
        raise outcome.result
