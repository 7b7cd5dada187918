"""How photographs reach a server: as the body of a call on a pod, as a job on an endpoint."""

import asyncio
import hashlib
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson

from anomaly.client import photographs
from anomaly.client.answers import Answer
from anomaly.client.door import Door
from anomaly.client.errors import CallRefused, PhotoTooLarge, ResultLate
from anomaly.client.job import AsyncJob, Pace, output_of, slots, status_of
from anomaly.client.links import filled
from anomaly.client.photographs import Parcel
from anomaly.errors import InvalidRequest
from anomaly.storage import Bucket
from anomaly.types import Limits
from anomaly.wire.request import parse_batch, parse_detect

Options = Mapping[str, Any]
"""What is asked for beside the photograph: the fields of `POST /detect`."""

_ENDPOINT = re.compile(r"/v2/[^/]+/?$")

_ENVELOPE_BYTES = 256

_LINK_S = 24 * 3600
"""A job may wait for a day before RunPod gives it up."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """What one call may hold: RunPod's limits (10 MB for /run, 20 MB for /runsync), and photos in a job."""

    job_bytes: int = 10_000_000
    sync_bytes: int = 20_000_000
    photos: int = 32


class Sender:
    """One server, and what is allowed to bring a large photograph to it."""

    def __init__(
        self,
        door: Door,
        *,
        sizes: Sizes,
        pace: Pace,
        timeout_s: float,
        reencode: bool,
        bucket: Bucket | None,
    ) -> None:
        self.door, self.sizes, self.pace, self.timeout_s = door, sizes, pace, timeout_s
        self._reencode, self._bucket = reencode, bucket
        self.endpoint = _ENDPOINT.search(urlsplit(door.url).path) is not None

    async def one(self, parcel: Parcel, options: Options, photo: str) -> Answer:
        """Bring one photograph, wait, and return its answer. Raises a `ClientError`."""
        if self.endpoint:
            parcel = await self.fitting(parcel, options, self.sizes.sync_bytes)
            return await self._runsync(parcel, options, photo)
        if parcel.data is None:
            body = orjson.dumps({**options, "image_url": parcel.url})
            return self._answer(await self.door.call("POST", "/detect", content=body), photo)
        told = await self.door.call(
            "POST",
            "/detect",
            content=parcel.data,
            content_type="application/octet-stream",
            params={name: _text(value) for name, value in options.items()},
        )
        return self._answer(told, photo)

    def _answer(self, told: Any, photo: str) -> Answer:
        if not isinstance(told, Mapping) or "anomalies" not in told:
            raise CallRefused(f"{self.door.url}/detect answered something else than findings", status=200)
        return Answer(told, photo)

    async def submit(
        self,
        parcels: Sequence[Parcel],
        options: Options,
        photo: str = "",
        *,
        several: bool = True,
        **request: Any,
    ) -> AsyncJob:
        """Hand in a job for `several` photographs, which fail alone, or for one.

        A pod makes one job of a call that comes twice. RunPod's API has no such key: a webhook would be called twice
        there, so that such a call is not repeated where the server may have acted on it.
        """
        if several:
            self._check_together(parcels, options)
            fitted = list(parcels)
        else:
            fitted = [await self.fitting(each, options, self.sizes.job_bytes) for each in parcels]
        body = orjson.dumps({"input": _input(fitted, options, several=several), **request})
        try:
            told = await self.door.call(
                "POST",
                "/run",
                content=body,
                repeatable=not self.endpoint or "webhook" not in request,
                key=None if self.endpoint else uuid.uuid4().hex,
            )
        except CallRefused as error:
            if error.status not in (404, 405) or self.endpoint:
                raise
            raise CallRefused(
                f"{self.door.url} takes no jobs; `detect` and `map` work with it",
                status=error.status,
                code="no_jobs",
            ) from None
        return AsyncJob(self.door, status_of(told).id, self.pace, photo)

    async def fitting(self, parcel: Parcel, options: Options, most_bytes: int) -> Parcel:
        """Return the photograph small enough for a request of `most_bytes`, as it is where it is that.

        Else by its link in the bucket, where there is one, or as a smaller JPEG, where that is allowed. A pod
        needs none of it. Raises `PhotoTooLarge`, and `StorageError` where the upload fails.
        """
        room = most_bytes - self.around(options)
        if parcel.data is None or parcel.base64_bytes <= room or not self.endpoint:
            return parcel
        if self._bucket is not None:
            return Parcel(url=await asyncio.to_thread(_uploaded, self._bucket, parcel.data))
        if self._reencode:
            most = (room - 3) // 4 * 3 - 2
            return Parcel(await asyncio.to_thread(photographs.smaller, parcel.data, most))
        raise PhotoTooLarge(
            f"the photo has {len(parcel.data) / 1e6:.1f} MB, {parcel.base64_bytes / 1e6:.1f} MB as base64, and"
            f" {room / 1e6:.1f} MB are allowed in one call; give the client a bucket to upload it to,"
            " or reencode=True for a smaller JPEG"
        )

    def _check_together(self, parcels: Sequence[Parcel], options: Options) -> None:
        size = sum(each.base64_bytes for each in parcels) + self.around(options)
        if self.endpoint and size > self.sizes.job_bytes:
            raise PhotoTooLarge(
                f"{len(parcels)} photos have {size / 1e6:.1f} MB as base64, and {self.sizes.job_bytes / 1e6:.1f}"
                " are allowed in one job; `map` cuts them into chunks"
            )

    def around(self, options: Options) -> int:
        """Return the bytes that a request takes beside its photographs."""
        return len(orjson.dumps(dict(options))) + _ENVELOPE_BYTES

    async def _runsync(self, parcel: Parcel, options: Options, photo: str) -> Answer:
        loop = asyncio.get_running_loop()
        until = loop.time() + self.timeout_s
        wait_ms = int(max(1000, min(90_000, self.timeout_s * 1000)))
        status = status_of(
            await self.door.call(
                "POST",
                "/runsync",
                content=orjson.dumps({"input": _input([parcel], options, several=False)}),
                params={"wait": str(wait_ms)},
                timeout_s=wait_ms / 1000 + 30,
            )
        )
        job = AsyncJob(self.door, status.id, self.pace, photo)
        try:
            if status.state.final:
                [value] = [await filled(self.door, each) for each in slots(output_of(status), job.id)]
            else:
                [value] = await job.slots(max(0.0, until - loop.time()))
            return Answer(value, photo)
        except ResultLate:
            await job.cancel()  # nobody else knows its id
            raise


