import asyncio
import time
from collections.abc import Iterator
from ipaddress import ip_address

import pytest

from anomaly.errors import (
    AnomalyError,
    ImageTooLarge,
    InvalidRequest,
    UnsupportedImage,
    UrlFailed,
    UrlRefused,
)
from anomaly.imaging.fetch import AT_ONCE, AT_ONCE_OF_A_HOST, Fetcher
from anomaly.imaging.photo import Photo
from anomaly.outbound import MOST_REDIRECTS, Permits, anywhere, is_public
from anomaly.types import Limits
from tests.site import PICTURE, served_site


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """Give the site's address."""
    with served_site() as address:
        yield address


def fetched(
    url: str, permits: Permits = anywhere, limits: Limits | None = None, timeout_s: float = 5.0
) -> Photo | AnomalyError:
    """Fetch one photo with a fetcher of its own."""

    async def run() -> Photo | AnomalyError:
        fetcher = Fetcher(limits or Limits(), permits, timeout_s)
        try:
            return await fetcher.photo(Photo(None, "mine", url))
        except AnomalyError as error:
            return error
        finally:
            await fetcher.aclose()

    return asyncio.run(run())


@pytest.mark.parametrize(
    "path",
    [
        "/photo.png",
        "/untyped",
        "/relative",
        "/away",
        "/photo.png?X-Amz-Signature=a",
        "/unpacked",
        "/endless",
    ],
)
def test_a_photo_comes_from_its_url(site: str, path: str) -> None:
    """The bytes at the URL take its place, redirects and signed links included."""
    assert fetched(site + path) == Photo(PICTURE, "mine")


def test_the_site_sees_the_name_that_was_asked_for(site: str) -> None:
    """The connection goes to the checked address, the request to the name."""
    named = site.replace("127.0.0.1", "localhost")
    photo = fetched(
        named + "/host", lambda address: address == ip_address("127.0.0.1") or address.version == 6
    )
    assert isinstance(photo, Photo)
    assert photo.source == named.removeprefix("http://").encode()


def test_private_addresses_are_refused_by_default(site: str) -> None:
    """No caller reaches the machine that serves."""
    assert isinstance(fetched(site + "/photo.png", is_public), UrlRefused)


@pytest.mark.parametrize("path", ["/away", "/metadata"])
def test_each_redirect_is_checked(site: str, path: str) -> None:
    """A public site cannot send the server on to a private one."""
    assert isinstance(fetched(site + path, lambda address: address == ip_address("127.0.0.1")), UrlRefused)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/file", UrlRefused),
        ("/page", UnsupportedImage),
        ("/missing", UrlFailed),
        ("/circle", UrlFailed),
        ("/packed", UrlFailed),
    ],
)
def test_what_is_no_photo_says_why(site: str, path: str, kind: type[AnomalyError]) -> None:
    """Each way not to be a photograph has its code."""
    error = fetched(site + path)
    assert type(error) is kind
    assert "127.0.0.1" not in str(error)


def test_endless_redirects_name_the_limit(site: str) -> None:
    """The message says how many redirects are followed."""
    assert str(MOST_REDIRECTS) in str(fetched(site + "/circle"))


@pytest.mark.parametrize("path", ["/photo.png", "/long"])
def test_a_file_over_the_limit_is_not_read_to_its_end(site: str, path: str) -> None:
    """The size is checked by what is announced and by what comes."""
    assert isinstance(fetched(site + path, limits=Limits(max_image_bytes=50)), ImageTooLarge)


def test_a_slow_site_is_given_up(site: str) -> None:
    """The whole fetch has its time."""
    error = fetched(site + "/slow", timeout_s=0.2)
    assert isinstance(error, UrlFailed)
    assert "0.2 s" in str(error)


@pytest.mark.parametrize(
    "url", ["ftp://example.com/a.jpg", "s3://bucket/a.jpg", "a.jpg", "http://", "http://[::1"]
)
def test_other_schemes_and_no_addresses_are_refused(url: str) -> None:
    """What is not http or https is said to be none, without a try."""
    assert isinstance(fetched(url), InvalidRequest | UrlRefused | UrlFailed)


def test_a_photo_with_bytes_stays_as_it_is() -> None:
    """Only what has a URL is fetched."""

    fetcher = Fetcher(Limits(), is_public, 1.0)
    assert asyncio.run(fetcher.photo(Photo(PICTURE))) == Photo(PICTURE)


def test_a_site_gives_nobody_cookies(site: str) -> None:
    """All callers share the client: one's session is not the next one's."""

    async def run() -> Photo:
        fetcher = Fetcher(Limits(), anywhere, 5.0)
        await fetcher.photo(Photo(None, None, site + "/cookie"))
        second = await fetcher.photo(Photo(None, None, site + "/cookies"))
        await fetcher.aclose()
        return second

    assert asyncio.run(run()).source == PICTURE


@pytest.mark.parametrize("url", ["http://127.0.0.1:70000/a.jpg", "http://xn--/a.jpg"])
def test_an_address_that_cannot_be_is_the_callers_to_mend(url: str) -> None:
    """Wrong ports and malformed names have their codes too."""
    assert isinstance(fetched(url), UrlFailed | InvalidRequest)


def test_a_slow_host_holds_up_no_other(site: str) -> None:
    """More photographs of a slow host than there are places leave room for another host's, whatever its spelling."""
    slow, quick = site.replace("127.0.0.1", "LocalHost"), site

    async def run() -> tuple[int, int]:
        fetcher = Fetcher(Limits(), anywhere, 5.0)
        waiting = [
            asyncio.create_task(fetcher.photo(Photo(None, None, f"{name}/slow")))
            for name in (slow, slow.lower())
            for _ in range(AT_ONCE)
        ]
        await asyncio.sleep(0.2)
        for _ in range(2):
            await fetcher.photo(Photo(None, None, f"{quick}/photo.png"))
        early = sum(each.done() for each in waiting)
        for each in waiting:
            each.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        await fetcher.aclose()
        return early, len(fetcher._hosts)

    assert asyncio.run(run()) == (0, 0)


def test_a_host_has_its_share_of_places(site: str) -> None:
    """Photographs of one host come in turns of as many as one host may have, and all of them come."""

    async def run() -> float:
        fetcher = Fetcher(Limits(), anywhere, 5.0)
        began = time.monotonic()
        photos = [Photo(None, None, f"{site}/slow") for _ in range(AT_ONCE_OF_A_HOST + 1)]
        assert [each.source for each in await asyncio.gather(*map(fetcher.photo, photos))] == [PICTURE] * len(
            photos
        )
        await fetcher.aclose()
        return time.monotonic() - began

    assert asyncio.run(run()) >= 3.0  # each takes 1.5 s
