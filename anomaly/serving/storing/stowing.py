"""Moving the large parts of an answer into a bucket, with signed links in their place."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class _Part:
    """What is taken out of an answer: an object to write, and where in the answer its link goes."""

    key: str
    data: bytes
    content_type: str
    into: dict[str, Any]
    name: str


def stow(rendered: Any, bucket: Bucket, folder: str) -> Any:
    """Write the masks, pictures and reports of an answer into `bucket`; return it with links to them.

    `rendered` is one photograph's answer, a batch's, or a list of them; it is changed. Of each photograph the
    masks become one object, `FOLDER/NUMBER/masks.json`, which maps the ids of anomalies and structures to
    their masks in the format asked for; its link stands as `masks_url` in the photograph's answer. A picture
    of `debug_images` becomes a file of its own, its link under the same name in `debug_image_urls`. `csv_data`
    and `coco` become files, with their links as `csv_url` and `coco_url` where they stood. Raises
    `StorageError`.
    """
    parts = [
        part for number, photo in enumerate(_photos(rendered)) for part in _taken(photo, f"{folder}/{number}")
    ]
    if isinstance(rendered, dict):
        parts += _reports(rendered, folder)
    with ThreadPoolExecutor(TOGETHER, thread_name_prefix="storage") as threads:
        for writing in [threads.submit(bucket.put, each.key, each.data, each.content_type) for each in parts]:
            writing.result()
    for each in parts:
        each.into[each.name] = bucket.link(each.key)
    return rendered


def _photos(rendered: Any) -> list[dict[str, Any]]:
    if isinstance(rendered, list):
        return rendered
    return list(rendered["results"]) if "results" in rendered else [rendered]


def _taken(photo: dict[str, Any], folder: str) -> Iterator[_Part]:
    masks = {
        each[name]: each.pop("mask")
        for kind, name in (("anomalies", "anomaly_id"), ("structures", "structure_id"))
        for each in photo.get(kind, ())
        if "mask" in each
    }
    if masks:
        data = answer.to_json(masks)
        yield _Part(f"{folder}/masks.json", data, "application/json", photo, "masks_url")
    if pictures := photo.pop("debug_images", None):
        photo["debug_image_urls"] = {}
        for name, text in pictures.items():
            data = pybase64.b64decode(text)
            ending, content_type = next(kind for head, kind in _PICTURES.items() if data.startswith(head))
            yield _Part(f"{folder}/{name}.{ending}", data, content_type, photo["debug_image_urls"], name)
    yield from _reports(photo, folder)


def _reports(holder: dict[str, Any], folder: str) -> Iterator[_Part]:
    if "csv_data" in holder:
        data = holder.pop("csv_data").encode()
        yield _Part(f"{folder}/findings.csv", data, "text/csv; charset=utf-8", holder, "csv_url")
    if "coco" in holder:
        data = answer.to_json(holder.pop("coco"))
        yield _Part(f"{folder}/coco.json", data, "application/json", holder, "coco_url")
