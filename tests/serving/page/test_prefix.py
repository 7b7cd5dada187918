"""The page below a path, as behind a proxy."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from anomaly.serving.pod import create_app
from tests.listener import on_uvicorn
from tests.services import warm_service
from tests.serving.page.desk import Desk


@pytest.fixture(scope="module")
def below() -> Iterator[str]:
    """Give the address of a server that stands below a path."""
    with on_uvicorn(create_app(warm_service(), 0.5, root_path="/tools/anomaly")) as url:
        yield f"{url}/tools/anomaly/"


def test_the_page_works_below_a_path(tab: Page, below: str) -> None:
    """A photo is looked at, and nothing outside of the path is asked for."""
    with Desk.opened(tab, below) as desk:
        assert desk.visit().drop()["anomaly_count"] > 0


def test_docs_work_below_a_path(tab: Page, below: str) -> None:
    """The interface is drawn, and its example is sent below the path."""
    with Desk.opened(tab, below):
        tab.goto(f"{below}docs")
        expect(tab.locator(".opblock-summary-path", has_text=re.compile(r"^/detect$"))).to_be_visible()
        tab.locator("#operations-detect-detect_detect_post .opblock-summary").click()
        tab.get_by_role("button", name="Try it out").click()
        with tab.expect_response(f"{below}detect?*") as answer:
            tab.get_by_role("button", name="Execute").click()
        assert answer.value.status == 200
