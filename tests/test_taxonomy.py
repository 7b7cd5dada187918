"""What labels mean, and which structure holds a defect."""

import logging
import threading
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anomaly.errors import ConfigurationError
from anomaly.taxonomy import Classified, Held, Kind, Taxonomy, structure_of
from anomaly.types import Box, Mask, Structure

TABLE = tomllib.loads((Path(__file__).parents[1] / "configs" / "taxonomy.toml").read_text(encoding="utf-8"))

# dacl10k, as its files and as its paper name its 19 classes.
DACL10K = {
    "Crack": "crack",
    "ACrack": "alligator_crack",
    "Alligator Crack": "alligator_crack",
    "Wetspot": "leakage",
    "Efflorescence": "efflorescence",
    "Rust": "corrosion",
    "Rockpocket": "honeycomb",
    "Hollowareas": "delamination",
    "Cavity": "cavity",
    "Spalling": "spalling",
    "Graffiti": "graffiti",
    "Weathering": "weathering",
    "Restformwork": "formwork_residue",
    "ExposedRebars": "exposed_rebar",
    "Exposed Rebars": "exposed_rebar",
    "WConccor": "weathering",
    "Washouts/Concrete corrosion": "weathering",
    "Bearing": "bearing",
    "EJoint": "joint",
    "Expansion Joint": "joint",
    "Drainage": "pipe",
    "PEquipment": "railing",
    "Protective Equipment": "railing",
    "JTape": "joint",
    "Joint Tape": "joint",
}
CODEBRIM = {
    "Crack": "crack",
    "Spallation": "spalling",
    "Efflorescence": "efflorescence",
    "ExposedBars": "exposed_rebar",
    "exposed bars": "exposed_rebar",
    "CorrosionStain": "corrosion",
    "corrosion stain": "corrosion",
}
S2DS = {
    "crack": "crack",
    "spalling": "spalling",
    "corrosion": "corrosion",
    "efflorescence": "efflorescence",
    "vegetation": "vegetation",
}
BRIDGE_PHOTOS = {
    "corrosion": "corrosion",
    "crack": "crack",
    "freelime": "efflorescence",
    "leakage": "leakage",
    "spalling": "spalling",
}
DEFECTS = [
    "crack",
    "alligator_crack",
    "spalling",
    "delamination",
    "corrosion",
    "exposed_rebar",
    "efflorescence",
    "leakage",
    "honeycomb",
    "cavity",
    "weathering",
    "vegetation",
    "graffiti",
    "joint_damage",
    "formwork_residue",
]
STRUCTURES = [
    "beam",
    "column",
    "girder",
    "slab",
    "deck",
    "wall",
    "pier",
    "abutment",
    "bearing",
    "pipe",
    "railing",
    "tunnel_lining",
    "joint",
]


@pytest.fixture
def taxonomy() -> Taxonomy:
    """The product's own taxonomy, with nothing reported yet."""
    return Taxonomy.from_table(TABLE)


@pytest.mark.parametrize(
    ("label", "name"),
    [
        pair
        for classes in (DACL10K, CODEBRIM, S2DS, BRIDGE_PHOTOS, dict(zip(DEFECTS, DEFECTS, strict=True)))
        for pair in classes.items()
    ]
    + [(each, each) for each in STRUCTURES],
)
def test_every_class_of_the_public_datasets_maps(taxonomy: Taxonomy, label: str, name: str) -> None:
    """Each class of dacl10k, CODEBRIM, S2DS and the bridge photos means what it says."""
    kind = Kind.DEFECT if name in DEFECTS else Kind.STRUCTURE
    assert taxonomy.classify(label) == Classified(kind, name)


def test_the_names_on_the_wire_are_these() -> None:
    """The product knows 15 defects and 13 structures by these names."""
    assert list(TABLE["defects"]) == DEFECTS
    assert list(TABLE["structures"]) == STRUCTURES


