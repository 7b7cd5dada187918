"""The HTTP server round the application: up at once, ready when the models are, gone when they fail."""

import math
import signal
import threading

import uvicorn

from anomaly.errors import AnomalyError
from anomaly.jobs import Jobs
from anomaly.service import Service
from anomaly.serving.allocator import keep_blocks, leave_what_stays
from anomaly.serving.pod.access import OPEN_TO_ALL, Access
from anomaly.serving.pod.app import create_app
from anomaly.serving.pod.draining import CLOSING_S, Server
from anomaly.serving.pod.intake import BY_MEMORY, Uploads
from anomaly.serving.pod.protocol import KEEP_ALIVE_S, Protocol
from anomaly.serving.storing.filing import Filing


def serve(
    service: Service,
    default_threshold: float,
    host: str,
    port: int,
    access: Access = OPEN_TO_ALL,
    drain_s: float = 30.0,
    queue: Jobs | None = None,
    filing: Filing | None = None,
    root_path: str = "",
    uploads: Uploads = BY_MEMORY,
) -> None:
    """Serve until SIGTERM or SIGINT, finishing what runs, or until the device is lost.

    Raises what kept the models from loading, and `DeviceLost`: who started the process is to start it again.

    The port answers from the start, so that `/health` can say that the models are loading. What runs when
    the signal comes has `drain_s` to finish. `queue` takes jobs, which wait for the next start;
    `filing` keeps answers. `root_path` stands before all paths, and `uploads` bounds what is
    read at once.
    """
    keep_blocks()
    app = create_app(service, default_threshold, access, queue, filing, root_path, uploads)
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=Protocol,
        timeout_keep_alive=KEEP_ALIVE_S,
        log_config=None,
        access_log=False,
        server_header=False,  # nobody needs to know what to attack
        timeout_graceful_shutdown=math.ceil(CLOSING_S),
    )
    server = Server(config, service, drain_s)

    def settle() -> None:
        try:
            service.wait()
        except AnomalyError:
            server.should_exit = True
        else:
            leave_what_stays()

    # While it runs uvicorn has handlers of its own; before and after, a signal is no death.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    service.start()
    threading.Thread(target=settle, name="watching", daemon=True).start()
    server.run()
    if service.failure is not None:
        raise service.failure
