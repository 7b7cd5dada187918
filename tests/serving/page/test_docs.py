"""The interface at /docs, in a browser that reaches no other server."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Request, expect

from anomaly.keys import Keyring
from anomaly.serving.pod import Access, create_app
from tests.listener import on_uvicorn
from tests.services import warm_service


@pytest.fixture
def asked(tab: Page) -> Iterator[list[str]]:
    """Give the addresses that the tab asks for meanwhile, and what went wrong on its page."""
    heard: list[str] = []

    def request(request: Request) -> None:
        heard.append(request.url)

    tab.on("request", request)
    yield heard
    tab.remove_listener("request", request)


def test_docs_are_drawn_from_this_server_alone(tab: Page, address: str, asked: list[str]) -> None:
    """Every endpoint is drawn, though nothing but this server can be asked."""
    errors: list[str] = []
    tab.on("pageerror", lambda error: errors.append(str(error)))
    tab.goto(f"{address}docs")
    expect(tab.locator(".opblock-summary-path", has_text=re.compile(r"^/detect$"))).to_be_visible()
    assert tab.locator(".info .title").inner_text().startswith("Anomaly server")
    assert tab.evaluate("getComputedStyle(document.querySelector('.opblock')).borderTopStyle") == "solid"
    assert {f"{address}docs/files/swagger-ui-bundle.js", f"{address}openapi.json"} <= set(asked)
    assert [each for each in asked if not each.startswith((address, "data:"))] == []
    assert errors == []


def test_docs_ask_this_server_for_an_example(tab: Page, address: str) -> None:
    """The example of /detect, tried out, is answered."""
    tab.goto(f"{address}docs")
    tab.locator("#operations-detect-detect_detect_post .opblock-summary").click()
    tab.get_by_role("button", name="Try it out").click()
    with tab.expect_response(f"{address}detect*") as answer:
        tab.get_by_role("button", name="Execute").click()
    assert answer.value.status == 200, answer.value.text()
    assert answer.value.json()["frame_id"] == "span-3/017"


def test_docs_of_a_locked_server_take_its_key(tab: Page) -> None:
    """They open without it; what is tried out there is refused until the key is given, in either way."""
    access = Access(keyring=Keyring.read("the-right-key-of-this-server"))
    with on_uvicorn(create_app(warm_service(), 0.5, access)) as url:
        tab.goto(f"{url}/docs")
        tab.locator("#operations-status-info_info_get .opblock-summary").click()
        tab.get_by_role("button", name="Try it out").click()

        def asked() -> int:
            with tab.expect_response(f"{url}/info") as answer:
                tab.get_by_role("button", name="Execute").click()
            return answer.value.status

        assert asked() == 401
        for number in range(2):
            tab.locator(".auth-wrapper .btn.authorize").first.click()
            way = tab.locator(".auth-container").nth(number)
            way.locator("input").fill("the-right-key-of-this-server")
            way.get_by_role("button", name="Apply credentials").click()
            way.get_by_role("button", name="Close").click()
            assert asked() == 200
            tab.locator(".auth-wrapper .btn.authorize").first.click()
            way.get_by_role("button", name=re.compile("Remove authorization|Logout")).click()
            way.get_by_role("button", name="Close").click()
            assert asked() == 401
