"""The embedded crack finder of last resort: a bank of oriented line filters, detector and segmenter in one.

It needs no weights, no torch and no GPU, and finds thin dark lines. It does not know what a crack is.
"""

from anomaly.backends.ridge.finder import Ridge, load

__all__ = ["Ridge", "load"]
