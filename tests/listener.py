"""Any ASGI application on a port of this machine, served as in production."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn


@contextmanager
def on_uvicorn(app: Any, **options: Any) -> Iterator[str]:
    """Serve an application on a free port, by uvicorn's `options`; give its address, without a slash at its end."""
    with socket.create_server(("127.0.0.1", 0)) as listening:  # whoever comes before the server is up waits
        config = uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=1, **options)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=lambda: server.run(sockets=[listening]))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:  # a test that failed in between would leave it running, and pytest waiting for it
            server.should_exit = True
            thread.join()
