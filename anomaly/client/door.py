"""One server over HTTP: a call that is answered, tried again where that is safe, or ends in a `ClientError`."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import orjson
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, stop_before_delay
from tenacity.wait import wait_base, wait_random_exponential

from anomaly.client.errors import CallFailed, CallRefused
from anomaly.client.problem import problem_of, retry_after

_LATER = frozenset({408, 425, 429, 502, 503})
"""The request was not, or need not have been, looked at."""

_TROUBLED = frozenset({500, 504, 520, 521, 522, 523, 524})
"""Somebody on the way failed. With a code of ours in the body it is the photograph that fails, each time."""

_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long one call is tried again: waits double from `first_s` to `most_s`, with jitter.

    A longer `Retry-After` is honoured. No try begins after `budget_s`.
    """

    tries: int = 8
    first_s: float = 0.5
    most_s: float = 20.0
    budget_s: float = 300.0


class Door:
    """A server's address, a key for it, and the patience with it."""

    def __init__(
        self,
        url: str,
        api_key: str | None,
        patience: Patience,
        timeout_s: float,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        self._patience, self._timeout_s = patience, timeout_s
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        # One pool for all: how much is under way is bounded by who calls.
        self._http = httpx.AsyncClient(
            headers=headers,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=32),
            transport=transport,
        )
        self._others: httpx.AsyncClient | None = None

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()
        if self._others is not None:
            await self._others.aclose()

    async def call(
        self,
        method: str,
        path: str,
        *,
        content: bytes | None = None,
        content_type: str = "application/json",
        params: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
        repeatable: bool = True,
        accept: frozenset[int] = frozenset(),
        key: str | None = None,
    ) -> Any:
        """Return the JSON of the answer. Statuses in `accept` are answers too; all tries go under one `key`.

        Tried again: connections that break, 408, 425, 429 and 5xx. Where the call is not `repeatable` only what
        the server cannot have acted on. Raises `CallFailed` and `CallRefused`.
        """

        def worth_it(error: BaseException) -> bool:
            return isinstance(error, CallFailed) and (repeatable or error.unheard)

        async def once() -> Any:
            headers = {} if content is None else {"Content-Type": content_type}
            if key is not None:
                headers["Idempotency-Key"] = key
            where = f"{self.url}{path}"
            response = await self._send(self._http, method, where, content, headers, params, timeout_s)
            return self._read(method, where, response, accept)

        return await self._again(once, worth_it)

    async def fetch(self, url: str) -> Any:
        """Return the JSON at a link of somebody else's, such as a bucket: the key is not sent there."""
        others = self._others = self._others or httpx.AsyncClient(follow_redirects=True)

        async def once() -> Any:
            response = await self._send(others, "GET", url, None, {}, None, None)
            return self._read("GET", url.partition("?")[0], response, frozenset())

        return await self._again(once, lambda error: isinstance(error, CallFailed))

    async def _again(
        self, once: Callable[[], Awaitable[Any]], worth_it: Callable[[BaseException], bool]
    ) -> Any:
        stop = stop_after_attempt(self._patience.tries) | stop_before_delay(self._patience.budget_s)
        retry = retry_if_exception(worth_it)
        return await AsyncRetrying(stop=stop, wait=_Wait(self._patience), retry=retry, reraise=True)(once)

    async def _send(
        self,
        http: httpx.AsyncClient,
        method: str,
        where: str,
        content: bytes | None,
        headers: Mapping[str, str],
        params: Mapping[str, str] | None,
        timeout_s: float | None,
    ) -> httpx.Response:
        timeout = httpx.Timeout(timeout_s or self._timeout_s, connect=15.0, pool=None)
        try:
            return await http.request(
                method, where, content=content, headers=headers, params=params, timeout=timeout
            )
        except httpx.TransportError as error:
            what = str(error) or type(error).__name__
            raise CallFailed(
                f"{method} {where.partition('?')[0]} got no answer ({what}); check the address, and that the server"
                " runs",
                unheard=isinstance(error, _NEVER_SENT),
            ) from error
        except httpx.InvalidURL as error:
            raise CallRefused(f"{where} is no address of a server: {error}", status=0) from None

    def _read(self, method: str, where: str, response: httpx.Response, accept: frozenset[int]) -> Any:
        status = response.status_code
        if response.is_success or status in accept:
            try:
                return orjson.loads(response.content)
            except orjson.JSONDecodeError:
                raise CallRefused(
                    f"{method} {where} answered no JSON; is this the server's address?",
                    status=status,
                ) from None
        code, message = problem_of(response.text.strip())
        said = f"{method} {where} answered {status}: {message[:500] or response.reason_phrase}"
        if status in _LATER or (status in _TROUBLED and code is None):
            raise CallFailed(
                said,
                code=code,
                status=status,
                unheard=status in (429, 503),
                retry_after_s=retry_after(response.headers.get("retry-after", "")),
            )
        raise CallRefused(message if code else said, status=status, code=code)


class _Wait(wait_base):
    """Exponential with full jitter, and never less than the server asks for."""

    def __init__(self, patience: Patience) -> None:
        self._usual = wait_random_exponential(multiplier=patience.first_s, max=patience.most_s)

    def __call__(self, retry_state: RetryCallState) -> float:
        error = retry_state.outcome.exception() if retry_state.outcome else None
        asked_s = error.retry_after_s if isinstance(error, CallFailed) else None
        return max(self._usual(retry_state), asked_s or 0.0)
