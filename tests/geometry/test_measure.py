"""What `anomaly.geometry.measure` answers for shapes that can be checked by hand."""

import math

import numpy as np
import pytest

from anomaly.geometry import FrameEdges, measure, measure_mask
from anomaly.types import Mask
from benchmarks.masks import degrade, sample
from tests.geometry.drawings import bar, drawn


@pytest.mark.parametrize("degrees", [0, 17, 30, 45, 90, 111, 135, 163])
def test_a_bar_has_its_length_width_and_angle(degrees: float) -> None:
    """A straight bar at any angle is measured to a fraction of a pixel and of a degree."""
    found = measure(bar(200, 9, degrees))
    assert found.kind == "line"
    assert found.branches == 1
    assert found.length_pixels == pytest.approx(200, abs=1)
    assert found.width_pixels == pytest.approx(9, abs=0.6)
    assert found.orientation_degrees == pytest.approx(degrees, abs=0.2)


def test_area_is_the_exact_number_of_pixels() -> None:
    """Area counts every set pixel, specks and crumbs included."""
    mask = np.random.default_rng(1).random((70, 90)) < 0.3
    assert measure(mask).area_pixels == np.count_nonzero(mask)


def test_orientation_is_counter_clockwise_as_seen() -> None:
    """A line that rises to the right has a small angle, although y points down."""
    assert measure(drawn([(50, 300), (350, 200)], 5)).orientation_degrees == pytest.approx(18.4, abs=0.5)
    assert measure(drawn([(50, 200), (350, 300)], 5)).orientation_degrees == pytest.approx(161.6, abs=0.5)


def test_a_curve_is_measured_along_itself() -> None:
    """The length of a half circle is its arc, not its chord."""
    y, x = np.mgrid[:300, :300].astype(float)
    mask = (np.abs(np.hypot(x - 150, y - 200) - 100) <= 4) & (y <= 200)
    assert measure(mask).length_pixels == pytest.approx(math.pi * 100, rel=0.01)


def test_branches_are_summed_from_the_line_they_leave() -> None:
    """A T of two bars is as long as both, the leg counted from the middle of the other."""
    mask = np.zeros((200, 300), np.bool_)
    mask[40:47, 20:280] = True
    mask[40:180, 145:152] = True
    found = measure(mask)
    assert found.branches == 2
    assert found.length_pixels == pytest.approx(260 + 180 - 43.5, abs=2)
    assert found.width_pixels == pytest.approx(mask.sum() / (260 + 180 - 43.5), abs=0.1)


def test_a_crossing_is_two_lines() -> None:
    """Where two lines cross, each goes straight on."""
    found = measure(drawn([(50, 50), (350, 350)], 6) | drawn([(50, 350), (350, 50)], 6))
    assert found.branches == 2
    assert found.length_pixels == pytest.approx(2 * (300 * math.sqrt(2) + 6), rel=0.01)


def test_parts_are_summed() -> None:
    """Two pieces of one crack are as long as both, without the gap."""
    mask = bar(200, 6)
    mask[:, 140:160] = False
    assert measure(mask).length_pixels == pytest.approx(180, abs=1)


def test_a_ring_is_measured_once_round() -> None:
    """A closed loop has no tips; its length is its circumference."""
    y, x = np.mgrid[:300, :300].astype(float)
    found = measure(np.abs(np.hypot(x - 150, y - 150) - 100) <= 4)
    assert found.length_pixels == pytest.approx(2 * math.pi * 100, rel=0.01)
    assert found.width_pixels == pytest.approx(8, abs=0.1)
    assert found.branches == 1


def test_a_spiral_is_one_line() -> None:
    """Windings that lie side by side are not taken for one another."""
    turn = np.linspace(0, 8 * np.pi, 3000)
    points = np.stack([200 + (15 + 6 * turn) * np.cos(turn), 200 + (15 + 6 * turn) * np.sin(turn)], axis=1)
    found = measure(drawn([tuple(point) for point in points], 5))
    assert found.branches == 1
    assert found.length_pixels == pytest.approx(
        float(np.hypot(*np.diff(points, axis=0).T).sum()) + 5, rel=0.005
    )


