"""The embedded crack finder: a small network of our own, detector and segmenter in one.

It was trained on generated photographs alone, needs no download, no torch and no GPU, and knows one
class, "crack". `starter.onnx` holds its weights, `starter.json` how they came about and how good they are.
"""

from anomaly.backends.starter.finder import Starter, load

__all__ = ["Starter", "load"]
