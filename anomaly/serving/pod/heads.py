"""HEAD wherever GET answers (RFC 9110, 9.3.2): monitors and load balancers ask so, and routes know GET alone."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Heads:
    """Lets the application answer a GET and keeps the body back."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def head_alone(message: Message) -> None:
            scope["method"] = "HEAD"  # the server looks here whether the announced length has to come
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        # The same scope: what the routes note in it is for the log and the figures, outside of this.
        scope["method"] = "GET"
        try:
            await self._app(scope, receive, head_alone)
        finally:
            scope["method"] = "HEAD"
