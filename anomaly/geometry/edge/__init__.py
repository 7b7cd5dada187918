"""The edge of a crack found in the photograph itself, where the mask is too broad to measure a width.

What is dark counts: of a crack that is half filled, or half lit by the sun, the dark part is measured.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, uniform_filter1d

from anomaly.geometry.edge.bars import Fit, fit
from anomaly.geometry.edge.profiles import Profiles, Track, covered, sample, tracks
from anomaly.types import Geometry, Image, Mask

__all__ = ["refine"]

_WIDEST = 40.0
"""Pixels of mask width from which on a mask's edge is good enough, and the ground is too far away."""

_MARGIN = 6.0
"""Pixels of ground at least on either side of the mask."""

_STRETCHES = 24
"""The line is cut into as many stretches at the most, and none is shorter than ..."""

_STRETCH = 16
"""... so many profiles."""

_CONTRAST = 8.0
"""Grey levels by which a crack is darker than the ground, at least, and ..."""

_MISFIT = 0.3
"""... the share of that which may be left of a profile once the bar is taken away."""

_SEEN = 0.4
"""Share of the line that must give good profiles."""

_TEXTURE = 0.04
"""Pixels by which the ground's texture shifts the mean of many profiles, one standard deviation."""

_BLURRED, _BLURRED_MOST = 3.0, 0.25
"""What tells the width of a bar from its blur is the flatness of the profile, w^4 / 120 against the blur's 3 s^4: a
lens that blurs not quite as a Gaussian puts the width off by some multiple of s^4 / w^3, by this share at the most."""

