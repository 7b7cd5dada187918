"""Photographs a second through the whole pipeline, beside its ceiling and beside the packages' own loop.

`python -m benchmarks.pipeline`: 1080p photographs, eight defects on each, RF-DETR and SAM 2.1 with random
weights; tiny ones on the CPU, RF-DETR medium and SAM 2.1 large with `--device cuda`. It also times each step,
and with `--memory` measures the peak memory of each variant as `configs/variants.toml` keeps it.
"""
