"""Weights files: which there are, where they lie, and how they come here. Imports no torch.

A file is looked for where the operator points, then in the Hugging Face caches, baked into the image, on the
network volume, among what was downloaded before; and is downloaded where it is nowhere.
"""

from anomaly.weights.downloading import Told, fetch
from anomaly.weights.entry import Entry, named, reference
from anomaly.weights.places import Found, Places, Source, find
from anomaly.weights.progress import telling
from anomaly.weights.verifying import sha256, verify

__all__ = [
    "Entry",
    "Found",
    "Places",
    "Source",
    "Told",
    "fetch",
    "find",
    "named",
    "reference",
    "sha256",
    "telling",
    "verify",
]
