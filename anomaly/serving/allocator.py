"""How the process's allocator treats photographs: what one leaves free, the next one takes.

By itself glibc maps large blocks apart and gives them back, then learns from their size to keep them in heaps
that shrink now and then: the resident set wanders. Kept, it stays at what the load has needed at once.
"""

import ctypes

KEPT_BYTES = 256 << 20
"""Free memory over this goes back to the system."""

# malloc.h
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_LARGEST_MMAP_THRESHOLD = 32 << 20  # larger blocks, of photographs over 11 megapixels, are mapped apart


def keep_blocks() -> bool:
    """Keep up to `KEPT_BYTES` of freed blocks for the next photograph; return whether this system does so."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # not glibc
        return False
    return bool(
        mallopt(_M_MMAP_THRESHOLD, _LARGEST_MMAP_THRESHOLD) and mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES)
    )