def test_map_cracking_is_measured_along_every_edge() -> None:
    """A net of cracks is as long as its lines together, holes left open."""
    mask = np.zeros((400, 400), np.bool_)
    for k in range(5):
        mask[10 + k :: 60] = True
        mask[:, 10 + k :: 60] = True
    assert measure(mask).length_pixels == pytest.approx(14 * 400, rel=0.01)


@pytest.mark.parametrize(("long", "short"), [(60, 40), (90, 30), (41, 29)])
@pytest.mark.parametrize("degrees", [0, 25, 45])
def test_a_compact_patch_is_a_blob_with_two_sides(long: int, short: int, degrees: float) -> None:
    """A rectangle's and an ellipse's length and width are their sides and axes."""
    y, x = np.mgrid[:160, :160] - 79.6
    turn = math.radians(degrees)
    along, across = x * math.cos(turn) - y * math.sin(turn), x * math.sin(turn) + y * math.cos(turn)
    for mask in (
        (np.abs(along) <= long / 2) & (np.abs(across) <= short / 2),
        (2 * along / long) ** 2 + (2 * across / short) ** 2 <= 1,
    ):
        found = measure(mask)
        assert found.kind == "blob"
        assert found.branches == 0
        assert found.centre_lines == ()
        assert found.length_pixels == pytest.approx(long, abs=1)
        assert found.width_pixels == pytest.approx(short, abs=1)
        assert found.orientation_degrees == pytest.approx(degrees, abs=1)


def test_an_irregular_patch_is_a_blob() -> None:
    """A patch with a wavering outline, as spalling has, is no line."""
    y, x = np.mgrid[-1:1:200j, -1:1:240j]
    waver = 0.15 * np.sin(5 * np.arctan2(y, x)) + 0.08 * np.cos(9 * np.arctan2(y, x))
    assert measure(np.hypot(x, 1.3 * y) < 0.7 + waver).kind == "blob"


def test_a_short_bent_ribbon_is_a_line() -> None:
    """A ribbon of even width is measured along itself even where its box is compact."""
    y, x = np.mgrid[:200, :200].astype(float)
    mask = (np.abs(np.hypot(x - 100, y - 140) - 70) <= 14) & (y < 120)
    found = measure(mask)
    assert found.kind == "line"
    assert found.width_pixels == pytest.approx(28, abs=1.5)


def test_widths_of_a_taper_tell_its_thick_end() -> None:
    """The 95th percentile and the greatest width are those near the thick end, the mean is in the middle."""
    y, x = np.mgrid[:100, :400].astype(float)
    mask = (np.abs(y - 50) <= (x - 50) / 300 * 12) & (x >= 50) & (x <= 350)
    found = measure(mask)
    assert found.width_pixels == pytest.approx(12, abs=0.3)
    assert found.width_p95_pixels == pytest.approx(0.95 * 24, abs=1.2)
    assert found.width_max_pixels == pytest.approx(24, abs=1.5)


def test_a_mask_that_leaves_the_photograph_is_measured_to_its_edge() -> None:
    """A bar that runs out obliquely is as long as its middle line inside the frame."""
    mask = bar(1000, 20, 30, 400)[100:300, :]
    assert measure(mask).length_pixels == pytest.approx(200 / math.sin(math.radians(30)), abs=1.5)


def test_a_side_that_is_no_edge_of_the_photograph_is_the_end_of_the_mask() -> None:
    """Along an edge of the photograph the other border of a bar is unknown; along that of a crop it is known."""
    mask = np.zeros((60, 300), np.bool_)
    mask[:9, 20:280] = True
    inside = measure(mask, frame_edges=FrameEdges(top=False))
    assert inside.length_pixels == pytest.approx(260, abs=1)
    assert float(inside.centre_lines[0][:, 1].mean()) == pytest.approx(4, abs=0.2)
    assert measure(mask).length_pixels == pytest.approx(260, abs=1)


