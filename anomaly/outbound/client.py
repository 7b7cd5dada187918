"""The HTTP client that goes where it may."""

import httpx

from anomaly.errors import UrlRefused
from anomaly.outbound.addresses import Permits, resolve

MOST_REDIRECTS = 5

_SCHEMES = ("http", "https")


class _Checked(httpx.AsyncBaseTransport):
    """Connects to the address that was checked, under the name that was asked for."""

    def __init__(self, permits: Permits) -> None:
        self._permits = permits
        # A kept connection is found again by its address, and two names may share one.
        limits = httpx.Limits(max_keepalive_connections=0)
        self._inner = httpx.AsyncHTTPTransport(limits=limits, trust_env=False, retries=1)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        if url.scheme not in _SCHEMES:
            raise UrlRefused(f"{url.scheme}:// is not fetched; give an http:// or https:// address")
        port = url.port or (443 if url.scheme == "https" else 80)
        address = await resolve(url.host, port, self._permits)
        # Another request, not this one changed: redirects are relative to the name. The certificate is
        # checked against the name too, which `sni_hostname` carries.
        response = await self._inner.handle_async_request(
            httpx.Request(
                request.method,
                url.copy_with(host=address),
                headers=request.headers,
                stream=request.stream,
                extensions={**request.extensions, "sni_hostname": url.host},
            )
        )
        # One client serves all callers: what a site gives one of them to keep is not the others'.
        response.headers.pop("set-cookie", None)
        if response.has_redirect_location:
            # It would be read to its end, wherever that is, before the next address is asked.
            await response.aclose()
            where = {"location": response.headers["location"]}
            return httpx.Response(response.status_code, headers=where)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


def client(permits: Permits, timeout_s: float) -> httpx.AsyncClient:
    """Return a client that connects to what `permits` allows: `is_public`, or `anywhere`.

    Follows `MOST_REDIRECTS` redirects at most and checks each one's address. `timeout_s` is for each step
    (to connect, to send, until something comes): bound the whole with `asyncio.timeout`. Takes no proxy
    from the environment, which would go round the check.
    Keeps no cookies, and asks for answers as they are: a small one could unpack into a large one.
    Raises `UrlRefused` and `UrlFailed` beside httpx's own errors, and UnicodeError for some names.
    """
    return httpx.AsyncClient(
        transport=_Checked(permits),
        timeout=timeout_s,
        follow_redirects=True,
        max_redirects=MOST_REDIRECTS,
        trust_env=False,
        headers={"User-Agent": "anomaly-server", "Accept-Encoding": "identity"},
    )
