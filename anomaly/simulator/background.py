"""An async context manager held open in a thread of its own, for hosts that have no event loop."""

import asyncio
import threading
from contextlib import AbstractAsyncContextManager


class Background:
    """Enters `held` on a new event loop in a new thread, and leaves it there."""

    def __init__(self, held: AbstractAsyncContextManager[object]) -> None:
        self._held = held
        self._ready = threading.Event()
        self._leave = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="simulator", daemon=True)

    def start(self) -> None:
        """Return when `held` is entered; raises what its entry raised."""
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Return when `held` is left and the thread has ended; raises what went wrong there, if anything did."""
        if self._loop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._leave.set)
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            asyncio.run(self._hold())
        except BaseException as failure:
            self._failure = failure
        finally:
            self._ready.set()

    async def _hold(self) -> None:
        self._loop = asyncio.get_running_loop()
        async with self._held:
            self._ready.set()
            await self._leave.wait()
