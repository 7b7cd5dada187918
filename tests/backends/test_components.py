import numpy as np

from anomaly.backends.components import Cut, components, mask
from anomaly.types import Box

CUT = Cut(low=0.3, high=0.6, bridge_pixels=5, shortest_pixels=10)


def lines(*rows: int, value: float = 0.8) -> np.ndarray:
    """Return a 60 x 80 map with horizontal lines 3 px thick from x = 10 to 69."""
    likeness = np.zeros((60, 80), np.float32)
    for row in rows:
        likeness[row - 1 : row + 2, 10:70] = value
    return likeness


def test_each_crack_is_one_component_with_its_own_box():
    """Two lines far apart are two components, whose boxes are exactly those of their pixels."""
    found = components(lines(15, 40), CUT)
    assert [one.box for one in found] == [Box(10, 14, 70, 17), Box(10, 39, 70, 42)]
    assert found[0].bitmap.all()
    assert abs(found[0].likeness - 0.8) < 1e-6


def test_a_short_gap_does_not_divide_a_crack():
    """A gap of three pixels is bridged, but its pixels stay unset; a gap of twenty divides."""
    likeness = lines(20)
    likeness[:, 40:43] = 0
    (one,) = components(likeness, CUT)
    assert not one.bitmap[:, 30:33].any()
    likeness[:, 35:55] = 0
    assert len(components(likeness, CUT)) == 2


def test_what_is_nowhere_likely_is_dropped():
    """A component needs one pixel of the upper threshold."""
    assert components(lines(20, value=0.5), CUT) == []
    likeness = lines(20, value=0.5)
    likeness[20, 30] = 0.7
    assert len(components(likeness, CUT)) == 1


def test_what_is_short_is_dropped():
    """A speck shorter than the limit is no crack."""
    likeness = np.zeros((60, 80), np.float32)
    likeness[10:15, 10:15] = 1
    assert components(likeness, CUT) == []


def test_an_empty_map_has_no_components():
    """Where nothing is likely, nothing is found."""
    assert components(np.zeros((20, 30), np.float32), CUT) == []


def test_a_components_own_box_gives_its_own_pixels():
    """Where another crack runs through its box, a component's mask leaves that one out."""
    likeness = lines(20)
    likeness[30:60, 40:43] = 0.9
    likeness[10:12, 40:60] = 0.9
    found = components(likeness, CUT)
    own = mask(likeness, found, found[1].box, CUT.low)
    assert own.area == int(found[1].bitmap.sum())


def test_a_strange_box_gives_all_pixels_in_it():
    """A box from elsewhere is rounded outwards and clipped, and holds whatever is likely there."""
    likeness = lines(20)
    given = mask(likeness, components(likeness, CUT), Box(5.5, 10.2, 200.0, 30.7), CUT.low)
    assert (given.x, given.y, given.bitmap.shape) == (5, 10, (21, 75))
    assert given.area == 180
    assert abs(given.score - 0.8) < 1e-6


def test_a_box_without_crack_gives_an_empty_mask():
    """A mask with no pixel set says that nothing was found, with a score of zero."""
    given = mask(lines(20), [], Box(0, 40, 10, 50), CUT.low)
    assert given.area == 0
    assert given.score == 0.0
    assert given.bitmap.shape == (10, 10)


def test_a_box_beside_the_photograph_gives_an_empty_bitmap():
    """A box that lies outside the photograph gives a mask without area, not an error."""
    given = mask(lines(20), [], Box(100, 10, 120, 20), CUT.low)
    assert given.area == 0
