"""GET /: the page on which people drop photographs and read what was found.

Its files are plain HTML, CSS and JavaScript and lie in `files/`. They are read once, and served below a
path that holds the digest of them all: a browser keeps them for good, and a new version has new addresses.
Everything the page does goes through the API that any other caller uses.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

FOLDER = Path(__file__).parent / "files"

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

_SAFETY = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class Page:
    """The page as it is served: the document at `/`, and its files by their path below `page/<version>/`."""

    version: str
    document: bytes
    files: Mapping[str, bytes]


def read(folder: Path = FOLDER) -> Page:
    """Return the page in `folder`, of which `index.html` names its files below `page/VERSION/`."""
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.suffix in _TYPES
    }
    version = hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()[:16]
    document = files.pop("index.html").replace(b"page/VERSION/", f"page/{version}/".encode())
    return Page(version, document, files)


def routes() -> APIRouter:
    """Return the routes of the page and its files, which never need a key."""
    router = APIRouter(tags=["page"])
    page = read()

    @router.get("/", response_class=Response, responses={200: {"content": {"text/html": {}}}})
    async def document(request: Request) -> Response:
        """The page for people: drop photographs, see what was found, measure, download."""
        return _answer(request, page.document, ".html", page.version, "no-cache")

    @router.get("/page/{version}/{path:path}", include_in_schema=False)
    async def file(request: Request, version: str, path: str) -> Response:
        if path not in page.files:
            raise HTTPException(404, "there is no such file of the page")
        # Another version's address is one that a tab from before an update still has.
        keep = "public, max-age=31536000, immutable" if version == page.version else "no-store"
        return _answer(request, page.files[path], Path(path).suffix, page.version, keep)

    return router


def _answer(request: Request, content: bytes, suffix: str, version: str, keep: str) -> Response:
    headers = {**_SAFETY, "Cache-Control": keep, "ETag": f'"{version}"'}
    if f'"{version}"' in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=_TYPES[suffix])
