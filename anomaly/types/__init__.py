"""The values that flow through the server, in the order in which they appear.

bytes -> Frame + Options -> Detection -> Mask -> Geometry -> Anomaly / Structure -> Findings

Boxes are xyxy floats in pixels of the upright photograph, the maximum exclusive. Pixels are RGB.
"""

from anomaly.types.card import ModelCard
from anomaly.types.findings import (
    Anomaly,
    Detection,
    Findings,
    Geometry,
    Mask,
    Physical,
    Structure,
    WidthClass,
    WrittenMask,
)
from anomaly.types.options import Camera, Marker, MaskFormat, Options, PictureForm, ScaleRequest, Tiles
from anomaly.types.photograph import Bitmap, Box, Frame, Image, Limits, Polyline
from anomaly.types.state import JobState

__all__ = [
    "Anomaly",
    "Bitmap",
    "Box",
    "Camera",
    "Detection",
    "Findings",
    "Frame",
    "Geometry",
    "Image",
    "JobState",
    "Limits",
    "Marker",
    "Mask",
    "MaskFormat",
    "ModelCard",
    "Options",
    "Physical",
    "PictureForm",
    "Polyline",
    "ScaleRequest",
    "Structure",
    "Tiles",
    "WidthClass",
    "WrittenMask",
]
