"""One generated photograph and its truth, from a seed and a number."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from training import breaks, camera, cracks, decay, grooves, marks, masonry, props, scenes, seams, surfaces
from training.canvas import Canvas

DISTRACTORS = {
    "joint": seams.joint, "formwork": seams.formwork, "scratches": seams.scratches, "cable": seams.cable,
    "twigs": seams.twigs, "tar": seams.tar, "edge": seams.edge, "peeling": seams.peeling,
    "shadow": decay.shadow, "drips": decay.drips, "stains": decay.stains, "holes": decay.holes,
    "spall": decay.spall, "rebar": decay.rebar, "rivulets": decay.rivulets,
    "chalk": marks.chalk, "writing": marks.writing, "stripe": marks.stripe, "ruler": marks.ruler,
    "board": marks.board, "glove": marks.glove,
    "vines": props.vines, "gauge": props.gauge, "slats": props.slats, "fringe": props.fringe,
}  # fmt: skip
"""What may lie on or before a surface, by the name under which a recipe weighs it."""

MASONRY = ("brick", "stone", "render")
"""Surfaces whose cracks depend on where the joints are."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How often what is drawn. The weights need not add up to one.

    `surfaces` also names "scene"; `cracked` is the share of photographs with a crack, per surface;
    `distractors` maps a surface (or "any") to weights; `many` is the mean number of distractors.
    """

    surfaces: Mapping[str, float]
    cracked: Mapping[str, float]
    distractors: Mapping[str, Mapping[str, float]]
    many: Mapping[str, float]
    worn: Mapping[str, float] = field(default_factory=dict)
    """Share of a surface's cracks that are worn: open grooves on roads, hairlines on walls."""


@dataclass(frozen=True, slots=True)
class Sample:
    """`image` (n, n, 3) uint8 RGB; `crack` (n, n) bool; `ignore` (n, n) bool, cracks too faint to see."""

    image: NDArray[np.uint8]
    crack: NDArray[np.bool_]
    ignore: NDArray[np.bool_]
    kind: str


def photograph(recipe: Recipe, seed: int, number: int, n: int = 256) -> Sample:
    """Return photograph `number` of `seed`, `n` x `n` pixels: the same numbers give the same photograph."""
    rng = np.random.default_rng((seed, number))
    kind = _pick(rng, recipe.surfaces)
    cracked = rng.random() < recipe.cracked[kind]
    half = rng.random() < 0.12
    side = n // 2 if half else n
    canvas = _surface(rng, kind, side + side // 8, cracked)
    weights = recipe.distractors.get(kind, recipe.distractors["any"])
    chosen = [_pick(rng, weights) for _ in range(min(6, rng.poisson(recipe.many[kind])))]
    under = [name for name in chosen if rng.random() < 0.5]
    for name in under:
        DISTRACTORS[name](rng, canvas)
    if cracked and kind not in ("scene", *MASONRY):
        worn = recipe.worn.get(kind, 0.0)
        if worn and rng.random() < worn:
            grooves.scatter(rng, canvas, kind)
        else:
            cracks.scatter(rng, canvas, cracks.style(rng, canvas))
    for name in chosen:
        if name not in under:
            DISTRACTORS[name](rng, canvas)
    if rng.random() < (0.8 if kind in MASONRY else 0.4):
        camera.viewpoint(rng, canvas, side)
    camera.crop(rng, canvas, side, kind in (*MASONRY, "scene") and rng.random() < 0.8)
    if half:
        for name in ("pixels", "crack", "trace"):
            grown = cv2.resize(getattr(canvas, name), (n, n), interpolation=cv2.INTER_CUBIC)
            setattr(canvas, name, grown)
    np.clip(canvas.pixels, 0, 300, out=canvas.pixels)
    return _judge(camera.take(rng, canvas.pixels), canvas, kind)


def _pick(rng: np.random.Generator, weights: Mapping[str, float]) -> str:
    share = np.array(list(weights.values()), float)
    return list(weights)[int(rng.choice(len(share), p=share / share.sum()))]


def _surface(rng: np.random.Generator, kind: str, n: int, cracked: bool) -> Canvas:
    if kind == "scene":
        return scenes.view(rng, n, cracked)
    if kind in ("brick", "stone", "render"):
        return _masonry(rng, kind, n, cracked)
    make = {
        "concrete": surfaces.concrete, "asphalt": surfaces.asphalt, "plaster": surfaces.plaster,
        "steel": surfaces.steel, "rubble": surfaces.rubble,
    }  # fmt: skip
    return Canvas(make[kind](rng, n))


def _masonry(rng: np.random.Generator, kind: str, n: int, cracked: bool) -> Canvas:
    lay = masonry.courses(rng) if kind == "brick" or (kind == "render" and rng.random() < 0.75) else None
    wall = masonry.bricks(rng, n, lay) if lay is not None else masonry.rough_stone(rng, n)
    if kind == "render":
        wall = masonry.rendered(rng, n, wall)
    canvas = Canvas(wall.pixels)
    if cracked:
        joint = lay.joint if lay is not None else rng.uniform(2, 8)
        if kind == "render" and rng.random() < 0.4:
            cracks.scatter(rng, canvas, cracks.style(rng, canvas))
        else:
            breaks.scatter(rng, canvas, wall.mortar, lay, joint)
    return canvas


def _judge(image: NDArray[np.uint8], canvas: Canvas, kind: str) -> Sample:
    """Mark as ignored what of the cracks cannot be told from the surface's own texture."""
    crack = canvas.crack > 0.5
    if not crack.any():
        return Sample(image, crack, np.zeros_like(crack), kind)
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    detail = grey - cv2.blur(grey, (13, 13))
    clear = (~cv2.dilate(crack.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)).astype(np.float32)
    share = cv2.blur(clear, (31, 31)) + 1e-3
    texture = np.sqrt(np.maximum(cv2.blur(detail * detail * clear, (31, 31)), 0) / share)
    mass = cv2.blur(crack.astype(np.float32), (11, 11)) + 1e-3
    drop = cv2.blur(canvas.trace * crack, (11, 11)) / mass
    thick = np.sqrt(mass * 11)
    faint = (drop * thick < 1.1 * texture) | (drop < 4)
    return Sample(image, crack, crack & faint, kind)
