"""`anomaly detect`, on this machine and against servers."""

import csv
import io
import json
import time
from pathlib import Path

import pytest
from PIL import Image as Pillow
from pycocotools.coco import COCO

from anomaly.cli.servers import Place
from anomaly.client import CallFailed, CallRefused, Client
from anomaly.errors import InvalidRequest
from anomaly.simulator import Simulator
from tests.cli.conftest import Run
from tests.client.conftest import shelf

pytestmark = pytest.mark.xdist_group("client")


def lines(text: str) -> list[dict[str, object]]:
    """Return the objects of JSON lines."""
    return [json.loads(line) for line in text.splitlines()]


def test_a_folder_on_this_machine(run: Run, folder: Path) -> None:
    """Every photo of it is answered, in order of name, hidden ones and notes apart; the bar and sum go elsewhere."""
    done = run("detect", folder)
    assert done.exit_code == 0
    answered = lines(done.stdout)
    assert [each["photo"] for each in answered] == [
        str(folder / name) for name in ("a.PNG", "b.jpg", "north/a.jpg")
    ]
    assert all(each["anomalies"] for each in answered)
    assert "3 photos, 9 defects, in" in done.stderr


def test_against_a_pod(run: Run, folder: Path, pod_url: str) -> None:
    """With `--url` the photos go there, and the answers are the same."""
    there, here = run("detect", folder, "--url", pod_url), run("detect", folder)
    assert [each["anomalies"] for each in lines(there.stdout)] == [
        each["anomalies"] for each in lines(here.stdout)
    ]


def test_a_photo_that_fails_is_said_and_counted(run: Run, folder: Path) -> None:
    """The others are answered, the failed one has its code in its place, and the exit code is 1."""
    done = run("detect", folder / "notes.txt", folder / "b.jpg")
    assert done.exit_code == 1
    bad, good = lines(done.stdout)
    assert bad["error"]["code"] == "unsupported_image"  # type: ignore[index]
    assert good["anomaly_count"] == 3
    assert "notes.txt" in done.stderr
    assert "1 failed" in done.stderr


def test_options_reach_the_request(run: Run, folder: Path) -> None:
    """Named options and `-O` are the fields of a request, in text or in JSON."""
    done = run(
        "detect", folder / "b.jpg", "--mm-per-pixel", 0.5, "--masks", "-t", 0.1,
        "-O", "standard=EC2", "-O", "exposure=XC2", "-O", 'tiling={"tile": 64, "overlap": 8}', "-q",
    )  # fmt: skip
    [answer] = lines(done.stdout)
    [first, *_] = answer["anomalies"]  # type: ignore[misc]
    assert first["geometry"]["mm_per_pixel"] == 0.5
    assert first["geometry"]["width_class"]["standard"] == "EC2"
    assert first["mask"]["counts"]
    assert done.stderr == ""
    with pytest.raises(InvalidRequest, match="tyling is not a field"):
        run("detect", folder, "-O", "tyling=off")
    assert run("detect", folder, "-O", "tiling").exit_code == 2


def test_a_table(run: Run, folder: Path, tmp_path: Path) -> None:
    """A file that ends in .csv is a table, a line a defect, with the photo's path."""
    table = tmp_path / "out" / "defects.csv"
    assert run("detect", folder, "-o", table).exit_code == 0
    read = list(csv.DictReader(io.StringIO(table.read_text())))
    assert len(read) == 9
    assert read[0]["frame_id"] == str(folder / "a.PNG")
    assert run("detect", folder, "-f", "csv").stdout.splitlines() == table.read_text().splitlines()


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_a_data_set(run: Run, folder: Path, tmp_path: Path) -> None:
    """pycocotools loads it, with the masks, which are asked for by themselves."""
    path = tmp_path / "coco.json"
    assert run("detect", folder, "-f", "coco", "-o", path).exit_code == 0
    loaded = COCO(str(path))
    assert len(loaded.imgs) == 3
    assert all(
        loaded.annToMask(each).sum() == each["area"] > 0 for each in loaded.loadAnns(loaded.getAnnIds())
    )


def test_annotated_pictures(run: Run, folder: Path, tmp_path: Path) -> None:
    """Each photo has its picture in the same place of the folder, of its size, with something drawn on it."""
    drawn = tmp_path / "drawn"
    assert run("detect", folder, "-a", drawn).exit_code == 0
    assert sorted(str(each.relative_to(drawn)) for each in drawn.rglob("*.jpg")) == [
        "a.jpg",
        "b.jpg",
        "north/a.jpg",
    ]
    with Pillow.open(drawn / "b.jpg") as picture, Pillow.open(folder / "b.jpg") as photo:
        assert picture.size == photo.size
        assert picture.tobytes() != photo.tobytes()


