"""How the process's memory treats photographs: what one leaves free, the next one takes.

By itself glibc maps large blocks apart and gives them back, then learns from their size to keep them in heaps
that shrink now and then: the resident set wanders. Kept, it stays at what the load has needed at once. Each thread
has heaps of its own, too, so that what one frees another one does not find: with one for all, what is kept is what
all of them needed at once, not the most that each of them ever did.
"""

import ctypes
import gc

KEPT_BYTES = 256 << 20
"""Free memory over this goes back to the system."""

COLLECTED_AFTER = 5_000
"""Objects that come and stay between two looks of the collector; Python's own 700 come with every third photo."""

# malloc.h
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8
_LARGEST_MMAP_THRESHOLD = 32 << 20  # larger blocks, of photographs over 11 megapixels, are mapped apart


def keep_blocks() -> bool:
    """Keep up to `KEPT_BYTES` of freed blocks for the next photograph; return whether this system does so.

    Call it before the threads start.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # not glibc
        return False
    return bool(
        mallopt(_M_MMAP_THRESHOLD, _LARGEST_MMAP_THRESHOLD)
        and mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES)
        and mallopt(_M_ARENA_MAX, 1)
    )


def leave_what_stays() -> None:
    """Let Python's collector look no more at what is there now: libraries and models, which stay.

    It would go over all of them, some hundred thousand objects, for every few hundred requests. Call it
    once, when everything is loaded.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECTED_AFTER, *gc.get_threshold()[1:])