def checked(options: Options, *, several: bool = False) -> dict[str, Any]:
    """Return the options that are set. Raises `InvalidRequest` for what no server would take.

    Before anything is sent: a slip of the pen is not to be found out by a thousand uploads.
    """
    given = {name: value for name, value in options.items() if value is not None}
    if several:
        parse_batch({**given, "images": ["/9j/"]}, Limits())
    else:
        parse_detect({**given, "image": "/9j/"})
    return given


def _input(parcels: Sequence[Parcel], options: Options, *, several: bool) -> dict[str, Any]:
    if not several:
        [parcel] = parcels
        if parcel.data is None:
            return {**options, "image_url": parcel.url}
        return {**options, "image": parcel.base64()}
    urls = [each.url for each in parcels if each.data is None]
    if urls and len(urls) < len(parcels):
        raise InvalidRequest(
            "a job holds photos or URLs of photos, not both; hand them in apart, or use `map`"
        )
    return (
        {**options, "image_urls": urls}
        if urls
        else {**options, "images": [each.base64() for each in parcels]}
    )


def _uploaded(bucket: Bucket, data: bytes) -> str:
    # By its content: the same photo is stored once, whoever sends it.
    key = f"uploads/{hashlib.sha256(data).hexdigest()}"
    bucket.put(key, data, "application/octet-stream")
    return bucket.link(key, _LINK_S)


def _text(value: object) -> str:
    """Write an option for a query: what has parts of its own, and truth, as JSON."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()