def test_a_boxed_mask_is_measured_like_the_whole_frame() -> None:
    """The crop of a mask gives the numbers of the full frame, its centre line in the photograph's pixels."""
    whole = bar(200, 7, 27)
    y, x = np.nonzero(whole)
    box = whole[y.min() : y.max() + 1, x.min() : x.max() + 1]
    boxed = measure_mask(Mask(box, int(x.min()), int(y.min()), 0.9), 300, 300)
    full = measure(whole)
    assert boxed.length_pixels == pytest.approx(full.length_pixels, abs=1e-6)
    assert boxed.width_pixels == pytest.approx(full.width_pixels, abs=1e-6)
    assert np.allclose(boxed.centre_lines[0], full.centre_lines[0], atol=1e-3)
    assert whole[tuple(np.rint(boxed.centre_lines[0][5:-5, ::-1]).astype(int).T)].all()


def test_a_boxed_mask_knows_which_of_its_sides_the_photograph_has() -> None:
    """A crop in the photograph's corner is measured as that corner of the full frame is."""
    whole = bar(1000, 20, 30, 400)[100:300, :]
    x = np.flatnonzero(whole.any(axis=0))
    box = whole[:, x[0] : x[-1] + 1]
    boxed = measure_mask(Mask(box, int(x[0]), 0, 0.9), 400, 200)
    assert boxed.length_pixels == pytest.approx(measure(whole).length_pixels, abs=1e-6)


def test_crumbs_of_a_rough_edge_add_no_length() -> None:
    """Specks beside a wide crack belong to its edge; as far away as it is wide they are parts of their own."""
    mask = bar(200, 20)
    beside, away = mask.copy(), mask.copy()
    beside[136:139, 100:104] = True
    away[60:64, 100:140] = True
    assert measure(beside).length_pixels == pytest.approx(measure(mask).length_pixels, abs=0.5)
    assert measure(away).length_pixels == pytest.approx(measure(mask).length_pixels + 40, abs=1)


def test_a_bend_of_a_wide_line_is_no_corner() -> None:
    """A line 40 px wide that bends round 60 px, as sharply as such a line may, is as long as its middle."""
    y, x = np.mgrid[:320, :320].astype(float)
    turn = math.radians(45)
    middle = np.array(
        [90.0, 40.0 + 60.0]
    )  # of the bend: from a straight stretch along the top into one turned by 45
    from_middle = np.hypot(x - middle[0], y - middle[1])
    angle = np.arctan2(x - middle[0], middle[1] - y)
    bend = (np.abs(from_middle - 60) <= 20) & (angle >= 0) & (angle <= turn)
    before = (np.abs(y - 40) <= 20) & (x <= 90) & (x >= 10)
    end = middle + 60 * np.array([math.sin(turn), -math.cos(turn)])
    along = (x - end[0]) * math.cos(turn) + (y - end[1]) * math.sin(turn)
    across = (y - end[1]) * math.cos(turn) - (x - end[0]) * math.sin(turn)
    after = (np.abs(across) <= 20) & (along >= 0) & (along <= 100)
    found = measure(bend | before | after)
    assert found.length_pixels == pytest.approx(80.5 + 60 * turn + 100, rel=0.005)


@pytest.mark.parametrize("family", ["rectangle", "ellipse"])
def test_a_coarse_mask_keeps_the_sides_of_a_shape(family: str) -> None:
    """Noise on the outline of a coarse mask puts neither side of a rectangle or an ellipse off to one side."""
    off = []
    for seed in range(700_000, 700_024):
        truth = sample(family, seed)
        if truth.width > 30:
            found = measure(degrade(truth.mask, 4.0, seed), cell_pixels=4.0)
            off.append((found.length_pixels - truth.length, (found.width_pixels or 0.0) - truth.width))
    assert len(off) > 8
    assert np.abs(np.median(off, axis=0)).max() < 0.4
    assert np.abs(np.array(off)[:, 1]).mean() < 0.4
