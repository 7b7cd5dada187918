import dataclasses

import numpy as np
import pytest

from training.photo import DISTRACTORS, Recipe, photograph
from training.recipes import RECIPES

FULL = RECIPES["full"]


def only(surface: str, cracked: float, distractor: str = "shadow", many: float = 0.0) -> Recipe:
    """Return a recipe of one surface and one distractor."""
    return Recipe({surface: 1.0}, {surface: cracked}, {"any": {distractor: 1.0}}, {surface: many})


def test_the_same_numbers_give_the_same_photograph():
    """A photograph is decided by its recipe, seed and number."""
    first, again, other = (photograph(FULL, 3, number, 96) for number in (5, 5, 6))
    assert np.array_equal(first.image, again.image)
    assert np.array_equal(first.crack, again.crack)
    assert not np.array_equal(first.image, other.image)


@pytest.mark.parametrize("surface", sorted(FULL.surfaces))
def test_every_surface_can_be_photographed(surface):
    """Each surface gives a picture of the size asked for, with detail, and a truth of the same size."""
    sample = photograph(only(surface, FULL.cracked[surface]), 1, 2, 96)
    assert sample.image.shape == (96, 96, 3)
    assert sample.image.dtype == np.uint8
    assert sample.crack.shape == sample.ignore.shape == (96, 96)
    assert sample.image.std() > 0


@pytest.mark.parametrize("name", sorted(DISTRACTORS))
def test_distractors_are_never_cracks(name):
    """A surface without cracks stays without them, whatever lies on it."""
    for number in range(3):
        sample = photograph(only("concrete", 0.0, name, many=2.0), 4, number, 96)
        assert not sample.crack.any()


@pytest.mark.parametrize("surface", ["asphalt", "concrete", "plaster", "brick", "stone"])
def test_cracks_are_darker_than_what_surrounds_them(surface):
    """Pixels labelled as visible crack are darker than their surroundings, on average over photographs."""
    drops = []
    for number in range(12):
        sample = photograph(only(surface, 1.0), 8, number, 128)
        seen = sample.crack & ~sample.ignore
        if seen.sum() > 20:
            grey = sample.image.mean(2)
            drops.append(np.median(grey[~sample.crack]) - grey[seen].mean())
    assert len(drops) >= 5
    assert np.mean(drops) > 10


def test_ignored_pixels_are_crack_pixels():
    """Only what is crack, and too faint to see, is exempt from judgement."""
    for number in range(6):
        sample = photograph(FULL, 2, number, 96)
        assert not (sample.ignore & ~sample.crack).any()


def test_recipes_name_known_distractors_and_surfaces():
    """Every weight of every recipe belongs to something that can be drawn."""
    for recipe in RECIPES.values():
        for weights in recipe.distractors.values():
            assert set(weights) <= set(DISTRACTORS)
        assert set(recipe.surfaces) == set(recipe.cracked) == set(recipe.many)
        assert dataclasses.is_dataclass(recipe)
