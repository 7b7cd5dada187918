import hashlib
import json

import cv2
import numpy as np
import pytest

from anomaly.backends import starter
from training import release
from training.photo import photograph
from training.recipes import RECIPES
from training.schedule import Schedule, Stage
from training.train import Trainer


@pytest.fixture
def data(tmp_path):
    """Return a folder of three generated photographs of pavement with their masks."""
    folder = tmp_path / "data" / "pavement"
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    for number in range(3):
        sample = photograph(RECIPES["full"], 5, number, 96)
        cv2.imwrite(str(folder / "images" / f"{number}.jpg"), sample.image[..., ::-1])
        cv2.imwrite(str(folder / "masks" / f"{number}.png"), sample.crack.astype(np.uint8) * 255)
    return folder.parent


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
def test_a_training_folder_becomes_what_ships(tmp_path, data, capsys):
    """Weights and facts are written that belong together, say how they came about, and can be loaded."""
    import torch

    trainer = Trainer(Schedule(seed=9, stages=(Stage("full", 1, 1e-3, 1e-4),)))
    trainer.losses.append(0.5)
    torch.save(trainer.state(), tmp_path / "state.pt")
    release.main(["--folder", str(tmp_path), "--data", str(data), "--to", str(tmp_path / "shipped")])
    facts = json.loads((tmp_path / "shipped" / "starter.json").read_text())
    weights = (tmp_path / "shipped" / "starter.onnx").read_bytes()
    assert facts["sha256"] == hashlib.sha256(weights).hexdigest()
    assert facts["schedule"]["seed"] == 9
    assert facts["schedule"]["stages"][0]["recipe"] == "full"
    assert set(facts["evaluation"]["pixels"]) == {"0", "2", "5"}
    assert starter.load(folder=tmp_path / "shipped").card.sha256 == facts["sha256"]
    assert "pixels" in capsys.readouterr().out