_LONGEST_SIDE = 32_766  # cv2.remap's limit


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Profiles (N, K) of one stretch of a line, and the mean of their sides (K // 2 + 1,)."""

    rows: Profiles
    folded: NDArray[np.float64]


def refine(image: Image, mask: Mask, geometry: Geometry) -> Geometry:
    """Measure the widths of `geometry` anew on the photograph `image`, (H, W, 3) uint8 RGB or (H, W) uint8 grey; pure.

    `mask` and the centre lines of `geometry` are in the photograph's coordinates. Widths are those of the dark bar
    that, blurred as the photograph is, leaves its grey profile: for all but the narrowest cracks the width at half
    depth. Where the photograph does not allow it (too little contrast, too few stretches without a branch or an
    edge beside them, wider than 40 pixels, too uncertain), and for blobs, `geometry` comes back as it is.
    """
    if geometry.kind != "line" or geometry.length_pixels <= 0 or max(image.shape[:2]) > _LONGEST_SIDE:
        return geometry
    broad = geometry.area_pixels / geometry.length_pixels
    if broad > _WIDEST:
        return geometry
    reach = broad + _MARGIN
    delta = max(0.5, reach / 40)
    half = int(np.ceil(reach / delta))
    offsets = (np.arange(-half, half + 1) * delta).astype(np.float32)
    lines = tracks(geometry.centre_lines, broad + 4)
    length = max(_STRETCH, int(sum(len(each.points) for each in lines) / _STRETCHES) + 1)
    found = [stretch for each in lines for stretch in _stretches(image, mask, each, offsets, broad, length)]
    return _measured(geometry, found, offsets[half:].astype(np.float64), delta, broad)


def _stretches(
    image: Image, mask: Mask, track: Track, offsets: Profiles, broad: float, length: int
) -> list[_Stretch]:
    """Cut one line into stretches of good profiles, re-centred on the dark valley."""
    search = np.abs(offsets) <= max(broad / 2, mask.cell_pixels) + 2
    grey, _ = sample(image, track, offsets)
    track = track.moved(_valley(grey, offsets, search, 7))
    grey, inside = sample(image, track, offsets)
    beside = np.abs(offsets) > 0.5 * broad + max(2.0, 0.4 * broad)
    good = inside & ~covered(mask, track, offsets)[:, beside].any(axis=1)
    tip = round((0.5 * broad + 1) / track.step)
    good[:tip] = good[len(good) - tip :] = False
    good &= _level(grey, offsets)
    found = []
    count = max(1, round(len(grey) / length))
    for rows, kept in zip(np.array_split(grey, count), np.array_split(good, count), strict=True):
        if kept.sum() >= _STRETCH // 2:
            mean = rows[kept].mean(axis=0, dtype=np.float64)
            middle = len(mean) // 2
            found.append(_Stretch(rows[kept], (mean[middle:] + mean[middle::-1]) / 2))
    return found


def _valley(grey: Profiles, offsets: Profiles, search: NDArray[np.bool_], window: int) -> NDArray[np.float64]:
    """Return how far off the middle of what is dark lies in each profile, pixels, smoothed along the line."""
    smooth = cv2.blur(grey, (3, window), borderType=cv2.BORDER_REPLICATE)[:, search]
    light = smooth[:, [0, -1]].mean(axis=1, keepdims=True)
    dark = np.maximum(light - smooth, 0)
    dark *= dark > 0.4 * dark.max(axis=1, keepdims=True)
    shift = (dark @ offsets[search]) / np.maximum(dark.sum(axis=1), 1e-6)
    return np.asarray(gaussian_filter1d(shift.astype(np.float64), window / 3, mode="nearest"))


def _level(grey: Profiles, offsets: Profiles) -> NDArray[np.bool_]:
    """Say which profiles have like ground on both sides: no edge, joint or shadow beside the crack."""
    outer = max(2, len(offsets) // 5)
    left, right = (uniform_filter1d(each.mean(axis=1), 9) for each in (grey[:, :outer], grey[:, -outer:]))
    depth = np.maximum(left, right) - uniform_filter1d(grey[:, len(offsets) // 2], 9)
    return np.asarray(np.abs(left - right) < np.maximum(0.5 * depth, _CONTRAST))


def _measured(
    geometry: Geometry, found: list[_Stretch], offsets: NDArray[np.float64], delta: float, broad: float
) -> Geometry:
    """Fit the stretches, leave out those without a crack in them, and put the widths in the geometry."""
    for _ in range(2):
        count = sum(len(each.rows) for each in found)
        if count < max(_STRETCH, _SEEN * (geometry.length_pixels - broad)):
            return geometry
        weight = np.array([len(each.rows) for each in found], np.float64)
        folded = np.stack([each.folded for each in found])
        bars = fit(folded, offsets, weight)
        if bars is None:
            return geometry
        contrast = bars.ground - folded[:, :2].mean(axis=1)
        fits = (contrast > _CONTRAST) & (bars.misfit < _MISFIT * contrast)
        if fits.all():
            break
        found = [each for each, good in zip(found, fits, strict=True) if good]
    else:
        return geometry
    blurred = min(_BLURRED * bars.blur**4 / max(bars.mean, 0.1) ** 3, _BLURRED_MOST * bars.mean)
    doubt = np.sqrt(bars.mean_pm**2 + _TEXTURE**2 + blurred**2)
    if doubt > 0.5 + 0.3 * bars.mean:
        return geometry
    widths = _along(found, bars, offsets, delta)
    return replace(
        geometry,
        width_pixels=bars.mean,
        width_p95_pixels=max(bars.mean, float(np.quantile(widths, 0.95))),
        width_max_pixels=max(bars.mean, float(widths.max())),
        width_pixels_pm=float(doubt),
        width_reason=None,
        width_source="photo",
        # the mask is broader than the crack: the area, which stays the mask's, is off by as much
        area_pixels_pm=float(
            np.hypot(
                geometry.area_pixels_pm or 0.0, geometry.area_pixels - geometry.length_pixels * bars.mean
            )
        ),
    )


def _along(
    found: list[_Stretch], bars: Fit, offsets: NDArray[np.float64], delta: float
) -> NDArray[np.float64]:
    """Return the width at each profile: its area over the depth, smoothed as far as noise asks for."""
    widths = []
    for stretch, width, depth, ground in zip(found, bars.width, bars.depth, bars.ground, strict=True):
        reach = width / 2 + 2.5 * np.hypot(bars.blur, 0.5)
        near = np.abs(np.concatenate([-offsets[:0:-1], offsets])) <= reach
        area = (ground - stretch.rows[:, near]).sum(axis=1, dtype=np.float64) * delta / depth
        smooth = uniform_filter1d(area, max(9, round(width)), mode="nearest")
        widths.append(np.maximum(smooth - smooth.mean() + width, 0.0))
    return np.concatenate(widths)
