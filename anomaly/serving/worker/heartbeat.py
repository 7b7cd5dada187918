"""The SDK sends its heartbeat from a child process, which must not go on for a worker that is dead."""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def bind_children() -> None:
    """Let every process forked from now on be killed with this one, however it ends (Linux only)."""
    if sys.platform != "linux":
        return
    parent = os.getpid()
    prctl = ctypes.CDLL(None).prctl  # looked up here: a forked child is to do as little as it can

    def die_with_parent() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the call
            os._exit(1)

    os.register_at_fork(after_in_child=die_with_parent)
