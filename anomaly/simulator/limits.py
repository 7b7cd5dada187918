"""What the platform allows and how long it waits, in one place, so that a test can shorten any of it.

Sizes, waits and retention are those of RunPod's documentation (Serverless > Endpoints > Operation reference,
Send requests, Job states). Where it is silent, the field says what is assumed and on what grounds.
"""

from dataclasses import dataclass

MIB = 1024 * 1024
DAY_S = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, durations in seconds (`_s`) or, where the interface counts so, milliseconds (`_ms`).

    The platform's own refusal reads "exceeded max body size of 10MiB": its megabytes are 1024 x 1024 bytes.
    """

    run_bytes: int = 10 * MIB
    runsync_bytes: int = 20 * MIB
    output_bytes: int = 20 * MIB
    stream_bytes: int = 1 * MIB
    """What a handler may yield at once, by the documentation. How more is refused is assumed: as a result is."""

    wait_ms: int = 90_000
    min_wait_ms: int = 1_000
    max_wait_ms: int = 300_000

    execution_timeout_ms: int = 600_000
    min_execution_timeout_ms: int = 5_000
    max_execution_timeout_ms: int = 7 * 86_400_000
    ttl_ms: int = 86_400_000
    min_ttl_ms: int = 10_000
    max_ttl_ms: int = 7 * 86_400_000

    async_retention_s: float = 30 * 60.0
    sync_retention_s: float = 60.0

    poll_s: float = 20.0
    """How long job-take and job-stop are held open. Assumed: the SDK itself gives up after 90 s."""

    lost_after_s: float = 40.0
    """A job no ping names for so long is lost. Assumed; observed: requeued after 46 s, failed 42 s later."""

    max_redeliveries: int = 1
    """How often a lost job is handed out again. Then it fails: "job timed out after 1 retries" (observed)."""

    max_workers: int = 3
    queue_per_worker: int = 500
    queue_floor: int = 50
    """429 where the queue is longer than the floor and than `max_workers` x `queue_per_worker`."""

    webhook_delays_s: tuple[float, ...] = (10.0, 10.0)
    webhook_timeout_s: float = 10.0

    worker_grace_s: float = 5.0
    """Between SIGTERM and SIGKILL when a worker is stopped. Assumed."""
