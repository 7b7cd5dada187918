"""A photograph by its URL."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import httpx

from anomaly.errors import ImageTooLarge, InvalidRequest, UnsupportedImage, UrlFailed
from anomaly.imaging.photo import Photo
from anomaly.outbound import MOST_REDIRECTS, Permits, client
from anomaly.types import Limits

AT_ONCE = 16
"""Photographs of one server that are on their way at the same time; further ones wait."""

AT_ONCE_OF_A_HOST = 8
"""Of these, so many from one host: one that is slow holds up its own, and leaves others half of the places."""

_PICTURES = ("image/", "application/octet-stream", "binary/octet-stream")


@dataclass(slots=True)
class _Host:
    """The places at one host, and how many have one or wait for one."""

    room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE_OF_A_HOST))
    callers: int = 0


class Fetcher:
    """Fetches photographs for one server. Made on the loop that uses it or before; closed by `aclose`."""

    def __init__(self, limits: Limits, permits: Permits, timeout_s: float) -> None:
        self._limits, self._timeout_s = limits, timeout_s
        self._client = client(permits, timeout_s)
        self._room = asyncio.Semaphore(AT_ONCE)
        self._hosts: dict[str, _Host] = {}

    async def photo(self, photo: Photo) -> Photo:
        """Return the photograph with its bytes in the place of its URL.

        Raises the `InputError` that says what kept them: `UrlRefused`, `UrlFailed`, `ImageTooLarge`,
        `UnsupportedImage` or `InvalidRequest`. One without a URL comes back as it is.
        """
        if photo.url is None:
            return photo
        # First a place at the host: who waits for that one keeps nobody from another.
        async with self._place_at(_host(photo.url)), self._room:
            return replace(photo, source=await self._bytes(photo.url), url=None)

    async def aclose(self) -> None:
        """Close what is open."""
        await self._client.aclose()

    @asynccontextmanager
    async def _place_at(self, name: str) -> AsyncIterator[None]:
        host = self._hosts.setdefault(name, _Host())
        host.callers += 1
        try:
            async with host.room:
                yield
        finally:
            host.callers -= 1
            if not host.callers:
                del self._hosts[name]

    async def _bytes(self, url: str) -> bytes:
        try:
            async with asyncio.timeout(self._timeout_s), self._client.stream("GET", url) as response:
                return await self._body(response)
        except TimeoutError:
            raise UrlFailed(f"the photo did not come within {self._timeout_s:g} s; send it itself") from None
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError):
            raise InvalidRequest("image_url is not an address; give one with http:// or https://") from None
        except httpx.TooManyRedirects:
            raise UrlFailed(f"the URL redirects more than {MOST_REDIRECTS} times") from None
        except httpx.HTTPError as error:
            raise UrlFailed(
                f"the photo could not be fetched ({type(error).__name__}); check that the URL opens elsewhere"
            ) from None

    async def _body(self, response: httpx.Response) -> bytes:
        if not response.is_success:
            raise UrlFailed(
                f"the URL answers {response.status_code}; a signed link may have expired, or the photo is gone"
            )
        kind = response.headers.get("content-type", "")
        if kind and not kind.lower().startswith(_PICTURES):
            raise UnsupportedImage(f"the URL answers {kind.partition(';')[0]!r}, which is no picture")
        packed = response.headers.get("content-encoding", "identity").strip().lower()
        if packed != "identity":
            raise UrlFailed(
                f"the URL answers packed as {packed[:40]!r}, unasked; let it answer the file itself"
            )
        announced = response.headers.get("content-length", "")
        if announced.isdigit():
            self._check_size(int(announced))
        chunks, size = [], 0
        async for chunk in response.aiter_raw():
            size += len(chunk)
            self._check_size(size)
            chunks.append(chunk)
        return b"".join(chunks)

    def _check_size(self, size: int) -> None:
        most = self._limits.max_image_bytes
        if size > most:
            raise ImageTooLarge(f"the photo at the URL is over the limit of {most / 1e6:.1f} MB")


def _host(url: str) -> str:
    """Return the name that a URL asks, in one spelling; of what is no URL, nothing."""
    try:
        return httpx.URL(url).host.rstrip(".")
    except (httpx.InvalidURL, UnicodeError):
        return ""
