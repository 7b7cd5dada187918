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
    "formwork": 0.9,
    "scratches": 0.5,
    "cable": 0.9,
    "twigs": 0.3,
    "edge": 1.3,
    "peeling": 0.9,
    "shadow": 0.9,
    "drips": 1.1,
    "stains": 0.8,
    "holes": 0.7,
    "spall": 0.9,
    "rebar": 0.3,
    "rivulets": 0.4,
    "chalk": 1.1,
    "writing": 0.7,
    "stripe": 0.3,
    "ruler": 0.9,
    "board": 0.4,
    "glove": 0.4,
}
_MASONRY = {
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
        "asphalt": 0.25,
        "concrete": 0.2,
        "plaster": 0.13,
        "brick": 0.17,
        "stone": 0.03,
        "steel": 0.03,
        "rubble": 0.02,
        "scene": 0.17,
    },
    cracked={
        "asphalt": 0.85,
        "concrete": 0.7,
        "plaster": 0.72,
        "brick": 0.72,
        "stone": 0.6,
        "steel": 0.0,
        "rubble": 0.0,
        "scene": 0.3,
    },
    distractors={"any": _WALL, "asphalt": _ROAD, "brick": _MASONRY, "stone": _MASONRY},
    many={
        "asphalt": 0.55,
        "concrete": 1.2,
        "plaster": 1.1,
        "brick": 0.5,
        "stone": 0.5,
        "steel": 1.5,
        "rubble": 0.7,
        "scene": 1.3,
    },
)
"""All surfaces with everything that may lie on them."""

WORN = Recipe(
    surfaces={
        "asphalt": 0.27,
        "concrete": 0.19,
        "plaster": 0.13,
        "brick": 0.17,
        "stone": 0.03,
        "steel": 0.03,
        "rubble": 0.03,
        "scene": 0.15,
    },
    cracked=FULL.cracked,
    distractors={
        "any": {
            **_WALL,
            "rebar": 0.7,
            "vines": 0.4,
            "gauge": 0.7,
            "slats": 0.5,
            "fringe": 0.5,
            "ruler": 0.6,
            "chalk": 0.9,
        },
        "asphalt": _ROAD,
        "brick": {**_MASONRY, "vines": 0.4},
        "stone": {**_MASONRY, "vines": 0.3},
    },
    many=FULL.many,
    worn={"asphalt": 0.35, "concrete": 0.25, "plaster": 0.35},
)
"""The same, and what the first network missed or mistook: grooves and hairlines, gauges and creepers."""

RECIPES = {"full": FULL, "worn": WORN}
"""Every recipe that a training configuration may name."""