@pytest.mark.parametrize(
    "label",
    ["exposed rebar", "Exposed-Rebar", "EXPOSED_REBARS", "exposedRebar", " exposed  rebar ", "exposed/rebar"],
)
def test_spelling_does_not_matter(taxonomy: Taxonomy, label: str) -> None:
    """Case, spaces, hyphens, underscores, slashes, camelCase and a plural are one label."""
    assert taxonomy.classify(label) == Classified(Kind.DEFECT, "exposed_rebar")


@pytest.mark.parametrize("label", ["background", "Background", "control point", "ControlPoint", "no crack"])
def test_what_is_no_find_is_other(taxonomy: Taxonomy, label: str) -> None:
    """Background and control points are neither defect nor structure."""
    assert taxonomy.classify(label).kind is Kind.OTHER


def test_a_detector_of_everyday_things_knows_no_defect(taxonomy: Taxonomy) -> None:
    """COCO's 80 classes are all known, and none of them is a defect or a structure."""
    coco = TABLE["other"]["coco"]
    assert len(set(coco)) == 80
    assert {taxonomy.classify(each).kind for each in coco} == {Kind.OTHER}
    assert not taxonomy.knows_defects(coco)
    assert not taxonomy.knows_defects([])
    assert not taxonomy.knows_defects(["beam", "column", "background"])


def test_one_defect_class_makes_a_detector_of_defects(taxonomy: Taxonomy) -> None:
    """A known defect among other labels is enough, and so is a label of somebody's own."""
    assert taxonomy.knows_defects(["person", "Spallation"])
    assert taxonomy.knows_defects(["person", "Fugenausbruch"])


def test_an_unknown_label_is_a_defect_and_is_reported_once(
    taxonomy: Taxonomy, caplog: pytest.LogCaptureFixture
) -> None:
    """It keeps its own name, and the log says so a single time, from however many threads."""
    with caplog.at_level(logging.WARNING):
        threads = [
            threading.Thread(target=lambda: [taxonomy.classify("Fugen Ausbruch") for _ in range(50)])
            for _ in range(4)
        ]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert taxonomy.classify("Fugen Ausbruch") == Classified(Kind.DEFECT, "Fugen Ausbruch")
        assert taxonomy.classify(" ") == Classified(Kind.DEFECT, "unknown")
    assert [record.args for record in caplog.records] == [("Fugen Ausbruch",), (" ",)]


def test_asking_what_a_detector_knows_reports_nothing(
    taxonomy: Taxonomy, caplog: pytest.LogCaptureFixture
) -> None:
    """Only a label that is answered is worth a line in the log."""
    with caplog.at_level(logging.WARNING):
        taxonomy.knows_defects(["Fugenausbruch"])
    assert not caplog.records


def test_each_instance_reports_for_itself(caplog: pytest.LogCaptureFixture) -> None:
    """What one server has reported, another has not."""
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            Taxonomy.from_table(TABLE).classify("Fugenausbruch")
    assert len(caplog.records) == 2


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"structures": {}}, r"lacks the table \[defects\]"),
        ({"defects": {"crack": []}}, r"lacks the table \[structures\]"),
        ({"defects": [], "structures": {}}, r"lacks the table \[defects\]"),
        ({"defects": {}, "structures": {}, "defcets": {}}, r"\[defcets\] means nothing"),
        ({"defects": {"Crack": []}, "structures": {}}, "'Crack' should be snake_case"),
        ({"defects": {"crack": "fissure"}, "structures": {}}, "crack should be a list of texts"),
        ({"defects": {"crack": [3]}, "structures": {}}, "crack should be a list of texts"),
        ({"defects": {"crack": ["--"]}, "structures": {}}, "crack should be a list of texts"),
        (
            {"defects": {"crack": ["Lime"], "efflorescence": ["lime"]}, "structures": {}},
            "'lime' stands under crack and under efflorescence",
        ),
        ({"defects": {"beam": []}, "structures": {"beam": []}}, "'beam' stands under beam and under beam"),
    ],
)
def test_a_malformed_table_is_refused(table: dict[str, Any], message: str) -> None:
    """A mistake in the table is a sentence that names the place."""
    with pytest.raises(ConfigurationError, match=message):
        Taxonomy.from_table(table)


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
