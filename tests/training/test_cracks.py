import numpy as np

from training import cracks, surfaces
from training.canvas import Canvas
from training.cracks import Style

PLAIN = Style(
    width=6.0,
    drop=90.0,
    soft=0.0,
    ragged=0.0,
    gaps=0.0,
    taper=False,
    halo=0.0,
    lip=0.0,
    light=0.0,
    filled=False,
)


def test_a_drawn_crack_has_its_stated_width():
    """The truth of a straight crack 6 px wide covers 6.7 px across: the width and the label's margin."""
    rng = np.random.default_rng(0)
    canvas = Canvas(np.full((128, 128, 3), 180, np.float32))
    line = np.stack([np.linspace(-10, 138, 100), np.full(100, 64.0)], 1).astype(np.float32)
    cracks.draw(rng, canvas, [(line, 1.0)], PLAIN)
    columns = canvas.crack.sum(0)[5:-5]
    drawn = canvas.lines[0].widths.mean()
    assert abs(columns.mean() - drawn - 0.7) < 0.5
    assert canvas.pixels[64, 20:100].mean() < 130


def test_covering_a_crack_removes_it_from_the_truth():
    """What lies before a crack hides it; what only darkens it does not."""
    rng = np.random.default_rng(1)
    canvas = Canvas(surfaces.plaster(rng, 128))
    cracks.scatter(rng, canvas, PLAIN)
    whole = canvas.crack.sum()
    canvas.shade(np.full((128, 128), 0.5, np.float32))
    assert canvas.crack.sum() == whole
    canvas.cover(np.ones((128, 128), np.float32), np.array([10, 10, 10], np.float32))
    assert canvas.crack.sum() == 0
