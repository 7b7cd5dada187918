from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.serving.page.desk import SAMPLE, Desk, filled, near, pixels

pytestmark = pytest.mark.xdist_group("browser")


def test_the_sample_is_one_click_away(desk: Desk) -> None:
    """A newcomer without a photo presses one button and sees the defects of the sample."""
    desk.page.click("#sample")
    expect(desk.page.locator("tbody tr")).to_have_count(7)
    expect(desk.page.locator(".shot-state")).to_have_text("7 defects")


def test_masks_are_drawn_where_the_answer_has_them(desk: Desk) -> None:
    """Switching the masks on changes the pixels of the answered masks, and no pixel but their outlines'."""
    answer = desk.drop()
    desk.layers()
    bare = desk.stage()
    desk.layers("masks")
    changed = np.abs(desk.stage() - bare).max(axis=2) > 10
    width, height = answer["image_size"].values()
    masks = np.any([filled(each["mask"], width, height) for each in answer["anomalies"]], axis=0)
    rows, columns = np.mgrid[0 : changed.shape[0], 0 : changed.shape[1]] + 0.5
    scale, left, top = desk.lens()
    x, y = ((columns - left) / scale).astype(int), ((rows - top) / scale).astype(int)
    on_photo = (x >= 0) & (y >= 0) & (x < width) & (y < height) & (columns > left) & (rows > top)
    inside = np.zeros_like(changed)
    inside[on_photo] = masks[y[on_photo], x[on_photo]]
    assert inside.sum() > 1000
    assert changed[inside].mean() > 0.98
    assert not changed[~near(inside, 2)].any()


def test_boxes_stand_where_the_answer_has_them(desk: Desk) -> None:
    """Each box is drawn along the answered edges, in the colour that its type has in the table."""
    answer = desk.drop()
    desk.layers("boxes")
    seen = desk.stage()
    for number, anomaly in enumerate(answer["anomalies"]):
        swatch = desk.page.locator(f"tbody tr[data-key$='.{number}'] .swatch")
        colour = swatch.evaluate("each => getComputedStyle(each).backgroundColor")
        rgb = np.array([int(part) for part in colour[4:-1].split(",")])
        box = anomaly["bbox"]
        for x, y in (
            (box["x_min"], (box["y_min"] + 2 * box["y_max"]) / 3),
            ((box["x_min"] + 2 * box["x_max"]) / 3, box["y_max"]),
        ):
            left, top = (int(each) for each in desk.on_stage(x, y))
            around = seen[top - 2 : top + 3, left - 2 : left + 3].reshape(-1, 3)
            assert np.abs(around - rgb).max(axis=1).min() < 70, anomaly["anomaly_id"]


def test_centre_lines_run_where_the_answer_has_them(desk: Desk) -> None:
    """The line of each defect is white at its answered points, half a pixel from the corners that count."""
    answer = desk.drop()
    desk.layers("lines")
    seen = desk.stage()
    points = [
        point
        for each in answer["anomalies"]
        for line in each["geometry"]["centre_lines"]
        for point in line[1:-1]
    ]
    scale, left, top = desk.lens()
    places = [((x + 0.5) * scale + left, (y + 0.5) * scale + top) for x, y in points]
    assert len(places) >= 7
    bright = [
        seen[round(y) - 1 : round(y) + 2, round(x) - 1 : round(x) + 2].min(axis=2).max() for x, y in places
    ]
    assert min(bright) > 170


def test_a_layer_that_is_off_is_not_drawn(desk: Desk) -> None:
    """Without any layer the stage shows the photo alone, as the file has it."""
    desk.drop()
    desk.layers()
    desk.page.keyboard.press("1")
    desk.wait_drawn()
    photo = pixels(SAMPLE.read_bytes())
    left, top = (round(each) for each in desk.on_stage(0, 0))
    seen = desk.stage()
    rows, columns = slice(max(0, -top) + 40, 400), slice(max(0, -left) + 40, 600)
    shown = seen[rows.start + top : rows.stop + top, columns.start + left : columns.stop + left]
    assert np.abs(shown - photo[rows, columns]).mean() < 3


