"""What `/info` and `/health` tell of the loaded models."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from importlib import metadata

from anomaly import machine
from anomaly.backends.embeddings import Embeddings
from anomaly.geometry.standards import Standards
from anomaly.ports import Detector, Segmenter
from anomaly.vram import Plan

_PACKAGES = (
    "fastapi", "numpy", "onnxruntime", "opencv-python-headless", "pillow", "rfdetr", "runpod", "sam2", "sam3",
    "scikit-image", "simplejpeg", "torch", "torchvision",
)  # fmt: skip


def of(
    detector: Detector,
    segmenter: Segmenter | None,
    plan: Plan,
    max_batch: int,
    why: Mapping[str, str],
    sources: Mapping[str, str],
) -> dict[str, object]:
    """Return what `/info` tells: the models, whence their weights, why they were chosen, the plan, versions."""
    return {
        "detector": asdict(detector.card) | {"source": sources["detector"]},
        "segmenter": None if segmenter is None else asdict(segmenter.card) | {"source": sources["segmenter"]},
        "why": dict(why),
        "plan": {
            "detector": None if plan.detector is None else plan.detector.title,
            "segmenter": None if plan.segmenter is None else plan.segmenter.title,
            "precision": plan.precision,
            "max_batch": max_batch,
            "needs_mb": plan.needs_mb,
            "free_mb": plan.free_mb,
            "steps_down": [asdict(each) for each in plan.steps],
            "reason": plan.reason,
        },
        "versions": {name: metadata.version(name) for name in _PACKAGES if _is_installed(name)},
    }


def choices(confidence_threshold: float, standards: Standards) -> dict[str, object]:
    """Return what a request may leave out or choose from: the threshold, and standards with their limits."""
    return {"confidence_threshold": confidence_threshold, "standards": standards.described()}


def counts(embeddings: Embeddings) -> Callable[[], dict[str, object]]:
    """Return a function that says what is kept of earlier photographs, and how often it was of use."""
    return lambda: {"embeddings": asdict(embeddings.stats())}


def device(detector: Detector, segmenter: Segmenter | None) -> Callable[[], dict[str, object]]:
    """Return a function that says where the models run and what memory there is, MB of 2**20 bytes."""
    cards = (detector.card, *(() if segmenter is None else (segmenter.card,)))
    where = next((each.device for each in cards if each.device != "cpu"), "cpu")

    def tell() -> dict[str, object]:
        if where == "cpu":
            free, total = machine.free_bytes(), machine.memory_bytes()
            if free is None or total is None:
                return {"device": where, "device_name": "CPU"}
            memory = {"free_mb": free // 2**20, "total_mb": total // 2**20}
            return {"device": where, "device_name": "CPU", "memory": memory}
        from anomaly.backends.device import gpu

        card = gpu(where)
        if card is None:  # it was there when the models were loaded
            return {"device": where}
        memory = {"free_mb": card.free_mb, "total_mb": card.total_mb}
        return {"device": where, "device_name": card.name, "memory": memory}

    return tell


def _is_installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True
