"""The width of a blurred dark bar, from its mean grey profiles.

A crack is taken as a bar of even darkness with the blur of lens, focus and pixel over it. Where it is wide, its
width is that at half depth. Where it is narrower than the blur, the profile shows little more than its area, which
is width times depth: then what the wider stretches of the same crack tell about blur and depth decides, and where
nothing tells, every width that the profile allows counts, and the uncertainty says so.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Values = NDArray[np.float64]

_OWN_BLUR = 0.35
"""Standard deviation in pixels of a pixel's area (its variance is 1/12) and of cubic sampling, joined."""

_USUAL_BLUR, _BLUR_SPREAD = 1.0, 0.5
"""What blur photographs have, pixels, and the spread of its logarithm: only what the profiles leave open."""

_USUAL_DEPTH, _USUAL_SPREAD = 0.5, 0.4
"""How deep cracks are, as a share of the ground's grey level, and the spread of its logarithm: likewise."""

_DEPTH_SPREAD = 0.12
"""By how much of itself the depth differs along one crack."""

_MISFIT = 0.004
"""A real profile keeps to the model no better than this share of its depth."""

_GRAIN = 1.5
"""Pixels over which noise and texture hang together."""


_CAUTION = 1.35
"""By how much generated cracks differ more from what is fitted than the fit itself expects."""


@dataclass(frozen=True, slots=True)
class Fit:
    """Widths `width` (S,) in pixels, depths and grounds (S,) in grey levels of S profiles, and the `blur`.

    `mean` is the mean width by weight and `mean_pm` its standard deviation; `misfit` (S,) is the root mean square
    of what the bar leaves of each profile, grey levels.
    """

    width: Values
    depth: Values
    ground: Values
    misfit: Values
    blur: float
    mean: float
    mean_pm: float


def fit(profiles: Values, offsets: Values, weight: Values) -> Fit | None:
    """Fit bars to `profiles` (S, K), grey levels at `offsets` (K,) from the middle outwards, both sides' mean.

    `weight` (S,) is how much of the line each profile stands for. Returns None where nothing dark is in them.
    """
    half = _half_depth(profiles, offsets)
    if half is None:
        return None
    low, high = half
    widths = np.arange(max(0.4, low - 5.0), high + 1.5, max(0.1, (high - low + 6.5) / 48))
    blurs = np.geomspace(0.35, max(1.5, min(4.0, high / 1.8)), 16)
    spread = np.hypot(blurs, _OWN_BLUR)[:, None, None]
    edge = widths[None, :, None] / 2
    bars = ndtr((offsets + edge) / spread) - ndtr((offsets - edge) / spread)
    bars = bars.reshape(-1, len(offsets))
    # Least squares for ground and depth of each bar under each profile.
    centred = bars - bars.mean(axis=1, keepdims=True)
    power = (centred**2).sum(axis=1)
    flat = profiles - profiles.mean(axis=1, keepdims=True)
    depth = -(flat @ centred.T) / power
    left = np.maximum((flat**2).sum(axis=1)[:, None] - depth**2 * power, 0.0)
    best = left.argmin(axis=1)
    rows = np.arange(len(profiles))
    depth_best = depth[rows, best]
    if not (depth_best > 0).all():
        return None
    count = len(offsets)
    grain = max(1.0, _GRAIN / float(offsets[1] - offsets[0]))
    # What the model lacks is alike in all stretches: more of them do not tell more.
    misfit = len(profiles) * (_MISFIT * depth_best) ** 2
    noise = (left[rows, best] / (count - 3) + misfit)[:, None] * grain
    error = noise / power
    # Widths are taken as likely by their logarithm: where only width times depth is told, neither is preferred.
    likely = -left / (2 * noise) + 0.5 * np.log(error) - np.log(np.tile(widths, len(blurs)))
    ground = profiles.mean(axis=1)[:, None] + depth * bars.mean(axis=1)
    floor_limit = float(np.median(ground[rows, best]))
    shallow = 0.9 * float(np.median(profiles.max(axis=1) - profiles.min(axis=1)))
    depths = np.geomspace(max(1.0, min(shallow, 0.7 * floor_limit)), 0.92 * floor_limit, 12)
    shape = (len(profiles), len(blurs), len(widths))
    evidence = np.empty((len(depths), *shape))
    for i, level in enumerate(depths):
        variance = error + (_DEPTH_SPREAD * level) ** 2
        evidence[i] = (likely - (depth - level) ** 2 / (2 * variance) - 0.5 * np.log(variance)).reshape(shape)
    peak = evidence.max(axis=3, keepdims=True)
    odds = np.exp(evidence - peak)
    total = odds.sum(axis=3)
    mean = (odds @ widths) / total
    variance = (odds @ widths**2) / total - mean**2
    shared = (np.log(total) + peak[..., 0]).sum(axis=1)
    shared -= 0.5 * (np.log(blurs / _USUAL_BLUR) / _BLUR_SPREAD) ** 2
    shared -= 0.5 * (np.log(depths / (_USUAL_DEPTH * floor_limit)) / _USUAL_SPREAD)[:, None] ** 2
    belief = np.exp(shared - shared.max())
    belief /= belief.sum()

    share = weight / weight.sum()
    overall = np.einsum("dsb,s->db", mean, share)
    expected = float((belief * overall).sum())
    doubt = (belief * (overall - expected) ** 2).sum()
    doubt += (belief * np.einsum("dsb,s->db", np.maximum(variance, 0), share**2)).sum()
    each = np.einsum("dsb,db->s", mean, belief)
    blur = float((belief.sum(axis=0) * blurs).sum())
    nearest = np.abs(blurs - blur).argmin() * len(widths) + np.abs(widths[None] - each[:, None]).argmin(
        axis=1
    )
    return Fit(
        width=each,
        depth=depth[rows, nearest],
        ground=ground[rows, nearest],
        misfit=np.sqrt(left[rows, nearest] / count),
        blur=blur,
        mean=expected,
        mean_pm=_CAUTION * float(np.sqrt(doubt)),
    )


def _half_depth(profiles: Values, offsets: Values) -> tuple[float, float] | None:
    """Return the least and the greatest full width at half depth; None where the middle is not dark."""
    outer = profiles[:, -max(2, profiles.shape[1] // 4) :].mean(axis=1)
    floor = profiles[:, :2].mean(axis=1)
    if not (floor < outer).all():
        return None
    bright = profiles > (0.5 * (outer + floor))[:, None]
    first = np.where(bright.any(axis=1), bright.argmax(axis=1), profiles.shape[1] - 1)
    widths = 2 * offsets[first]
    return float(widths.min()), float(widths.max())
