import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from anomaly.serving.pod import create_app
from tests.listener import on_uvicorn
from tests.services import warm_service
from tests.serving.page.desk import Desk

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
_ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Give one browser to all files: starting it costs a second of both cores."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium or Chrome here; `make browser` says how to get one")
    expect.set_options(timeout=20_000)  # other tests may hold the cores meanwhile
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(_ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def address() -> Iterator[str]:
    """Give the address of a server with the fake models, which find nine things on every photo."""
    with on_uvicorn(create_app(warm_service(fake_boxes=9), 0.5)) as url:
        yield f"{url}/"


@pytest.fixture(scope="package")
def tab(browser: Browser) -> Iterator[Page]:
    """Give one tab to all tests: another takes three times as long as loading the page again."""
    with browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="light") as window:
        window.set_default_timeout(20_000)
        tab = window.new_page()
        tab.on("dialog", lambda dialog: dialog.accept())  # a photo on its way asks whether to leave
        yield tab


@pytest.fixture
def desk(tab: Page, address: str) -> Iterator[Desk]:
    """Give the page, loaded anew, which must end without an error or a request elsewhere."""
    with Desk.opened(tab, address) as desk:
        yield desk.visit()
