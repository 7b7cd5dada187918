"""What of the machine this process may use: the limits of its container count where they are lower.

A container sees all cores and all memory of its host. Who starts a thread for each of 128 cores and may use two
of them is stopped most of the time, and who fills the host's memory is killed.
"""

from anomaly.machine.cores import cores, quota
from anomaly.machine.memory import free_bytes, memory_bytes

__all__ = ["cores", "free_bytes", "memory_bytes", "quota"]
