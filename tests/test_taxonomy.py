"""What labels mean."""

import logging
import threading
import tomllib
from pathlib import Path
from typing import Any

import pytest

from anomaly.errors import ConfigurationError
from anomaly.taxonomy import Classified, Kind, Taxonomy

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
