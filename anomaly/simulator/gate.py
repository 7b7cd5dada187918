"""Where every call passes and meets its fault, before and after the application that answers it."""

import asyncio
from collections.abc import Awaitable, Callable

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from anomaly.simulator.bell import Bell
from anomaly.simulator.calls import Call, CallLog, Record
from anomaly.simulator.connections import Connections
from anomaly.simulator.faults import Drop, Duplicate, Fault, FaultPlan, Hang, Late, Refuse, Signal

HAND_OUT_AGAIN = "simulator.hand_out_again"
"""In the scope of a job-take: the job it takes is to be handed out a second time."""


class Gate:
    """ASGI middleware. `plan` may be replaced at any time.

    `send_signal` takes the id of the worker that the call is of, or None, and the number of the signal.
    """

    def __init__(
        self,
        app: ASGIApp,
        clock: Callable[[], float],
        bell: Bell,
        connections: Connections,
        send_signal: Callable[[str | None, int], None],
    ) -> None:
        self._app = app
        self._clock = clock
        self._bell = bell
        self._connections = connections
        self._send_signal = send_signal
        self.plan = FaultPlan()
        self.log = CallLog()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call, or do to it what the plan says."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        call = self.log.number(scope["path"])
        fault = self.plan.at(call.operation, call.number)
        began_at = self._clock()
        status: int | None = None
        noted = False

        def note() -> None:
            """Record the call, once, before its caller can know that it is over."""
            nonlocal noted
            if not noted:
                noted = True
                self.log.add(Record(call, fault, status, began_at, self._clock()))

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            elif not message.get("more_body"):
                note()
            await send(message)

        async def close() -> None:
            """Close the connection, and return when the server knows: else it would still answer, with a 500."""
            note()
            self._connections.close(scope)
            while (await receive())["type"] != "http.disconnect":
                continue

        try:
            await self._pass(call, fault, scope, receive, noting, close)
        finally:
            note()

    async def _pass(
        self,
        call: Call,
        fault: Fault | None,
        scope: Scope,
        receive: Receive,
        send: Send,
        close: Callable[[], Awaitable[None]],
    ) -> None:
        match fault:
            case None:
                await self._app(scope, receive, send)
            case Refuse(status, after, retry_after_s):
                await (self._app(scope, receive, _unheard) if after else _read(receive))
                headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
                refusal = JSONResponse({"error": f"{status} by the simulator's fault plan"}, status, headers)
                await refusal(scope, receive, send)
            case Drop(after):
                await (self._app(scope, receive, _unheard) if after else _read(receive))
                await close()
            case Hang(wait_s, after):
                await (self._app(scope, receive, _unheard) if after else _read(receive))
                await self._sleep(wait_s)
                await close()
            case Late(wait_s):
                await self._app(scope, receive, self._later(send, wait_s))
            case Duplicate() if call.operation.startswith("job-take"):
                await self._app({**scope, HAND_OUT_AGAIN: True}, receive, send)
            case Duplicate():
                body = await _read(receive)
                await self._app(dict(scope), _replayed(body, receive), _unheard)  # routing writes into it
                await self._app(scope, _replayed(body, receive), send)
            case Signal(number, wait_s):
                await self._app(scope, receive, send)
                await self._sleep(wait_s)
                self._send_signal(call.worker_id, number)

    async def _sleep(self, wait_s: float) -> None:
        try:
            await asyncio.wait_for(self._bell.closed.wait(), wait_s)
        except TimeoutError:
            return

    def _later(self, send: Send, wait_s: float) -> Send:
        async def late(message: Message) -> None:
            if message["type"] == "http.response.start":
                await self._sleep(wait_s)
            await send(message)

        return late


async def _unheard(message: Message) -> None:
    """Take the place of `send` where nobody is to hear the answer."""


async def _read(receive: Receive) -> bytes:
    """Return the body, so that a client that is still sending it is not cut short before it can listen."""
    body = bytearray()
    while (message := await receive())["type"] == "http.request":
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    return bytes(body)


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives `body`, and after it what the connection itself has to say."""
    unread = [body]

    async def replay() -> Message:
        if unread:
            return {"type": "http.request", "body": unread.pop(), "more_body": False}
        return await receive()

    return replay
