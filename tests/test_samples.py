import json
from pathlib import Path

import numpy as np
import pytest

from anomaly.bootstrap import load
from anomaly.imaging.photo import Photo
from anomaly.settings import Settings
from anomaly.types import Limits, Options
from samples import make

FILE = (make.HERE / "crack.jpg").read_bytes()
TRUTH = json.loads((make.HERE / "crack.json").read_text())


def test_the_sample_is_what_its_program_makes() -> None:
    """Making the sample again gives the picture and the truth that ship."""
    image, truth = make.photograph()
    shipped = Photo(FILE).frame(Limits()).image
    assert truth == TRUTH
    assert np.abs(image.astype(int) - shipped).mean() < 3  # what JPEG takes away
    assert len(FILE) < 200_000


@pytest.mark.parametrize("backend", ["starter", "ridge"])
def test_the_embedded_backends_find_the_known_crack(backend: str) -> None:
    """The best answer on the sample is the crack: most of its line lies in the mask, and the length is near."""
    loaded = load(Settings(detector_backend=backend, sam_model_path=Path("/nowhere")))  # type: ignore[arg-type]
    findings = loaded.pipeline.run(Photo(FILE).frame(Limits()), Options())
    best = findings.anomalies[0]
    assert best.defect_type == "crack"
    assert best.mask is not None
    assert best.geometry is not None
    x, y = np.round(np.array(TRUTH["centre_line"])).astype(int).T - [[best.mask.x], [best.mask.y]]
    inside = (x >= 0) & (y >= 0) & (x < best.mask.bitmap.shape[1]) & (y < best.mask.bitmap.shape[0])
    assert best.mask.bitmap[y[inside], x[inside]].sum() > 0.8 * len(x)
    assert best.geometry.length_pixels == pytest.approx(TRUTH["length_pixels"], rel=0.1)
    assert best.geometry.orientation_degrees == pytest.approx(TRUTH["orientation_degrees"], abs=3)
