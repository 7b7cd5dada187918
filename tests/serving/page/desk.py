"""The page in a browser's window, and what people do with it."""

import base64
import io
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import ConsoleMessage, Page, Request

SAMPLE = Path(__file__).parents[3] / "samples" / "crack.jpg"

Pixels = NDArray[np.int16]
"""(H, W, 3): RGB, wide enough to subtract."""

_DROP = """([name, type, data]) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, { type }));
  for (const kind of ["dragenter", "dragover", "drop"]) {
    document.body.dispatchEvent(new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true }));
  }
}"""


@dataclass
class Desk:
    """A window with the page in it. `asked` are the requests for detections, `errors` what went wrong."""

    page: Page
    address: str
    asked: list[Request] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @classmethod
    @contextmanager
    def opened(cls, tab: Page, address: str) -> Iterator["Desk"]:
        """Take a tab; when it is left, its page must have had no error and asked no other server."""
        desk = cls(tab, address)
        heard = {"console": desk._console, "pageerror": desk._error, "request": desk._request}
        for event, listener in heard.items():
            tab.on(event, listener)  # type: ignore[call-overload]
        yield desk
        for event, listener in heard.items():
            tab.remove_listener(event, listener)
        tab.unroute_all()
        assert desk.errors == []
        assert desk.elsewhere == []

    def visit(self) -> Self:
        """Load the page and wait until it has heard of the server."""
        self.page.mouse.move(0, 0)
        self.page.goto(self.address)
        self.page.wait_for_selector('#server .dot:not([data-state="unknown"])')
        return self

    def _error(self, error: Exception) -> None:
        self.errors.append(str(error))

    def _console(self, message: ConsoleMessage) -> None:
        # A refused request is told on the console too, and is what some tests are about.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.errors.append(message.text)

    def _request(self, request: Request) -> None:
        if "/detect?" in request.url:
            self.asked.append(request)
        if not request.url.startswith((self.address, "blob:")):
            self.elsewhere.append(request.url)

    def drop(self, path: Path = SAMPLE, name: str | None = None) -> dict[str, Any]:
        """Drop a photo onto the page, wait until it is done, and return the server's answer."""
        data = base64.b64encode(path.read_bytes()).decode()
        with self.page.expect_response(lambda response: "/detect?" in response.url) as answer:
            self.page.evaluate(_DROP, [name or path.name, "image/jpeg", data])
        found: dict[str, Any] = answer.value.json()
        shown = json.dumps(name or path.name)
        self.page.wait_for_selector(f'.shot[data-name={shown}][data-status="done"]')
        self.wait_drawn()
        return found

    def wait_drawn(self) -> None:
        """Wait until the stage has drawn the photo on it and what was found."""
        self.page.wait_for_selector("#stage-canvas[data-lens]")
        self.page.evaluate(
            "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )

    def rows(self, column: str) -> list[str]:
        """Return the texts of a column of the table."""
        return self.page.locator(f'tbody td[data-column="{column}"]').all_inner_texts()

    def numbers(self, column: str) -> list[float]:
        """Return the numbers of a column of the table."""
        return [float(text.replace("\u202f", "").split()[0].rstrip("°")) for text in self.rows(column)]

    def set_threshold(self, value: float) -> None:
        """Move the slider."""
        self.page.locator("#threshold").fill(str(value))
        self.wait_drawn()

    def layers(self, *shown: str) -> None:
        """Switch on these layers and no other."""
        for button in self.page.locator("[data-layer]:visible").all():
            wanted = button.get_attribute("data-layer") in shown
            if (button.get_attribute("aria-pressed") == "true") is not wanted:
                button.click()
        self.wait_drawn()

    def stage(self) -> Pixels:
        """Return the pixels of the stage."""
        text: str = self.page.evaluate("document.getElementById('stage-canvas').toDataURL()")
        return pixels(base64.b64decode(text.partition(",")[2]))

    def lens(self) -> tuple[float, float, float]:
        """Return the stage's CSS pixels for one of the photo, and where the photo's corner is."""
        lens = json.loads(self.page.locator("#stage-canvas").get_attribute("data-lens") or "")
        return lens["scale"], lens["x"], lens["y"]

    def on_stage(self, x: float, y: float) -> tuple[float, float]:
        """Return where a point of the photo is on the stage, CSS pixels."""
        scale, left, top = self.lens()
        return x * scale + left, y * scale + top

    def point(self, x: float, y: float) -> None:
        """Move the mouse onto a point of the photo."""
        left, top = self.on_stage(x, y)
        place = self.page.locator("#stage-canvas").bounding_box()
        assert place is not None
        self.page.mouse.move(place["x"] + left, place["y"] + top)

    def download(self, name: str) -> bytes:
        """Download in a format and return the file."""
        if not self.page.locator("#download").is_visible():
            self.page.click("#download-open")
        with self.page.expect_download() as download:
            self.page.click(f'[data-format="{name}"]')
        return Path(download.value.path()).read_bytes()


def pixels(data: bytes) -> Pixels:
    """Return the pixels of a picture's file."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(np.int16)


def filled(mask: Sequence[dict[str, Any]], width: int, height: int) -> NDArray[np.bool_]:
    """Return the pixels of a mask of the API's polygons, by testing each pixel's centre."""
    rings = [ring for part in mask for ring in (part["exterior"], *part["holes"])]
    inside = np.zeros((height, width), bool)
    for ring in rings:
        for (x0, y0), (x1, y1) in zip(ring, [*ring[1:], ring[0]], strict=True):
            if y0 == y1:  # below each horizontal edge the inside turns into the outside, and back
                inside[y0:, min(x0, x1) : max(x0, x1)] ^= True
    return inside


def near(region: NDArray[np.bool_], reach: int) -> NDArray[np.bool_]:
    """Return what lies within `reach` pixels of a region."""
    kernel = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    return np.asarray(cv2.dilate(region.astype(np.uint8), kernel)).astype(bool)
