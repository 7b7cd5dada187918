import pytest
from playwright.sync_api import expect

from tests.serving.page.desk import Desk

pytestmark = pytest.mark.xdist_group("browser")


def test_the_table_holds_the_answers_numbers(desk: Desk) -> None:
    """Each row has the answered type, confidence, length, width, area and direction."""
    answer = desk.drop()
    best = sorted(answer["anomalies"], key=lambda each: -each["confidence"]["combined"])
    measured = [each["geometry"] for each in best]
    assert desk.numbers("confidence") == [round(each["confidence"]["combined"], 2) for each in best]
    assert desk.numbers("length") == pytest.approx([each["length_pixels"] for each in measured], abs=0.51)
    assert desk.numbers("width") == pytest.approx([each["width_pixels"] for each in measured], abs=0.051)
    assert desk.numbers("area") == [each["area_pixels"] for each in measured]
    assert desk.numbers("angle") == pytest.approx(
        [each["orientation_degrees"] for each in measured], abs=0.051
    )
    assert sorted(desk.rows("type")) == sorted(
        each["defect_type"].replace("_", " ").capitalize() for each in answer["anomalies"]
    )


def test_a_press_on_a_heading_sorts(desk: Desk) -> None:
    """The first press puts the largest on top, the second the smallest, and the heading says so."""
    desk.drop()
    for column in ("length", "width", "area"):
        heading = desk.page.locator(f'th[data-column="{column}"]')
        heading.locator("button").click()
        assert desk.numbers(column) == sorted(desk.numbers(column), reverse=True)
        expect(heading).to_have_attribute("aria-sort", "descending")
        heading.locator("button").click()
        assert desk.numbers(column) == sorted(desk.numbers(column))
        expect(heading).to_have_attribute("aria-sort", "ascending")


def test_types_and_words_filter_table_and_picture(desk: Desk) -> None:
    """A type that is switched off and a comparison that fails leave the table and the picture."""
    answer = desk.drop()
    whole = desk.stage()
    desk.page.click('.chip[data-type="crack"]')
    cracks = sum(each["defect_type"] == "crack" for each in answer["anomalies"])
    assert cracks > 0
    expect(desk.page.locator("tbody tr")).to_have_count(7 - cracks)
    desk.wait_drawn()
    assert (desk.stage() != whole).any()
    desk.page.click('.chip[data-type="crack"]')
    lengths = desk.numbers("length")
    middle = sorted(lengths)[3] + 0.6
    desk.page.fill("#search", f"length > {middle:.1f}")
    expect(desk.page.locator("tbody tr")).to_have_count(sum(each > middle for each in lengths))
    desk.page.fill("#search", "SPALL")
    assert set(desk.rows("type")) == {"Spalling"}
    desk.page.fill("#search", "no such thing")
    expect(desk.page.locator("#table-empty")).to_contain_text("none passes")
    desk.page.fill("#search", "")
    desk.wait_drawn()
    assert (desk.stage() == whole).all()


def test_a_row_and_its_defect_are_one(desk: Desk) -> None:
    """A chosen row shows the defect's measures, Enter shows it large, and the arrow keys go on from it."""
    answer = desk.drop()
    rows = desk.page.locator("tbody tr")
    rows.nth(2).click()
    expect(rows.nth(2)).to_have_attribute("aria-current", "true")
    number = int(desk.rows("number")[2])
    chosen = answer["anomalies"][number - 1]
    panel = desk.page.locator("#details")
    expect(panel).to_contain_text(chosen["anomaly_id"])
    expect(panel).to_contain_text(f"± {chosen['geometry']['width_pixels_pm']:.2f}")
    desk.page.keyboard.press("Enter")
    desk.wait_drawn()
    room = desk.page.locator("#stage-canvas").bounding_box()
    assert room is not None
    box = chosen["bbox"]
    left, top = desk.on_stage(box["x_min"], box["y_min"])
    right, bottom = desk.on_stage(box["x_max"], box["y_max"])
    assert (left + right) / 2 == pytest.approx(room["width"] / 2, abs=1)
    assert max((right - left) / room["width"], (bottom - top) / room["height"]) == pytest.approx(
        0.7, abs=0.02
    )
    desk.page.keyboard.press("ArrowDown")
    expect(rows.nth(3)).to_be_focused()
    expect(rows.nth(3)).to_have_attribute("aria-current", "true")
    desk.page.keyboard.press("Escape")
    expect(desk.page.locator("tbody tr[aria-current]")).to_have_count(0)


def test_the_slider_asks_nobody(desk: Desk) -> None:
    """Moving the threshold shows and hides defects by the detector's score, without one more request."""
    answer = desk.drop()
    assert len(desk.asked) == 1
    assert desk.page.locator("#threshold").input_value() == "0.3"  # the server's default, from /info
    scores = [each["confidence"]["detection"] for each in answer["anomalies"]]
    for threshold in (0.55, 0.8, 0.99, 0.1):
        desk.set_threshold(threshold)
        expect(desk.page.locator("tbody tr")).to_have_count(sum(score >= threshold for score in scores))
    desk.page.locator("#threshold").focus()
    desk.page.keyboard.press("End")
    expect(desk.page.locator("#threshold-value")).to_have_text("1.00")
    expect(desk.page.locator("#findings-count")).to_have_text("0 of 7")
    assert len(desk.asked) == 1


def test_all_photos_are_listed_together(desk: Desk) -> None:
    """With several photos the table lists one or all, and a row of another photo brings that onto the stage."""
    desk.drop(name="one.jpg")
    desk.drop(name="two.jpg")
    expect(desk.page.locator("tbody tr")).to_have_count(7)
    desk.page.click('#scope [data-scope="all"]')
    expect(desk.page.locator("tbody tr")).to_have_count(14)
    desk.page.locator("tbody tr", has_text="two.jpg").first.click()
    expect(desk.page.locator('.shot[data-name="two.jpg"]')).to_have_attribute("aria-current", "true")
    desk.page.locator("#stage-canvas").focus()
    desk.page.keyboard.press("p")
    expect(desk.page.locator('.shot[data-name="one.jpg"]')).to_have_attribute("aria-current", "true")
    desk.page.hover('.shot[data-name="one.jpg"]')
    desk.page.click('.shot[data-name="one.jpg"] .shot-remove')
    expect(desk.page.locator("tbody tr")).to_have_count(7)
