"""The photographs that are sent, and the bytes of the requests that carry them. The same for every server."""

from dataclasses import dataclass

import cv2
import numpy as np
import orjson
import pybase64

BOUNDARY = "benchmark"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of request: `width` x `height` pixels as a JPEG, as a form's file or as base64 in JSON."""

    name: str
    width: int
    height: int
    form: bool


KINDS = (Kind("VGA upload", 640, 480, form=True), Kind("1080p base64", 1920, 1080, form=False))


def photograph(width: int, height: int) -> bytes:
    """Return a JPEG of quality 90 that looks like nothing and compresses like a photograph of concrete."""
    rng = np.random.default_rng(0)
    image = np.full((height, width, 3), 128, np.float32)
    for sigma, strength in ((1.5, 40), (8, 200), (40, 900)):
        noise = rng.normal(0, 1, (height, width, 1)).astype(np.float32)
        image += strength * cv2.GaussianBlur(noise, (0, 0), sigma)[:, :, None]
    pixels = np.clip(image, 0, 255).astype(np.uint8)
    encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 90])[1]
    return encoded.tobytes()


def http(path: str, content_type: str, body: bytes) -> bytes:
    """Return a whole POST over a connection that is kept alive."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {content_type}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def request(kind: Kind, path: str) -> bytes:
    """Return the request of `kind` to `path`."""
    photo = photograph(kind.width, kind.height)
    if not kind.form:
        return http(path, "application/json", orjson.dumps({"image": pybase64.b64encode(photo).decode()}))
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n'
    body = f"{head}Content-Type: image/jpeg\r\n\r\n".encode() + photo + f"\r\n--{BOUNDARY}--\r\n".encode()
    return http(path, f"multipart/form-data; boundary={BOUNDARY}", body)
