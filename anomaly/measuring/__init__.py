"""From masks to their measures, and to what is written of them: on processes of their own, or in place."""

from anomaly.measuring.job import Job, Measured, around, work
from anomaly.measuring.processes import Measuring

__all__ = ["Job", "Measured", "Measuring", "around", "work"]
