"""Which structure holds a defect."""

from typing import Any

import numpy as np
import pytest

from anomaly.pipeline.holding import Held, structure_of, structures_of
from anomaly.types import Box, Mask, Structure


def mask(x: int, y: int, bitmap: np.ndarray[Any, Any] | tuple[int, int]) -> Mask:
    """Return a mask at (x, y): full where only (width, height) is given."""
    if isinstance(bitmap, tuple):
        bitmap = np.ones((bitmap[1], bitmap[0]), bool)
    return Mask(bitmap, x, y, 0.9)


def structure(id_: str, box: Box, mask: Mask | None = None, kind: str = "beam") -> Structure:
    """Return a structure."""
    return Structure(id_, kind, box, 0.9, mask)


def test_without_structures_nothing_holds_a_defect() -> None:
    """No structure, no assignment."""
    assert structure_of(Box(0, 0, 10, 10), None, ()) is None


@pytest.mark.parametrize(
    ("x_max", "ioa", "uncertain"),
    [(200.0, 1.0, False), (50.0, 0.5, False), (49.0, 0.49, True), (10.0, 0.1, True)],
)
def test_the_share_of_the_defect_decides(x_max: float, ioa: float, uncertain: bool) -> None:
    """From a half of the defect on the structure it is held; from a tenth it is, uncertainly."""
    beam = structure("a", Box(0, 0, x_max, 1000))
    held = structure_of(Box(0, 0, 100, 10), None, (beam,))
    assert held == Held(beam, pytest.approx(ioa), uncertain)


@pytest.mark.parametrize(
    "box",
    [
        Box(0, 0, 9.9, 1000),
        Box(100, 0, 200, 10),
        Box(0, 10, 100, 20),
        Box(500, 500, 600, 600),
        Box(5, 5, 5, 5),
    ],
)
def test_what_barely_touches_does_not_hold(box: Box) -> None:
    """Under a tenth, side by side, apart or empty: nothing is said."""
    assert structure_of(Box(0, 0, 100, 10), None, (structure("a", box),)) is None


def test_a_small_defect_on_a_large_member_is_held() -> None:
    """The IoU of a hairline on a wall is near nothing; its share on the wall is everything."""
    wall = structure("w", Box(0, 0, 4000, 3000), kind="wall")
    held = structure_of(Box(100, 100, 120, 105), None, (wall,))
    assert held == Held(wall, 1.0, False)


def test_a_box_without_area_is_held_by_nothing() -> None:
    """A degenerate box has no share anywhere."""
    assert structure_of(Box(5, 5, 5, 9), None, (structure("a", Box(0, 0, 10, 10)),)) is None


@pytest.mark.parametrize("turned", [False, True])
def test_of_nested_structures_the_smaller_holds(turned: bool) -> None:
    """A bearing inside a girder's box takes the crack that lies on both, whatever their order."""
    girder = structure("g", Box(0, 0, 1000, 500), kind="girder")
    bearing = structure("b", Box(100, 100, 300, 300), kind="bearing")
    both = (bearing, girder) if turned else (girder, bearing)
    assert structure_of(Box(150, 150, 250, 160), None, both) == Held(bearing, 1.0, False)


def test_a_near_tie_goes_to_the_smaller() -> None:
    """0.96 on the small one against 1.0 on the large one is a tie; 0.94 is not."""
    large = structure("l", Box(0, 0, 1000, 1000))
    for x_min, expected in ((4.0, "s"), (6.0, "l")):
        small = structure("s", Box(x_min, 0, 120, 20))
        held = structure_of(Box(0, 0, 100, 10), None, (large, small))
        assert held is not None
        assert held.structure.id == expected


def test_a_tie_never_trades_a_certain_structure_for_an_uncertain_one() -> None:
    """0.52 on the larger stays ahead of 0.48 on the smaller."""
    larger = structure("l", Box(0, 0, 52, 1000))
    smaller = structure("s", Box(52, 0, 100, 20))
    held = structure_of(Box(0, 0, 100, 10), None, (larger, smaller))
    assert held == Held(larger, pytest.approx(0.52), False)


