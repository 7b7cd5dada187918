"""Who may call: clients with the account's key, workers with theirs."""

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from anomaly.simulator.faults import WORKER_OPERATIONS

CLIENT_HINT = "send the header Authorization: Bearer KEY with the simulator's api_key"
WORKER_HINT = (
    "send RUNPOD_AI_API_KEY as the header Authorization; where a ~/.runpod/config.toml exists, the SDK "
    "sends its api_key instead: worker_key=None lets any key pass"
)


class Guard:
    """ASGI middleware: 401 for a wrong key, sent as `Bearer KEY` or bare. A `worker_key` of None is any."""

    def __init__(self, app: ASGIApp, api_key: str, worker_key: str | None) -> None:
        self._app = app
        self._api_key = api_key
        self._worker_key = worker_key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the call pass, or refuse it."""
        by_worker = [*scope["path"].split("/"), "", "", ""][3] in WORKER_OPERATIONS
        expected = self._worker_key if by_worker else self._api_key
        given = Headers(scope=scope).get("authorization", "").removeprefix("Bearer ")
        if expected is None or given == expected:
            await self._app(scope, receive, send)
            return
        hint = WORKER_HINT if by_worker else CLIENT_HINT
        await JSONResponse({"error": f"unauthorized: {hint}"}, 401)(scope, receive, send)