def test_pointing_at_a_defect_shows_its_numbers(desk: Desk) -> None:
    """The pointer on a mask brings up the answered measures, and marks the row; a click chooses both."""
    answer = desk.drop()
    anomaly = answer["anomalies"][0]
    line = anomaly["geometry"]["centre_lines"][0]
    desk.point(*line[len(line) // 2])
    card = desk.page.locator("#hover")
    expect(card).to_be_visible()
    shown = card.inner_text()
    # Masks may overlap: what it shows is one defect of the answer, with all its numbers.
    number, anomaly = next(
        (at, each)
        for at, each in enumerate(answer["anomalies"], 1)
        if f"{each['geometry']['orientation_degrees']:.1f}°" in shown
    )
    assert shown.startswith(f"{number} {anomaly['defect_type'].replace('_', ' ').capitalize()}")
    assert f"{anomaly['geometry']['length_pixels']:.0f} ± " in shown
    marked = desk.page.locator("tbody tr[data-hover]")
    expect(marked).to_have_count(1)
    assert marked.locator("td").first.inner_text() == str(number)
    desk.page.mouse.down()
    desk.page.mouse.up()
    expect(marked).to_have_attribute("aria-current", "true")
    expect(desk.page.locator(".details-title")).to_contain_text(f"{number} ")


def test_zoom_and_pan_keep_to_the_photo(desk: Desk) -> None:
    """The wheel zooms about the pointer, dragging moves the photo with it, and 0 shows all of it again."""
    desk.drop()
    fit = desk.on_stage(480, 320)
    desk.point(480, 320)
    desk.page.mouse.wheel(0, -400)
    desk.wait_drawn()
    assert desk.on_stage(480, 320) == pytest.approx(fit, abs=1)
    assert desk.on_stage(580, 320)[0] - fit[0] > 150
    desk.page.mouse.down()
    place = desk.page.locator("#stage-canvas").bounding_box()
    assert place is not None
    desk.page.mouse.move(place["x"] + fit[0] + 80, place["y"] + fit[1] + 30, steps=3)
    desk.page.mouse.up()
    desk.wait_drawn()
    assert desk.on_stage(480, 320) == pytest.approx((fit[0] + 80, fit[1] + 30), abs=1.5)
    desk.page.keyboard.press("0")
    desk.wait_drawn()
    assert desk.on_stage(480, 320) == pytest.approx(fit, abs=0.5)


def test_a_turned_photo_is_drawn_upright(desk: Desk, tmp_path: Path) -> None:
    """What EXIF turns is shown as the API counts: the defects lie on what they are."""
    turned = tmp_path / "turned.jpg"
    picture = Image.open(SAMPLE)
    exif = picture.getexif()
    exif[0x0112] = 6
    picture.save(turned, exif=exif, quality=95)
    answer = desk.drop(turned)
    assert answer["image_size"] == {"width": 640, "height": 960}
    desk.layers()
    desk.page.keyboard.press("1")
    desk.wait_drawn()
    upright = pixels(SAMPLE.read_bytes())[::-1].swapaxes(0, 1)  # a quarter to the right
    left, top = (round(each) for each in desk.on_stage(0, 0))
    room = desk.stage()
    first = max(0, -top)
    shown = room[first + top : first + top + 300, left + 20 : left + 600]
    assert np.abs(shown - upright[first : first + 300, 20:600]).mean() < 4


def test_a_large_photo_is_sharp_where_one_looks_closely(desk: Desk, tmp_path: Path) -> None:
    """A photo over the size that is moved about whole is drawn in full resolution when it is magnified."""
    wide = tmp_path / "wide.png"
    stripes = np.zeros((300, 6000, 3), np.uint8)
    stripes[:, ::2] = 255  # half the resolution would show grey
    Image.fromarray(stripes).save(wide)
    desk.page.set_input_files("#files", wide)
    desk.page.wait_for_selector('.shot[data-status="done"]')
    desk.layers()
    desk.page.keyboard.press("1")
    desk.page.wait_for_selector("#stage-canvas[data-detail]")
    desk.wait_drawn()
    row = desk.stage()[round(desk.on_stage(0, 150)[1]), 200:600, 0]
    assert np.abs(np.diff(row)).mean() > 200
