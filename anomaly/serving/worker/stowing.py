"""Moving the large parts of an answer into a bucket, with signed links in their place."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pybase64

from anomaly.storage import Bucket
from anomaly.wire import answer

TOGETHER = 8
"""Objects written at once."""

# How files of these kinds begin.
_PICTURES = {
    b"\x89PNG": ("png", "image/png"),
    b"\xff\xd8": ("jpg", "image/jpeg"),
    b"RIFF": ("webp", "image/webp"),
}

Put = tuple[str, bytes, str]
"""An object to write: its key, its bytes, its content type."""


def stow(rendered: Any, bucket: Bucket, folder: str) -> Any:
    """Write the masks and pictures of an answer into `bucket` below `folder`; return it with links to them.

    `rendered` is one photograph's answer, a batch's, or a list of them; it is changed. Of each photograph the
    masks become one object, `FOLDER/NUMBER/masks.json`, which maps the ids of anomalies and structures to
    their masks in the format asked for; its link stands as `masks_url` in the photograph's answer. A picture
    of `debug_images` becomes a file of its own, its link under the same name in `debug_image_urls`. Raises
    `StorageError`.
    """
    puts = [
        each for number, photo in enumerate(_photos(rendered)) for each in _taken(photo, f"{folder}/{number}")
    ]
    with ThreadPoolExecutor(TOGETHER, thread_name_prefix="storage") as threads:
        for _ in threads.map(lambda each: bucket.put(each[0], each[1], each[2]), (put for put, _ in puts)):
            pass
    for (key, _, _), told in puts:
        told(bucket.link(key))
    return rendered


def _photos(rendered: Any) -> list[dict[str, Any]]:
    if isinstance(rendered, list):
        return rendered
    return list(rendered["results"]) if "results" in rendered else [rendered]


def _taken(photo: dict[str, Any], folder: str) -> Iterator[tuple[Put, Callable[[str], None]]]:
    """Take what is large out of one photograph's answer; yield it as objects, each with where its link goes."""
    masks = {
        each[name]: each.pop("mask")
        for kind, name in (("anomalies", "anomaly_id"), ("structures", "structure_id"))
        for each in photo.get(kind, ())
        if "mask" in each
    }
    if masks:
        key = f"{folder}/masks.json"
        yield (key, answer.to_json(masks), "application/json"), _teller(photo, "masks_url")
    pictures: dict[str, str] = photo.pop("debug_images", None) or {}
    urls: dict[str, str] = {}
    if pictures:
        photo["debug_image_urls"] = urls
    for name, text in pictures.items():
        data = pybase64.b64decode(text)
        ending, content_type = next(
            (kind for head, kind in _PICTURES.items() if data.startswith(head)),
            ("bin", "application/octet-stream"),
        )
        yield (f"{folder}/{name}.{ending}", data, content_type), _teller(urls, name)


def _teller(into: dict[str, Any], name: str) -> Callable[[str], None]:
    def told(url: str) -> None:
        into[name] = url

    return told
