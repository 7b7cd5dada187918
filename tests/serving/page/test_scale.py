import json

import httpx2
import pytest
from playwright.sync_api import expect

from tests.serving.page.desk import SAMPLE, Desk

pytestmark = pytest.mark.xdist_group("browser")


def _answered(desk: Desk, **fields: object) -> list[dict[str, object]]:
    """Return the geometries that the API itself answers."""
    query = {"confidence_threshold": 0.1, **fields}
    answer = httpx2.post(
        desk.address + "detect",
        params=query,
        content=SAMPLE.read_bytes(),
        headers={"Content-Type": "image/jpeg"},
    )  # type: ignore[arg-type]
    return [each["geometry"] for each in answer.json()["anomalies"]]


def test_millimetres_are_those_of_the_server(desk: Desk) -> None:
    """A scale that is typed in gives at once, and without a request, what the API answers for it."""
    desk.drop()
    desk.page.click('[data-kind="constant"]')
    desk.page.get_by_label("One pixel measures").fill("0.137")
    expect(desk.page.locator('tbody td[data-column="length"]').first).to_contain_text("mm")
    assert len(desk.asked) == 1
    here = [each["geometry"] for each in json.loads(desk.download("JSON"))["anomalies"]]
    for mine, theirs in zip(here, _answered(desk, mm_per_pixel=0.137), strict=True):
        del mine["centre_lines"]
        assert list(mine) == list(theirs)
        for name, value in theirs.items():
            if name == "area_mm2_pm" and mine[name] is None:
                continue  # not told in pixels
            close = pytest.approx(value, rel=1e-4, abs=0.011) if isinstance(value, float) else value
            assert mine[name] == close, name


def test_a_class_of_the_width_is_asked_of_the_server(desk: Desk) -> None:
    """With a standard the photo is measured again, and the table shows the class that the server answers."""
    desk.drop()
    desk.page.locator("tbody tr").first.click()
    desk.page.click('[data-kind="constant"]')
    desk.page.get_by_label("One pixel measures").fill("0.02")
    desk.page.select_option("#standard", "EC2/XC3")
    desk.page.click("#scale button[type=submit]")
    expect(desk.page.locator('tbody td[data-column="verdict"]').first).to_contain_text(" ")
    theirs = _answered(desk, mm_per_pixel=0.02, standard="EC2", exposure="XC3")
    shown = dict(zip(desk.rows("number"), desk.rows("verdict"), strict=True))
    for number, geometry in enumerate(theirs, 1):
        found = geometry["width_class"]["name"]  # type: ignore[index]
        assert shown[str(number)].strip() == (found or "no class").replace("_", " ")
    expect(desk.page.locator("#details")).to_contain_text("EC2 XC3")
    assert len(desk.asked) == 2


def test_a_marker_that_is_not_there_costs_no_finding(desk: Desk) -> None:
    """The server's word on the missing marker stands beside the scale, and the defects stay."""
    desk.drop()
    desk.page.click('[data-kind="marker"]')
    desk.page.get_by_label("Side of its black square").fill("50")
    desk.page.click("#scale button[type=submit]")
    trouble = desk.page.locator("#scale .trouble")
    expect(trouble).to_contain_text("marker_not_found")
    expect(desk.page.locator("tbody tr")).to_have_count(7)
    assert all("px" in each for each in desk.rows("length"))


def test_the_ruler_makes_a_scale(desk: Desk) -> None:
    """A known length on the photo, measured with the ruler, says what a pixel is; all photos may use it."""
    desk.drop(name="one.jpg")
    desk.drop(name="two.jpg")
    desk.page.locator("#stage-canvas").focus()
    desk.page.keyboard.press("r")
    desk.point(100, 100)
    desk.page.mouse.down()
    desk.point(400, 500)
    desk.page.mouse.up()
    length = desk.page.locator("#ruled-mm")
    expect(desk.page.locator(".ruled")).to_contain_text("px are")
    length.fill("250")
    length.press("Enter")
    expect(desk.page.locator('tbody td[data-column="length"]').first).to_contain_text("mm")
    one = json.loads(desk.download("JSON"))["anomalies"][0]["geometry"]
    assert one["mm_per_pixel"] == pytest.approx(0.5, rel=0.01)
    desk.page.keyboard.press("Escape")
    desk.page.get_by_role("button", name="Use for all 2 photos").click()
    desk.page.click('#scope [data-scope="all"]')
    assert all("mm" in each for each in desk.rows("length"))