def test_of_overlapping_structures_the_larger_share_holds() -> None:
    """A crack that runs from one beam into the next belongs to the one with more of it."""
    left, right = structure("l", Box(0, 0, 70, 50)), structure("r", Box(60, 0, 200, 50))
    assert structure_of(Box(0, 10, 100, 20), None, (left, right)) == Held(left, pytest.approx(0.7), False)


def test_masks_decide_where_both_have_one() -> None:
    """On a diagonal member the box says held; the pixels say that the crack lies beside it."""
    diagonal = np.eye(100, dtype=bool)
    beam = structure("d", Box(0, 0, 100, 100), mask(0, 0, diagonal))
    box = Box(60, 10, 90, 20)
    assert structure_of(box, mask(60, 10, (30, 10)), (beam,)) is None
    assert structure_of(box, None, (beam,)) == Held(beam, 1.0, False)


def test_the_share_is_counted_in_pixels_of_both_masks() -> None:
    """Masks with offsets: 30 of the crack's 40 pixels lie on the column."""
    crack = np.zeros((10, 40), bool)
    crack[5, :] = True
    column = structure("c", Box(0, 0, 500, 500), mask(1010, 400, (90, 200)))
    held = structure_of(Box(1000, 500, 1040, 510), mask(1000, 500, crack), (column,))
    assert held == Held(column, pytest.approx(0.75), False)


@pytest.mark.parametrize("empty", ["defect", "structure"])
def test_boxes_decide_where_a_mask_is_empty(empty: str) -> None:
    """A mask without a pixel says nothing about where the object is."""
    nothing = mask(0, 0, np.zeros((10, 10), bool))
    full = mask(0, 0, (10, 10))
    beam = structure("b", Box(0, 0, 10, 10), nothing if empty == "structure" else full)
    held = structure_of(Box(0, 0, 10, 10), nothing if empty == "defect" else full, (beam,))
    assert held == Held(beam, 1.0, False)


def test_a_tie_of_masks_is_decided_by_their_pixels() -> None:
    """A slender diagonal strut has a larger box than the plate on it, and fewer pixels."""
    strut_bitmap = np.zeros((200, 200), bool)
    for step in range(200):
        strut_bitmap[step, max(0, step - 3) : step + 4] = True
    strut = structure("s", Box(0, 0, 200, 200), mask(0, 0, strut_bitmap))
    plate = structure("p", Box(50, 50, 150, 150), mask(50, 50, (100, 100)))
    crack = mask(98, 98, (3, 3))
    held = structure_of(Box(98, 98, 101, 101), crack, (plate, strut))
    assert held == Held(strut, 1.0, False)


def test_masks_are_never_grown_to_the_frame() -> None:
    """A mask far out costs what its own pixels cost, not what the photograph would."""
    far = 2**40
    crack, plate = mask(far, far, (4, 2)), mask(far + 2, far, (4, 2))
    held = structure_of(Box(0, 0, 1, 1), crack, (structure("p", Box(0, 0, 1, 1), plate),))
    assert held is not None
    assert held.ioa == 0.5


def test_many_are_told_what_each_alone_is() -> None:
    """Of many defects and structures, with and without masks, each has the holder that it has alone."""
    rng = np.random.default_rng(3)

    def drawn(count: int) -> list[tuple[Box, Mask | None]]:
        objects: list[tuple[Box, Mask | None]] = []
        for number, (x, y, width, height) in enumerate(
            rng.integers(0, (200, 200, 60, 60), (count, 4)).tolist()
        ):
            box = Box(float(x), float(y), float(x + width), float(y + height))
            own = mask(x + 20, y, rng.random((height + 1, width + 1)) > 0.3) if number % 2 else None
            objects.append((box, own))
        return objects

    defects = drawn(60)
    structures = [structure(f"s{number}", *each) for number, each in enumerate(drawn(9))]
    alone = [structure_of(*defect, structures) for defect in defects]
    assert sum(each is None for each in alone) in range(10, 50)
    assert structures_of(defects, structures) == alone
    assert structures_of(defects, ()) == [None] * 60
    assert structures_of((), structures) == []
