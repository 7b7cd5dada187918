from pathlib import Path

import pytest
from playwright.sync_api import Page, Response, Route, expect

from anomaly.keys import Keyring
from anomaly.serving.pod import create_app
from anomaly.serving.pod.access import Access
from tests.listener import on_uvicorn
from tests.services import warm_service
from tests.serving.page.desk import SAMPLE, Desk

pytestmark = pytest.mark.xdist_group("browser")


def test_a_photo_that_cannot_be_read_says_why(desk: Desk, tmp_path: Path) -> None:
    """The server's sentence and its code stand on the stage; what is no photo at all is left out."""
    (tmp_path / "broken.jpg").write_bytes(SAMPLE.read_bytes()[:20_000])
    (tmp_path / "notes.txt").write_text("no photo")
    desk.page.set_input_files("#folder", tmp_path)
    panel = desk.page.locator("#stage-message")
    expect(panel).to_contain_text("corrupt_image")
    expect(panel).to_contain_text("breaks off")
    expect(desk.page.locator(".shot")).to_have_count(1)
    expect(desk.page.locator("#notices")).to_contain_text("1 file is no photo")
    expect(panel.get_by_role("button", name="Try again")).to_be_visible()


def test_a_folder_is_analysed_whole(desk: Desk, tmp_path: Path) -> None:
    """Every photo of a folder is listed by its name and analysed."""
    for name in ("a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg"):
        (tmp_path / name).write_bytes(SAMPLE.read_bytes())
    desk.page.set_input_files("#folder", tmp_path)
    expect(desk.page.locator('.shot[data-status="done"]')).to_have_count(5)
    expect(desk.page.locator("#strip-progress")).to_be_hidden()
    names = desk.page.locator(".shot-name")
    assert names.all_inner_texts() == [f"{each}.jpg" for each in "abcde"]
    expect(names.first).to_have_attribute("title", f"{tmp_path.name}/a.jpg")


def test_a_full_queue_is_waited_for(tab: Page, tmp_path: Path) -> None:
    """Refused photos come again, not before the time that the server named, until all are done."""
    service = warm_service(max_waiting=1, max_batch=1, fake_image_ms=300)
    for name in "abcd":
        (tmp_path / f"{name}.jpg").write_bytes(SAMPLE.read_bytes())
    waits: list[float] = []

    def refused(response: Response) -> None:
        if response.status == 429:
            waits.append(float(response.headers["retry-after"]))

    with on_uvicorn(create_app(service, 0.3)) as url, Desk.opened(tab, f"{url}/") as desk:
        desk.visit().page.on("response", refused)
        desk.page.set_input_files("#folder", tmp_path)
        expect(desk.page.locator('.shot[data-status="done"]')).to_have_count(4, timeout=30_000)
        # By the browser's own clock, ms.
        asked = desk.page.evaluate(
            "performance.getEntriesByType('resource').filter((each) => each.name.includes('/detect?'))"
            ".map((each) => ({ from: each.startTime, to: each.responseEnd, status: each.responseStatus }))"
        )
        tab.remove_listener("response", refused)
    refusals = [each["to"] for each in asked if each["status"] == 429]
    assert len(refusals) == len(waits) > 0
    for at in refusals:
        assert not [each for each in asked if at + 50 < each["from"] < at + 1e3 * min(waits) - 100]


def test_a_server_that_cannot_be_reached_is_tried_again(desk: Desk) -> None:
    """A broken connection is told with its code, and the photo goes again by itself."""
    broken: list[str] = []

    def once(route: Route) -> None:
        if broken:
            route.continue_()
        else:
            broken.append(route.request.url)
            route.abort("connectionfailed")

    desk.page.route("**/detect?*", once)
    desk.page.click("#sample")
    expect(desk.page.locator("#stage-message")).to_contain_text("unreachable")
    expect(desk.page.locator('.shot[data-status="done"]')).to_have_count(1)


def test_a_locked_server_is_opened_with_its_key(tab: Page) -> None:
    """Where the server answers 401 the page asks for a key, says when it is wrong, and goes on with a right one."""
    access = Access(keyring=Keyring.read("the-right-key-of-this-server"))
    with on_uvicorn(create_app(warm_service(), 0.3, access)) as url, Desk.opened(tab, f"{url}/") as desk:
        page = desk.visit().page
        expect(page.locator("#key")).to_be_visible()
        page.keyboard.press("Escape")
        page.click("#sample")
        expect(page.locator("#key")).to_be_visible()
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Enter the key").click()
        page.get_by_label("API key").fill("quite-another-key-of-nobody")
        page.keyboard.press("Enter")
        expect(page.locator("#key .trouble")).to_be_visible()
        page.get_by_label("API key").fill("the-right-key-of-this-server")
        page.keyboard.press("Enter")
        expect(page.locator('.shot[data-status="done"]')).to_have_count(1)
        expect(page.locator("#server-text")).to_contain_text("Fake")
