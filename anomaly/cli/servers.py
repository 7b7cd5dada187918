"""Where photos are looked at: a pod, an endpoint, or models in this process."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
import typer

from anomaly.client import Client, Patience

RUNPOD = "https://api.runpod.ai/v2"


@dataclass(frozen=True, slots=True)
class Place:
    """A server by its address and key; this process where there is no address."""

    url: str | None = None
    api_key: str | None = None

    @classmethod
    def named(
        cls, url: str | None, endpoint: str | None, api_key: str | None, runpod_key: str | None
    ) -> "Place":
        """Return what the options name. RunPod's key goes to RunPod's addresses only."""
        if url and endpoint:
            raise typer.BadParameter("--url and --endpoint name two servers; give one of them")
        url = f"{RUNPOD}/{endpoint}" if endpoint else url
        if url is None:
            return cls()
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise typer.BadParameter(
                f"{url} is no address; it begins with http:// or https://", param_hint="--url"
            )
        theirs = parts.scheme == "https" and f".{parts.hostname}".endswith(".runpod.ai")
        return cls(url, api_key or (runpod_key if theirs else None))

    @contextmanager
    def opened(self, *, reencode: bool = False) -> Iterator[Client]:
        """Give a client of it. Models of this process are loaded first, as the environment says."""
        if self.url is not None:
            # A wrong address is told at once; a server that goes away later is waited for.
            with Client(self.url, self.api_key, patience=Patience(tries=2)) as first:
                first.health()
            with Client(self.url, self.api_key, reencode=reencode) as client:
                yield client
            return
        from anomaly.bootstrap import build
        from anomaly.serving.pod import create_app
        from anomaly.settings import Settings

        settings = Settings.read()
        service = build(settings)
        service.start()
        try:
            service.wait()
            # The very application of a pod, without a socket between.
            app = httpx.ASGITransport(
                create_app(service, settings.confidence_threshold), raise_app_exceptions=False
            )
            with Client("http://here", transport=app) as client:
                yield client
        finally:
            service.close()
