"""Take the pictures of the page that the documents show: `python -m samples.screenshot`.

Needs Chromium or Chrome, and playwright. The photos are generated, as the sample is, from other seeds.
"""

import shutil
import socket
import tempfile
import threading
from pathlib import Path

import cv2
import uvicorn
from playwright.sync_api import Page, sync_playwright

from anomaly.bootstrap import build
from anomaly.serving.pod import create_app
from anomaly.settings import Settings
from samples.make import HERE, photograph

DOCS = HERE.parent / "docs" / "page"
PHOTOS = {"wall-1.jpg": 7, "wall-2.jpg": 11, "wall-3.jpg": 19, "wall-4.jpg": 23, "wall-5.jpg": 31}


def main() -> None:
    """Write `light.jpg`, `dark.jpg` and `phone.jpg` to `docs/page/`."""
    service = build(Settings(detector_backend="starter", segmenter_backend="starter"))
    service.start()
    service.wait()
    browser_path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    DOCS.mkdir(parents=True, exist_ok=True)
    with (
        socket.socket() as listening,
        tempfile.TemporaryDirectory() as folder,
        sync_playwright() as playwright,
    ):
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        server = uvicorn.Server(uvicorn.Config(create_app(service, 0.3), log_config=None))
        thread = threading.Thread(target=lambda: server.run(sockets=[listening]))
        thread.start()
        photos = [_written(Path(folder) / name, seed) for name, seed in PHOTOS.items()]
        browser = playwright.chromium.launch(
            executable_path=browser_path, args=["--no-sandbox", "--disable-gpu"]
        )
        address = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        for scheme in ("light", "dark"):
            with browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme=scheme) as window:  # type: ignore[arg-type]
                page = _worked(window.new_page(), address, photos)
                page.screenshot(path=DOCS / f"{scheme}.jpg", type="jpeg", quality=86)
        small = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2}
        with browser.new_context(**small, has_touch=True, is_mobile=True) as window:  # type: ignore[arg-type]
            page = _worked(window.new_page(), address, photos[:1])
            page.screenshot(path=DOCS / "phone.jpg", type="jpeg", quality=84)
        browser.close()
        server.should_exit = True
        thread.join()


def _written(path: Path, seed: int) -> Path:
    image, _ = photograph(seed)
    cv2.imwrite(str(path), image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])
    return path


def _worked(page: Page, address: str, photos: list[Path]) -> Page:
    page.goto(address)
    page.wait_for_selector('.dot[data-state="ready"]')
    page.set_input_files("#files", photos)
    page.wait_for_function(
        "count => document.querySelectorAll('.shot[data-status=done]').length === count", arg=len(photos)
    )
    page.locator("tbody tr").first.click()
    page.click('[data-kind="constant"]')
    page.get_by_label("One pixel measures").fill("0.062")
    page.select_option("#standard", "EC2/XC3")
    page.click("#scale button[type=submit]")
    page.wait_for_selector('td[data-column="verdict"] .verdict', state="attached")
    if len(photos) > 1:
        page.get_by_role("button", name="Use for all").click()
        page.click('#scope [data-scope="all"]')
        page.wait_for_function(
            "() => [...document.querySelectorAll('td[data-column=verdict]')].every((each) => each.firstElementChild)"
        )
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    page.wait_for_timeout(500)
    return page


if __name__ == "__main__":
    main()
