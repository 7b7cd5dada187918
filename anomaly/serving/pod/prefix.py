"""A path in front of all paths, as behind a proxy that serves other things beside this server."""

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send


class Outside:
    """Shows all layers below it the path without the prefix, whether or not the proxy has taken it away.

    The header `X-Forwarded-Prefix`, which says the same for each request, is not believed: anyone can send it.
    """

    def __init__(self, app: ASGIApp, root: str) -> None:
        self._app, self._root = app, root

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http":
            if scope["path"] == self._root:  # what the page leads to is below its folder
                await RedirectResponse(f"{self._root}/")(scope, receive, send)
                return
            if scope["path"].startswith(f"{self._root}/"):
                scope["path"] = scope["path"][len(self._root) :]
            scope["root_path"] = self._root
        await self._app(scope, receive, send)


class Inside:
    """Shows the application the path with the prefix, as ASGI has it: its own links are made of it."""

    def __init__(self, app: ASGIApp, root: str) -> None:
        self._app, self._root = app, root

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        # The same scope: what the routes note in it is for the log and the figures, outside of this.
        scope["path"] = self._root + path
        try:
            await self._app(scope, receive, send)
        finally:
            scope["path"] = path
