"""`anomaly plan`, `doctor` and `weights`: what they say is what the product knows."""

import hashlib
import json
import socket
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from anomaly.bootstrap import manifest, tables
from anomaly.cli import weighing
from anomaly.cli.cards import Cards
from anomaly.weights import Entry
from tests import buckets, markdown
from tests.cli.conftest import Run

ROOT = Path(__file__).parents[2]


def test_a_plan_is_what_the_server_would_choose(run: Run) -> None:
    """For 10 GB it names the pair, the batch and the need of every pair, as the memory plan reckons them."""
    said = json.loads(run("plan", "--vram", 10, "--json").stdout)
    assert said["plan"]["detector"] == "RF-DETR Large"
    assert said["plan"]["segmenter"] == "SAM 3"
    table = tables.variants()
    assert len(said["pairs"]) == len(table.detectors) * (len(table.segmenters) + 1)
    for each in said["pairs"]:
        assert (each["batch"] == 0) is (each["needs_mb"] > 9728)


def test_the_cards_are_those_of_the_guide(run: Run) -> None:
    """Each size of the guide's table comes to the same pair and batch here."""
    guide = markdown.table((ROOT / "RUNPOD_DEPLOYMENT.md").read_text(encoding="utf-8"), "GPU table")
    said = json.loads(run("plan", "--json").stdout)["cards"]
    for row in guide:
        same = [each for each in said if each["memory_gb"] == int(row["Memory GB"])]
        assert same
        for each in same:
            pair = f"{each['detector']} + {each['segmenter']}, {each['batch']}".removeprefix("RF-DETR ")
            assert pair == row["auto"]
            assert each["free_mb"] == int(row["Free MB"])


def test_the_prices_are_those_of_the_guide() -> None:
    """The guide's costs are the pools, cards and prices that `anomaly plan` shows."""
    guide = markdown.table((ROOT / "RUNPOD_DEPLOYMENT.md").read_text(encoding="utf-8"), "Costs")
    let = [each for each in Cards.read().cards if each.flex_usd_per_s is not None]
    assert [tuple(row.values())[:5] for row in guide] == [
        (
            each.pool,
            ", ".join(each.names),
            str(each.memory_gb),
            f"{each.flex_usd_per_s:.5f}",
            f"{(each.flex_usd_per_s or 0) * 3600:.2f}",
        )
        for each in let
    ]


def test_prices_rise_with_the_card() -> None:
    """Every serverless card has a price, per second, and cards under 16 GB have none."""
    for card in Cards.read().cards:
        assert (card.flex_usd_per_s is not None) is (card.memory_gb >= 16)
        assert card.flex_usd_per_s is None or 0.0001 < card.flex_usd_per_s < 0.01


def test_a_plan_for_readers(run: Run) -> None:
    """The tables have the sentence of the plan, every card, and where the prices are from."""
    text = run("plan", "--vram", 4).stdout
    assert "Nano" in text
    assert "does not fit" in text
    assert "H200" in text
    assert "https://www.runpod.io/pricing" in text


def test_what_does_not_fit_is_said(run: Run) -> None:
    """Where nothing fits the plan says what is short, and the command is done all the same."""
    said = json.loads(run("plan", "--vram", 0.5, "--detector", "large", "--json").stdout)
    assert said["plan"]["batch"] == 0
    assert "GB and only" in said["plan"]["reason"]


