"""Where a job's masks and pictures go when its answer is too large: its own bucket, else the operator's."""

import asyncio
from collections.abc import Mapping

from anomaly.errors import InvalidRequest
from anomaly.outbound import Permits, is_public
from anomaly.outbound.addresses import resolve
from anomaly.storage import Bucket, Target, from_s3_config


class Shelf:
    """Knows the operator's `target`, and opens the bucket of a job.

    A caller's `s3Config` may lead to such addresses only as `permits` says: what a stranger names is not to
    be a machine beside the worker.
    """

    def __init__(self, target: Target | None = None, permits: Permits = is_public) -> None:
        self._target = target
        self._permits = permits
        self._bucket: Bucket | None = None

    def place(self, job: Mapping[str, object]) -> Target | None:
        """Return where a job's objects go, None where nobody named a bucket. Raises `InvalidRequest`."""
        config = job.get("s3Config")
        if config is None or config == {}:
            return self._target
        if not isinstance(config, Mapping):
            raise InvalidRequest(f"s3Config must be an object; got {type(config).__name__}")
        return from_s3_config(config)

    async def open(self, target: Target) -> Bucket:
        """Open what `place` returned. Raises `UrlRefused` for a caller's bucket at a private address."""
        if target is not self._target:
            await resolve(target.host, 443, self._permits)
            return await asyncio.to_thread(Bucket, target, self._permits)
        if self._bucket is None:
            self._bucket = await asyncio.to_thread(Bucket, target)
        return self._bucket
