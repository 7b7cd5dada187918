"""HTTP/1.1 as uvicorn speaks it, with bounds for what stands before and after a request's body: it has none.

Without them a client that opens connections and sends nothing, or a head or trailers without an end, takes the
server's connections or its memory. The body `intake` bounds.
"""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_S = 30.0
"""So long a connection may wait for its first request, and a request's head may be on its way; nginx takes 60 s."""

KEEP_ALIVE_S = 75
"""So long a connection waits for its next request: longer than the 60 s of nginx and of AWS's balancers.

Whoever hangs up first loses the request that the other one sends in that moment; the one that sends is to be first.
"""

MOST_STRAY_BYTES = 65_536
"""Of a head, or of trailers, in more than one piece. Signed links, cookies and keys take a few thousand."""


class Protocol(HttpToolsProtocol):
    """One connection. A head that is late is answered 408, one that is too long 431; then the connection ends.

    So it does without a word where nothing came, as a proxy that opens connections beforehand would take that for
    the answer to its next request, and where the trailers are too long.
    """

    head_s = HEAD_S
    _late: asyncio.TimerHandle | None = None
    _in_head = False
    _stray_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Read on. A head that is there at once, as most are, needs no timer."""
        self._stray_bytes += len(data)
        super().data_received(data)
        if self._stray_bytes > MOST_STRAY_BYTES:
            self._end(b"431 Request Header Fields Too Large")
        elif self._in_head and self._late is None:
            self._wait()

    def on_message_begin(self) -> None:
        """Begin a head."""
        super().on_message_begin()
        self._in_head = True

    def on_headers_complete(self) -> None:
        """End it."""
        self._in_head, self._stray_bytes = False, 0
        self._rest()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body: what came with it is its frame."""
        self._stray_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End a request."""
        self._stray_bytes = 0
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._rest()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._late = self.loop.call_later(self.head_s, self._end, b"408 Request Timeout")

    def _rest(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _end(self, status: bytes) -> None:
        self._rest()
        if self.transport.is_closing():
            return
        if self._in_head:
            self.transport.write(b"HTTP/1.1 %b\r\nconnection: close\r\ncontent-length: 0\r\n\r\n" % status)
        self.transport.close()
