"""An answer as it goes out."""

from typing import NamedTuple

from fastapi import Response
from starlette.types import Send


class Answered(NamedTuple):
    """The body and what is said of it; headers beside its type and its length."""

    body: bytes
    media_type: str = "application/json"
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()

    async def send(self, send: Send) -> None:
        """Send it, with nothing of a framework in between."""
        headers = [
            (b"content-type", self.media_type.encode()),
            (b"content-length", str(len(self.body)).encode()),
            *((name.lower().encode(), value.encode()) for name, value in self.headers),
        ]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})

    def response(self) -> Response:
        """Return it for a route."""
        return Response(self.body, self.status, dict(self.headers), media_type=self.media_type)
