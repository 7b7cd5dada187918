"""Workers for the tests, run by the real SDK: `python handlers.py plain|stream [CONCURRENCY]`."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any


async def plain(job: dict[str, Any]) -> Any:
    """Do what the input says: sleep, leave a mark, fail, answer much, echo."""
    asked = job["input"]
    if "mark" in asked:
        Path(asked["mark"]).write_text("started")
    try:
        await asyncio.sleep(asked.get("sleep_s", 0))
    except asyncio.CancelledError:
        if "mark" in asked:
            Path(asked["mark"]).write_text("cancelled")
        raise
    match asked:
        case {"progress": progress}:
            import runpod

            runpod.serverless.progress_update(job, progress)
            await asyncio.sleep(0.3)
        case {"error": error}:
            return {"error": error}
        case {"bytes": size}:
            return {"data": "x" * size}
    return {"echo": asked}


async def stream(job: dict[str, Any]) -> AsyncIterator[int]:
    """Count to the input's `to`, with a pause before each number."""
    for number in range(job["input"]["to"]):
        await asyncio.sleep(job["input"].get("pause_s", 0))
        yield number


def main() -> None:
    """Start the SDK's own worker loop."""
    import runpod

    kind, concurrency = sys.argv[1], int((sys.argv[2:] or ["1"])[0])
    sys.argv = sys.argv[:1]
    runpod.serverless.start(
        {
            "handler": {"plain": plain, "stream": stream}[kind],
            "return_aggregate_stream": True,
            "concurrency_modifier": lambda now: concurrency,
        }
    )


if __name__ == "__main__":
    main()
