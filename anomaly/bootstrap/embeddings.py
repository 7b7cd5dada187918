"""How much of what the models computed is kept for photographs that are asked for again."""

from anomaly.vram import Plan

MOST_MB = 1024
"""Some eighty photographs of SAM 2.1 in bf16; what is asked for again is mostly asked for soon."""

WITHOUT_CARD_MB = 256
"""Of the host's memory: fifteen photographs of SAM 2.1, each of which took the CPU seconds to a minute."""

SHARED_MB = 21
"""What SAM 3's image encoder makes of one photograph: 1024 x 72 x 72 numbers, in fp32."""


def limit_mb(asked_mb: int | None, made: Plan, *, shared: bool) -> int:
    """Return the bound in MB of 2**20 bytes: what was asked for, else half of what the plan leaves free.

    The other half is slack: the reckoning of a batch is no measurement. Where a detector and a segmenter
    share an encoder (`shared`) there is room for a batch at least, or each photograph would be encoded twice.
    """
    if asked_mb is not None:
        return asked_mb
    if made.detector is None and made.segmenter is None:
        return 0
    if made.free_mb is None or made.needs_mb is None:
        return WITHOUT_CARD_MB
    spare_mb = max(0, min(MOST_MB, (made.free_mb - made.needs_mb) // 2))
    return max(spare_mb, made.batch * SHARED_MB) if shared else spare_mb
