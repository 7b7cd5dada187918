"""Peak memory of each network at one photograph and at the largest batch, as `configs/variants.toml` keeps it.

What torch allocated on a card, weights and activations together, without the context of CUDA and without the
allocator's slack. On the CPU, where torch does not count, what the process's resident set grew by at its peak.
"""

import gc
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from anomaly.errors import OutOfMemory

Work = Callable[[str, int], Callable[[], object]]
"""Loads a network in a precision and for a batch, and returns what runs that batch."""


def measured(work: Work, device: str, largest: int, precisions: Sequence[str]) -> dict[str, int]:
    """Return peak MB (2**20 bytes) by precision and batch: `fp32_batch1`, `bf16_batch32`.

    A largest batch that does not fit is halved until it does.
    """
    peaks: dict[str, int] = {}
    for precision in precisions:
        batch = largest
        while batch > 1:
            try:
                peaks[f"{precision}_batch{batch}"] = peak_mb(device, partial(_once, work, precision, batch))
                break
            except OutOfMemory:
                batch //= 2
        peaks[f"{precision}_batch1"] = peak_mb(device, partial(_once, work, precision, 1))
    return dict(sorted(peaks.items(), key=lambda each: (each[0][:4], int(each[0][10:]))))


def peak_mb(device: str, run: Callable[[], object]) -> int:
    """Return by how much memory grew at its peak while `run` ran, in MB."""
    gc.collect()
    if device == "cpu":
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew: proc(5)
        before = _resident_kb("VmRSS")
        run()
        return max(0, _resident_kb("VmHWM") - before) // 1024
    import torch

    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    run()
    torch.cuda.synchronize()
    return int(torch.cuda.max_memory_allocated() - before) // 2**20


def per_image_mb(peaks: dict[str, int], precision: str) -> int | None:
    """Return what each photograph beyond the first adds: the slope between the two batches, None without."""
    points = sorted(
        (int(key.partition("_batch")[2]), value) for key, value in peaks.items() if key.startswith(precision)
    )
    if len(points) < 2 or points[0][0] == points[-1][0]:
        return None
    (few, low), (many, high) = points[0], points[-1]
    return max(0, round((high - low) / (many - few)))


def toml(row: str, peaks: dict[str, int]) -> str:
    """Return the lines that go into the row ("detectors.medium") of `configs/variants.toml`.

    The slope is of fp32, which needs the most.
    """
    lines = [f"[{row}.memory]"]
    slope = per_image_mb(peaks, "fp32")
    if slope is not None:
        lines += [f"per_image_mb = {slope}", 'per_image_source = "measured"']
    figures = ", ".join(f"{key} = {value}" for key, value in peaks.items())
    return "\n".join([*lines, f"measured_mb = {{ {figures} }}", ""])


def _once(work: Work, precision: str, batch: int) -> None:
    work(precision, batch)()


def _resident_kb(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1])
    raise OSError(f"/proc/self/status has no {field}")
