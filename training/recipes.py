"""What the network is shown, and how often: the recipes that a schedule names."""

from training.photo import Recipe

_ROAD = {
    "stripe": 1.6,
    "shadow": 1.3,
    "tar": 0.9,
    "twigs": 1.0,
    "stains": 1.2,
    "joint": 1.2,
    "scratches": 0.5,
    "holes": 0.5,
    "cable": 0.3,
    "edge": 0.3,
    "rivulets": 0.2,
    "peeling": 0.2,
    "glove": 0.1,
    "chalk": 0.2,
}
_WALL = {
    "joint": 1.5,
    "formwork": 1.2,
    "scratches": 0.5,
    "cable": 0.9,
    "twigs": 0.3,
    "edge": 1.3,
    "peeling": 0.9,
    "shadow": 0.9,
    "drips": 1.1,
    "stains": 0.8,
    "holes": 0.7,
    "spall": 1.0,
    "rebar": 0.6,
    "vines": 0.4,
    "gauge": 0.7,
    "slats": 0.5,
    "fringe": 0.6,
    "rivulets": 0.4,
    "chalk": 0.9,
    "writing": 0.7,
    "stripe": 0.3,
    "ruler": 0.6,
    "board": 0.4,
    "glove": 0.4,
}
_MASONRY = {
    "vines": 0.4,
    "shadow": 1.0,
    "drips": 0.6,
    "stains": 1.0,
    "cable": 0.8,
    "edge": 0.7,
    "holes": 0.3,
    "twigs": 0.5,
    "peeling": 0.5,
    "writing": 0.3,
    "ruler": 0.3,
    "chalk": 0.2,
    "joint": 0.3,
    "board": 0.1,
}

FULL = Recipe(
    surfaces={
        "asphalt": 0.26,
        "concrete": 0.18,
        "plaster": 0.12,
        "brick": 0.16,
        "stone": 0.05,
        "render": 0.04,
        "steel": 0.025,
        "rubble": 0.025,
        "scene": 0.14,
    },
    cracked={
        "asphalt": 0.85,
        "concrete": 0.68,
        "plaster": 0.72,
        "brick": 0.72,
        "stone": 0.65,
        "render": 0.7,
        "steel": 0.0,
        "rubble": 0.0,
        "scene": 0.25,
    },
    distractors={"any": _WALL, "asphalt": _ROAD, "brick": _MASONRY, "stone": _MASONRY, "render": _MASONRY},
    many={
        "asphalt": 0.55,
        "concrete": 1.2,
        "plaster": 1.1,
        "brick": 0.5,
        "stone": 0.5,
        "render": 0.5,
        "steel": 1.5,
        "rubble": 0.7,
        "scene": 1.3,
    },
    worn={"asphalt": 0.35, "concrete": 0.25, "plaster": 0.35},
)
"""All surfaces with everything that may lie on them."""

RECIPES = {"full": FULL}
"""Every recipe that a schedule may name."""
