"""GET /docs: the interface in a browser, every file of it from this server.

FastAPI's own leads to a content delivery network, and behind a firewall it stays white. Swagger UI's files are those
that the package fastapi-offline brings.
"""

from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter, FastAPI, Response
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.staticfiles import StaticFiles

FILES = Path(str(files("fastapi_offline"))) / "static"

# It writes its start and its styles into the document itself.
_SAFETY = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self'"
    " 'unsafe-inline'; img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'self'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def install(app: FastAPI) -> None:
    """Serve the page. Its addresses are relative: a prefix in front does no harm."""
    router = APIRouter()

    @router.get("/docs", include_in_schema=False)
    async def document() -> Response:
        page = get_swagger_ui_html(
            openapi_url="openapi.json",
            title=app.title,
            swagger_js_url="docs/files/swagger-ui-bundle.js",
            swagger_css_url="docs/files/swagger-ui.css",
            swagger_favicon_url="page/any/icon.svg",
            swagger_ui_parameters={"validatorUrl": None},  # it would show the document to a stranger's server
        )
        page.headers.update(_SAFETY)
        return page

    app.include_router(router)
    app.mount("/docs/files", StaticFiles(directory=FILES), name="docs")
