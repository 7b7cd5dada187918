import numpy as np
import pytest

from training import breaks, cracks, masonry
from training.canvas import Canvas


def wall(seed: int) -> tuple[np.random.Generator, masonry.Wall, masonry.Courses]:
    """Return a brick wall of 160 pixels with its layout."""
    rng = np.random.default_rng(seed)
    lay = masonry.courses(rng)
    return rng, masonry.bricks(rng, 160, lay), lay


def test_cracks_prefer_the_joints():
    """Lines of least resistance lie in the mortar more often than it has area, and not always."""
    inside, area = [], []
    for seed in range(12):
        rng, bricks, _ = wall(seed)
        points = breaks.weakest(rng, bricks.mortar)
        x, y = np.clip(points.round().astype(int), 0, 159).T
        inside.append(float(bricks.mortar[y, x].mean()))
        area.append(float(bricks.mortar.mean()))
    assert np.mean(inside) > 1.3 * np.mean(area)
    assert min(inside) < 0.6


@pytest.mark.parametrize("coursed", [True, False])
def test_cracks_in_walls_are_darker_than_brick_and_mortar(coursed):
    """What is labelled is darker than the wall, whatever it runs through, on average over walls."""
    drops = []
    for seed in range(10):
        rng, bricks, lay = wall(seed)
        canvas = Canvas(bricks.pixels.copy())
        breaks.scatter(rng, canvas, bricks.mortar, lay if coursed else None, lay.joint)
        if (canvas.crack > 0.9).sum() > 20:
            drops.append(bricks.pixels.mean() - canvas.pixels[canvas.crack > 0.9].mean())
    assert len(drops) >= 6
    assert np.mean(drops) > 20


def test_joints_that_lost_their_mortar_are_crack():
    """What stands open beside a crack is part of its truth."""
    canvas = Canvas(np.full((64, 64, 3), 150, np.float32))
    look = cracks.style(np.random.default_rng(0), canvas, 2.0)
    lost = np.zeros((64, 64), np.float32)
    lost[30:34, 10:50] = 1
    cracks.draw(np.random.default_rng(1), canvas, [], look, lost)
    assert (canvas.crack > 0.5).sum() == 160
    assert canvas.pixels[31, 20].mean() < 140


def test_plaster_hides_joints():
    """Of a rendered wall only the joints that show are told."""
    rng, bricks, _ = wall(3)
    coated = masonry.rendered(rng, 160, bricks)
    assert coated.mortar.sum() < bricks.mortar.sum()
    assert coated.pixels.shape == bricks.pixels.shape


def test_stone_walls_have_joints_between_stones():
    """Joints take up some of a rubble wall, stones the rest."""
    shares = [masonry.rough_stone(np.random.default_rng(seed), 128).mortar.mean() for seed in range(6)]
    assert all(0.005 < share < 0.8 for share in shares)
