"""RunPod's REST API, and what it answers."""

from typing import Any

import httpx
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from anomaly.errors import ConfigurationError

ADDRESS = "https://api.runpod.io"


class Platform:
    """One account. Calls that the platform could not take (429, 5xx, a broken connection) are tried again,
    but for the one that creates: it might create twice.
    """

    def __init__(self, api_key: str, address: str = ADDRESS) -> None:
        self._http = httpx.Client(
            base_url=address, headers={"Authorization": f"Bearer {api_key}"}, timeout=httpx.Timeout(60.0)
        )

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Return the JSON of the answer, None where there is none. Raises `ConfigurationError`, quoting it."""
        retrying = Retrying(
            stop=stop_after_attempt(1 if method == "POST" else 5),
            wait=wait_random_exponential(multiplier=0.5, max=20.0),
            retry=retry_if_exception(_passing),
            reraise=True,
        )
        try:
            response: httpx.Response = retrying(self._once, method, path, body)
        except httpx.HTTPStatusError as error:
            raise ConfigurationError(_said(error.response, f"{method} {path}")) from None
        except httpx.TransportError as error:
            raise ConfigurationError(f"{method} {path}: RunPod's API cannot be reached ({error}).") from None
        return response.json() if response.content else None

    def _once(self, method: str, path: str, body: Any) -> httpx.Response:
        response = self._http.request(method, path, json=body)
        response.raise_for_status()
        return response

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


def _passing(error: BaseException) -> bool:
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code == 429 or error.response.status_code >= 500
    return isinstance(error, httpx.TransportError)


def _said(response: httpx.Response, what: str) -> str:
    """Return what a problem document (RFC 9457) says, and what to do about the commonest."""
    hints = {
        401: " Set RUNPOD_API_KEY to a key of your account.",
        402: " Add credit to the account.",
        403: " The key may not do this: make one that may.",
    }
    try:
        problem = response.json()
        detail = "; ".join([str(problem.get("detail", "")), *map(str, problem.get("errors", []))])
    except (ValueError, AttributeError):
        detail = response.text[:300]
    return f"{what}: RunPod answers {response.status_code}: {detail}.{hints.get(response.status_code, '')}"
