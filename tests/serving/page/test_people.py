import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from starlette.types import ASGIApp, Receive, Scope, Send

from anomaly.serving.pod import create_app
from tests.listener import on_uvicorn
from tests.services import warm_service
from tests.serving.page.desk import Desk

pytestmark = pytest.mark.xdist_group("browser")

_CONTRASTS = Path(__file__).with_name("contrast.js").read_text().strip().removesuffix(";")
_TEXTS = [
    "#server", "#add", "#download-open", ".tool[data-layer=boxes]", "#ruler", ".shot-state", ".shot-name",
    "#findings-count", "th button", "td small", ".note", ".link", ".facts dt", ".big small", ".chip",
    ".segmented button[aria-pressed=false]",
]  # fmt: skip


def test_everything_works_by_keyboard(desk: Desk) -> None:
    """From the sample to a chosen defect, the layers, the help and a download, without a pointer."""
    page = desk.page
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "sample":
            break
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(7)
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator("tbody tr").nth(1)).to_have_attribute("aria-current", "true")
    page.keyboard.press("m")
    expect(page.locator('[data-layer="masks"]')).to_have_attribute("aria-pressed", "false")
    page.locator("#stage-canvas").focus()
    desk.wait_drawn()
    before = desk.on_stage(0, 0)
    page.keyboard.press("ArrowLeft")
    desk.wait_drawn()
    assert desk.on_stage(0, 0) == pytest.approx((before[0] + 60, before[1]))
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("spalling")
    assert set(desk.rows("type")) == {"Spalling"}
    page.locator("#stage-canvas").focus()
    page.keyboard.press("d")
    expect(page.locator("#download")).to_be_visible()


def test_every_control_has_a_name(desk: Desk) -> None:
    """What can be pressed or filled in says what it is to those who do not see it."""
    desk.drop()
    desk.page.locator("tbody tr").first.click()
    for kind in ("constant", "camera", "marker"):
        desk.page.click(f'[data-kind="{kind}"]')
        for role in ("button", "textbox", "slider", "searchbox", "spinbutton", "combobox", "link"):
            for each in desk.page.get_by_role(role).all():  # type: ignore[arg-type]
                assert re.search(r"""^- '?\w+ "[^"]+""", each.aria_snapshot()), each
    expect(desk.page.locator("#stage-canvas")).to_have_attribute(
        "aria-label", re.compile(r"crack\.jpg: \d spalling|crack")
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_legible_in_light_and_dark(browser: Browser, address: str, scheme: str) -> None:
    """Every kind of text has a contrast of 4.5 to 1 or more to its ground, in both schemes."""
    with browser.new_context(color_scheme=scheme) as window, Desk.opened(window.new_page(), address) as desk:  # type: ignore[arg-type]
        desk.visit().drop(name="one.jpg")
        desk.drop(name="two.jpg")
        desk.page.locator("tbody tr").first.click()
        desk.page.wait_for_selector(".facts")
        contrasts = dict(zip(_TEXTS, desk.page.evaluate(_CONTRASTS, _TEXTS), strict=True))
        assert {name: round(each, 2) for name, each in contrasts.items() if each < 4.5} == {}
        ground = desk.page.evaluate("getComputedStyle(document.querySelector('.bar')).backgroundColor")
        desk.page.click("#theme")  # from the system's to light
        assert (
            desk.page.evaluate("getComputedStyle(document.querySelector('.bar')).backgroundColor") == ground
        ) is (scheme == "light")


def test_it_fits_a_phone(browser: Browser, address: str) -> None:
    """On a narrow screen nothing sticks out sideways, and a tap chooses a defect."""
    phone = {
        "viewport": {"width": 375, "height": 740},
        "device_scale_factor": 2,
        "has_touch": True,
        "is_mobile": True,
    }
    with browser.new_context(**phone) as window, Desk.opened(window.new_page(), address) as desk:  # type: ignore[arg-type]
        page = desk.visit().page
        assert page.evaluate("document.documentElement.scrollWidth") <= 375
        page.tap("#sample")
        page.wait_for_selector("tbody tr")
        assert page.evaluate("document.documentElement.scrollWidth") <= 375
        pressed = page.locator(".tool:visible, .bar button:not(.pill)")
        small = pressed.evaluate_all(
            "all => all.filter((each) => Math.min(each.offsetWidth, each.offsetHeight) < 36).length"
        )
        assert small == 0
        page.tap("tbody tr")
        expect(page.locator(".details-title")).to_be_visible()
        size = page.evaluate(
            "[document.getElementById('stage-canvas').width, document.getElementById('stage-canvas').clientWidth]"
        )
        assert size[0] == 2 * size[1]  # as many pixels as the screen has


def test_it_works_behind_a_prefix(tab: Page) -> None:
    """Behind a proxy that serves it below a path of its own, files, sample and detections all come."""
    app = create_app(warm_service(), 0.3)

    async def proxy(scope: Scope, receive: Receive, send: Send) -> None:
        inner: ASGIApp = app
        if scope["type"] == "http":
            assert scope["path"].startswith("/bridges/seven/")
            scope = {**scope, "path": scope["path"][len("/bridges/seven") :]}
        await inner(scope, receive, send)

    with on_uvicorn(proxy) as url, Desk.opened(tab, f"{url}/bridges/seven/") as desk:
        desk.visit().page.click("#sample")
        expect(desk.page.locator('.shot[data-status="done"]')).to_have_count(1)