def test_a_picture_of_a_url(run: Run, folder: Path, tmp_path: Path, pod_url: str) -> None:
    """A photo that the server fetches is fetched for its picture too, and the picture has the name of its file."""
    with shelf(folder) as url:
        done = run(
            "detect", f"{url}/b.jpg?signature=x", "-u", pod_url, "-a", tmp_path / "drawn", "-f", "text"
        )
    assert done.exit_code == 0
    assert done.stdout.startswith(f"{url}/b.jpg\n")
    assert [each.name for each in (tmp_path / "drawn").iterdir()] == ["b.jpg"]


def test_pictures_of_the_same_name_are_kept_apart(run: Run, folder: Path, tmp_path: Path) -> None:
    """Two photos of one name from different folders do not overwrite each other's picture."""
    assert (
        run("detect", folder / "a.PNG", folder / "north" / "a.jpg", "-a", tmp_path / "drawn").exit_code == 0
    )
    assert sorted(each.name for each in (tmp_path / "drawn").iterdir()) == ["a-2.jpg", "a.jpg"]


def test_text_for_readers(run: Run, folder: Path) -> None:
    """A photo's defects stand below it with their measures."""
    text = run("detect", folder / "b.jpg", "-f", "text").stdout
    assert text.startswith(f"{folder / 'b.jpg'}\n  ")
    assert "px   W" in text


def test_a_run_goes_on_where_it_stopped(
    run: Run, folder: Path, tmp_path: Path, pod: Client, pod_url: str
) -> None:
    """What the journal beside the output has is not asked for again; when all is done the journal goes."""
    output = tmp_path / "out.jsonl"
    journal = tmp_path / "out.jsonl.journal"
    begun = pod.imap([str(folder / "a.PNG"), str(folder / "b.jpg")], journal=journal)
    next(begun)
    begun.close()
    marked = journal.read_bytes().replace(b'"tiles":0', b'"tiles":7')
    journal.write_bytes(marked)
    assert run("detect", folder, "--url", pod_url, "-o", output).exit_code == 0
    tiles = [each["tiles"] for each in lines(output.read_text())]
    assert tiles.count(7) >= 1
    assert tiles[2] == 0
    assert not journal.exists()


def test_a_server_that_is_not_there_is_said_soon(run: Run, folder: Path) -> None:
    """A wrong address costs no minutes of patience."""
    began = time.monotonic()
    with pytest.raises(CallFailed, match=r"127\.0\.0\.1:9"):
        run("detect", folder, "--url", "http://127.0.0.1:9")
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["nowhere.jpg"], "nowhere.jpg is not there"),
        ([".", "--url", "localhost:8000"], "begins with http"),
        ([".", "--url", "http://h", "--endpoint", "abc"], "name two servers"),
        ([".", "-t", "2"], "less than or equal to 1"),
        ([], "Missing argument"),
    ],
)
def test_a_command_that_is_not_right(run: Run, arguments: list[str], what: str) -> None:
    """The exit code is 2, and the sentence says what was expected."""
    done = run("detect", *arguments)
    assert done.exit_code == 2
    assert what in done.stderr


def test_an_empty_folder_is_said(run: Run, tmp_path: Path) -> None:
    """A folder without a photo is a mistake, not a success."""
    (tmp_path / "empty").mkdir()
    done = run("detect", tmp_path / "empty")
    assert done.exit_code == 2
    assert "there is no photo in" in done.stderr


def test_runpods_key_goes_to_runpod_only() -> None:
    """The key that RunPod sets in every pod is not sent to any other server."""
    assert Place.named(None, "abc", None, "rpa_key") == Place("https://api.runpod.ai/v2/abc", "rpa_key")
    assert Place.named("https://abc.api.runpod.ai", None, None, "rpa_key").api_key == "rpa_key"
    for other in ("http://localhost:8000", "https://notrunpod.ai/v2/a", "http://api.runpod.ai/v2/a"):
        assert Place.named(other, None, None, "rpa_key").api_key is None
        assert Place.named(other, None, "mine", "rpa_key").api_key == "mine"


def test_a_key_is_sent(run: Run, folder: Path) -> None:
    """`--api-key` opens an endpoint, and without it the refusal is said."""
    with Simulator() as sim, pytest.raises(CallRefused, match="unauthorized"):
        run("detect", folder, "--url", sim.url, "--api-key", "wrong")
