"""RunPod's queue API on loopback: try a worker or a client without an account, and meet its faults.

    async with Simulator() as sim:
        sim.start_worker([sys.executable, "handler.py"])
        ...  # POST to f"{sim.url}/run" with the header Authorization: Bearer local-key

Written against runpod 1.12 and RunPod's documentation; `limits.py`, `job.py` and `queue.py` say what was
observed, and what is assumed because nothing says it.
"""

from anomaly.simulator.faults import Drop, Duplicate, Fault, FaultPlan, Hang, Late, Refuse, Signal
from anomaly.simulator.job import Job
from anomaly.simulator.limits import Limits
from anomaly.simulator.simulator import Simulator
from anomaly.types import JobState as State

__all__ = [
    "Drop",
    "Duplicate",
    "Fault",
    "FaultPlan",
    "Hang",
    "Job",
    "Late",
    "Limits",
    "Refuse",
    "Signal",
    "Simulator",
    "State",
]
