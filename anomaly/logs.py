"""What the log looks like: a line for a reader, or JSON for a machine, with the request's id in each line."""

import logging
import sys
from typing import Literal

import structlog
from structlog.types import Processor

LogFormat = Literal["auto", "text", "json"]

_TALKATIVE = ("httpx", "httpcore", "urllib3")
"""They write out whole addresses, with the signatures of links, and at DEBUG headers, with keys."""


def configure(level: str, form: LogFormat) -> None:
    """Send every log line of the process to stderr, from `level` (debug, info, ...) on.

    `auto` writes text where a person reads along, and JSON elsewhere. Lines carry what is bound with
    `structlog.contextvars`: the request's or the job's id. Nothing logs a payload.
    """
    readable = form == "text" or (form == "auto" and sys.stderr.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    # structlog's own choice, where rich is installed, prints every frame's variables: photographs and keys.
    plain = structlog.dev.plain_traceback
    last: list[Processor] = (
        [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
        if readable
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