def test_a_healthy_machine(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a free port nothing is bad, and a trial looks at a photo."""
    monkeypatch.setenv("API_PORT", "0")
    done = run("doctor", "--try", "--json")
    said = {each["what"]: each for each in json.loads(done.stdout)}
    assert done.exit_code == 0, done.stdout
    assert "fake" in said["detector"]["said"]
    assert "3 defects" in said["trial"]["said"]
    assert {"settings", "python", "device", "disk", "machine"} < set(said)


def test_a_port_that_is_taken(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is bad, with the remedy, and the exit code is 1."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setenv("API_PORT", str(port))
        monkeypatch.setenv("API_HOST", "127.0.0.1")
        done = run("doctor")
    assert done.exit_code == 1
    assert f"127.0.0.1:{port} cannot be listened on" in done.stdout
    assert "set API_PORT to another" in done.stdout


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("API_PORT", "many", "API_PORT='many'"),
        ("DETECTOR_WEIGHTS", "/nowhere/best.pth", "/nowhere/best.pth is no file"),
    ],
)
def test_a_wrong_setting(
    run: Run, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    """A variable that stops the start is named, with what to do."""
    monkeypatch.setenv(variable, value)
    if variable == "DETECTOR_WEIGHTS":
        monkeypatch.setenv("DETECTOR_BACKEND", "auto")
    done = run("doctor")
    assert done.exit_code == 1
    assert said in done.stdout


def test_a_file_that_was_cut_off(run: Run, tmp_path: Path) -> None:
    """A weights file of another size than the manifest's is bad."""
    entry = next(each for each in manifest() if each.name == "sam2_tiny")
    models = tmp_path / "volume" / "models"
    models.mkdir(parents=True)
    (models / entry.file).write_bytes(b"short")
    done = run("doctor")
    assert done.exit_code == 1
    assert f"has 5 bytes and should have {entry.size_bytes:,}" in done.stdout
    assert "anomaly weights fetch sam2_tiny" in done.stdout
    verified = run("weights", "verify", "sam2_tiny")
    assert verified.exit_code == 1
    assert "has 5 bytes" in verified.stderr


def test_a_bucket_is_tried(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that can be read is good; one that is not there is bad, with what to mend."""
    monkeypatch.setenv("API_PORT", "0")
    with buckets.served() as url:
        target = buckets.new_bucket(url)
        monkeypatch.setenv("BUCKET_ENDPOINT_URL", url)
        monkeypatch.setenv("BUCKET_ACCESS_KEY_ID", target.access_key_id)
        monkeypatch.setenv("BUCKET_SECRET_ACCESS_KEY", target.secret_access_key)
        monkeypatch.setenv("S3_BUCKET", target.bucket)
        good = run("doctor")
        monkeypatch.setenv("S3_BUCKET", "another")
        bad = run("doctor")
    assert (good.exit_code, bad.exit_code) == (0, 1), good.stdout
    assert f"bucket {target.bucket} at 127.0.0.1 can be read" in good.stdout
    assert "there is no such bucket" in bad.stdout
    assert target.secret_access_key not in good.stdout + bad.stdout


def test_the_list_is_the_manifest(run: Run) -> None:
    """Every file of the manifest, with its licence, and whether it is here."""
    rows = json.loads(run("weights", "list", "--json").stdout)
    assert [(each["name"], each["licence"]) for each in rows] == [
        (each.name, each.licence) for each in manifest()
    ]
    text = run("weights", "list").stdout
    assert all(each.name in text for each in manifest())
    assert "no, and gated" in text


def test_what_is_not_here_is_not_verified(run: Run) -> None:
    """A file that is named and missing is a failure; where none is named, there is nothing to do."""
    done = run("weights", "verify", "sam2_tiny")
    assert done.exit_code == 1
    assert "`anomaly weights fetch sam2_tiny` brings it" in done.stderr
    assert run("weights", "verify").exit_code == 0


def test_fetching_needs_names(run: Run) -> None:
    """Neither nothing nor both: the command says what it takes."""
    assert run("weights", "fetch").exit_code == 2
    assert run("weights", "fetch", "sam2_tiny", "--all").exit_code == 2


def test_a_file_is_fetched_and_verified(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes to where the server looks for it, once, and is held against its hash; a damaged one is told."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "net.pt").write_bytes(b"weights" * 1000)
    handler = partial(SimpleHTTPRequestHandler, directory=tmp_path / "shop")
    handler.log_message = lambda *_: None  # type: ignore[attr-defined]
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/net.pt"
        right = hashlib.sha256(b"weights" * 1000).hexdigest()
        entries = (
            Entry("net", "net.pt", "A net", "Apache-2.0", url, size_bytes=7000, sha256=right),
            Entry("other", "other.pt", url=url.replace("net", "other")),
        )
        monkeypatch.setattr(weighing, "manifest", lambda: entries)
        first = run("weights", "fetch", "net")
        again = run("weights", "fetch", "net.pt")
        missing = run("weights", "fetch", "--all")
        server.shutdown()
    assert (first.exit_code, again.exit_code, missing.exit_code) == (0, 0, 1)
    assert "here already" in again.stdout
    assert "other.pt could not be downloaded" in missing.stderr
    path = Path(first.stdout.removeprefix("net: ").strip())
    assert path.read_bytes() == b"weights" * 1000
    assert f"net: right, sha256 {right[:12]}" in run("weights", "verify").stdout
    path.write_bytes(b"w3ights" * 1000)
    damaged = run("weights", "verify", "net")
    assert damaged.exit_code == 1
    assert "it is damaged" in damaged.stderr
