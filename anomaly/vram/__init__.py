"""Choose variants for a memory budget. Pure: a table and a number of megabytes in, a plan out."""

from anomaly.vram.planning import Plan, StepDown, plan
from anomaly.vram.table import Combination, Memory, Table, Variant
from anomaly.vram.wish import Precision, Wish

__all__ = ["Combination", "Memory", "Plan", "Precision", "StepDown", "Table", "Variant", "Wish", "plan"]
