"""The client, for programs with an event loop."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from anomaly.client import photographs
from anomaly.client.answers import Answer, Result
from anomaly.client.door import Door, Patience
from anomaly.client.job import AsyncJob, Pace
from anomaly.client.journal import Journal
from anomaly.client.photographs import Source
from anomaly.client.progress import bar
from anomaly.client.run import Run, Told
from anomaly.client.sending import Sender, Sizes, checked
from anomaly.client.survey import Survey
from anomaly.storage import Bucket

IN_FLIGHT = 4
"""Jobs, or on a pod photographs, that are under way at once."""


class AsyncClient:
    """One server: a pod's address (`http://host:8000`) or an endpoint's (`https://api.runpod.ai/v2/ID`).

    `timeout_s` is how long one answer may take, the wait for a worker included. A photograph that is over an
    endpoint's limit goes through `bucket` where there is one, as a smaller JPEG of as many pixels where
    `reencode` allows it, and else fails with `PhotoTooLarge`. Every failure is a `ClientError`, but for
    `InvalidRequest` (an option that no server knows) and `StorageError` (the bucket's). `transport` is httpx's, for
    proxies and certificates of one's own.
    """

    def __init__(
        self,
        url: str,
        api_key: str | None = None,
        *,
        timeout_s: float = 600.0,
        patience: Patience | None = None,
        pace: Pace | None = None,
        sizes: Sizes | None = None,
        reencode: bool = False,
        bucket: Bucket | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._door = Door(url, api_key, patience or Patience(), timeout_s, transport)
        self._sender = Sender(
            self._door,
            sizes=sizes or Sizes(),
            pace=pace or Pace(),
            timeout_s=timeout_s,
            reencode=reencode,
            bucket=bucket,
        )

    async def detect(self, photo: Source, **options: Any) -> Answer:
        """Return what is on one photograph: a path, a file's bytes, a URL, or (H, W, 3) uint8 RGB.

        `options` are the fields of `POST /detect`: `confidence_threshold`, `include_masks`, `mm_per_pixel`, ...
        """
        given = checked(options)
        parcel = await asyncio.to_thread(photographs.read, photo)
        return await self._sender.one(parcel, given, photographs.name_of(photo, 1))

    async def submit(
        self,
        photos: Source | list[Source],
        *,
        stream: bool = False,
        webhook: str | None = None,
        policy: Mapping[str, Any] | None = None,
        s3_config: Mapping[str, str] | None = None,
        **options: Any,
    ) -> AsyncJob:
        """Hand in a job for one photograph, or for a list of them, and return it at once.

        With `stream` the answer for each photograph can be had as soon as it is there, by `AsyncJob.stream`.
        `webhook` is called with the result; `policy` is RunPod's (`executionTimeout`, `ttl`, `lowPriority`), as is
        `s3_config` (`endpointUrl`, `accessId`, `accessSecret`, `bucketName`).
        """
        several = isinstance(photos, list)
        sources = photos if isinstance(photos, list) else [photos]
        given = checked(options, several=several)
        parcels = [await asyncio.to_thread(photographs.read, each) for each in sources]
        request = {"webhook": webhook, "policy": policy, "s3Config": s3_config}
        return await self._sender.submit(
            parcels,
            {**given, "stream": True} if stream else given,
            "" if several else photographs.name_of(sources[0], 1),
            several=several,
            **{name: value for name, value in request.items() if value is not None},
        )

    def job(self, job_id: str) -> AsyncJob:
        """Return a job that was handed in earlier, by its id."""
        return AsyncJob(self._door, job_id, self._sender.pace)

    async def map(
        self,
        photos: Iterable[Source],
        *,
        journal: str | Path | None = None,
        in_flight: int = IN_FLIGHT,
        progress: bool = False,
        **options: Any,
    ) -> Survey:
        """Look at many photographs and return one result for each, in order; one that fails, fails alone.

        See `imap`; `progress` shows a bar on the terminal.
        """
        with bar(progress) as told:
            run = self.imap(photos, journal=journal, in_flight=in_flight, told=told, **options)
            return Survey(tuple([each async for each in run]))

    async def imap(
        self,
        photos: Iterable[Source],
        *,
        journal: str | Path | None = None,
        in_flight: int = IN_FLIGHT,
        told: Told | None = None,
        **options: Any,
    ) -> AsyncIterator[Result]:
        """Yield the result for each photograph in order, as soon as it and those before it are there.

        An endpoint gets jobs of several photographs, as many as its limits allow, and `in_flight` of them at
        once; a pod gets one call for each. With a `journal` what is done is written to that file, and another
        run with the same file does only what is missing. Raises where the server cannot be reached or lets
        nobody in; a photograph that fails is a `Failed` in its place. `told` hears how many are done, of how many.
        """
        sources, given = list(photos), checked(options, several=True)
        if in_flight < 1:
            raise ValueError(f"in_flight is {in_flight}; 1 or more is expected")
        async with AsyncExitStack() as stack:
            book = None if journal is None else stack.enter_context(Journal(Path(journal), given))
            run = Run(
                self._sender,
                sources,
                given,
                journal=book,
                in_flight=in_flight,
                told=told or (lambda *_: None),
            )
            async for each in await stack.enter_async_context(aclosing(run.results())):
                yield each

    async def health(self) -> Mapping[str, Any]:
        """Return what the server says of itself: a pod its state, an endpoint its jobs and workers."""
        told: Mapping[str, Any] = await self._door.call("GET", "/health", accept=frozenset({503}))
        return told

    async def info(self) -> Mapping[str, Any]:
        """Return what a pod has loaded, and why."""
        told: Mapping[str, Any] = await self._door.call("GET", "/info")
        return told

    async def aclose(self) -> None:
        """Close the connections."""
        await self._door.aclose()

    async def __aenter__(self) -> Self:
        """Return itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        await self.aclose()
