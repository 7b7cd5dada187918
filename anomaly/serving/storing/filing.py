"""Keeping answers in object storage: for a while at first, for good once somebody has looked at them.

Below the bucket's own prefix a result is a folder, `temporary/[S3_PREFIX/]ID/`, later `kept/[S3_PREFIX/]ID/`:
`result.json`, and beside it the masks, pictures and tables that it names by their paths in the folder.
"""

import asyncio
import logging
import re
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from anomaly.errors import InvalidRequest, NotFound, StorageError
from anomaly.serving.storing.shelf import Shelf
from anomaly.serving.storing.stowing import TOGETHER, stow
from anomaly.storage import Bucket, Target
from anomaly.wire import answer
from anomaly.wire.options import StorageOptions

TEMPORARY, KEPT = "temporary/", "kept/"

WATCH_S = 3600.0
"""How often what has expired is looked for."""

log = logging.getLogger(__name__)

_IDENTITY = re.compile(r"res_[0-9a-f]{32}")
_OF_RESULT = re.compile(rf"/{_IDENTITY.pattern}/")


class Filing:
    """Files answers in the operator's bucket, or in a caller's own."""

    def __init__(self, shelf: Shelf, keep_s: float = 86_400.0) -> None:
        self._shelf, self._keep_s = shelf, keep_s

    def target(self, asked: StorageOptions, job: Mapping[str, object] | None = None) -> Target:
        """Return where a request's answer is to be kept. Raises `InvalidRequest` where it cannot be."""
        config = asked.s3Config or (job or {}).get("s3Config")
        if isinstance(config, Mapping) and config:
            named = {"bucketName": asked.s3_bucket} if asked.s3_bucket is not None else {}
            place = self._shelf.place({"s3Config": {**config, **named}})
        else:
            place = self._shelf.place({})
            if place is not None and asked.s3_bucket not in (None, place.bucket):
                raise InvalidRequest(
                    f"s3_bucket {asked.s3_bucket!r} is not this server's; give s3Config with a key for it"
                )
        if place is None:
            raise InvalidRequest("this server has no bucket; give s3Config, or leave store out")
        return place

    async def file(self, rendered: Any, target: Target, prefix: str | None) -> Any:
        """Keep an answer, as `answer` renders it, and return it with links in place of what is large.

        Raises `StorageError`, and `UrlRefused` for a caller's storage at a private address.
        """
        bucket = await self._shelf.open(target)
        # On a thread of its own: the network may take its time, and decoding is not to wait for it.
        return await asyncio.to_thread(_file, rendered, bucket, f"res_{uuid.uuid4().hex}", _folder(prefix))

    async def find(self, identity: str, asked: StorageOptions) -> dict[str, object]:
        """Say where a result is, with new links. Raises `NotFound`."""
        bucket = await self._shelf.open(self.target(asked))
        return await asyncio.to_thread(_found, bucket, _checked(identity), _folder(asked.s3_prefix))

    async def keep(self, identity: str, asked: StorageOptions) -> dict[str, object]:
        """Move a result to where nothing expires, and say where it is; safe to call twice. Raises `NotFound`."""
        bucket = await self._shelf.open(self.target(asked))
        return await asyncio.to_thread(_kept, bucket, _checked(identity), _folder(asked.s3_prefix))

    async def expire(self) -> int:
        """Delete from the operator's bucket what nobody kept for good in `keep_s`; return how many objects."""
        target = self._shelf.place({})
        if target is None:
            return 0
        return await asyncio.to_thread(_expired, await self._shelf.open(target), time.time() - self._keep_s)

    async def watch(self) -> None:
        """Let what is old expire, for as long as the server runs."""
        while self._shelf.place({}) is not None:
            try:
                if gone := await self.expire():
                    log.info("%d objects of results that nobody kept have expired", gone)
            except StorageError as error:
                log.warning("results could not expire: %s", error)
            except Exception:
                log.exception("results could not expire")
            await asyncio.sleep(WATCH_S)


def _file(rendered: Any, bucket: Bucket, identity: str, prefix: str) -> Any:
    folder = f"{TEMPORARY}{prefix}{identity}/"
    links = _Links(bucket)
    stow(rendered, links, folder.rstrip("/"))  # type: ignore[arg-type]  # writes and links as a bucket does
    # In the bucket the parts go by their paths, which hold wherever the folder goes.
    bare = _with(rendered, {link: key.removeprefix(folder) for key, link in links.made.items()})
    bucket.put(f"{folder}result.json", answer.to_json(bare), "application/json")
    links.link(f"{folder}result.json")
    rendered["stored"] = _told(bucket, identity, folder, links.made)
    return rendered


class _Links:
    """A bucket that remembers its links."""

    def __init__(self, bucket: Bucket) -> None:
        self.put = bucket.put
        self._bucket = bucket
        self.made: dict[str, str] = {}

    def link(self, key: str) -> str:
        self.made[key] = self._bucket.link(key)
        return self.made[key]


def _with(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _with(each, names) for key, each in value.items()}
    if isinstance(value, list):
        return [_with(each, names) for each in value]
    return names.get(value, value) if isinstance(value, str) else value


def _told(bucket: Bucket, identity: str, folder: str, links: Mapping[str, str]) -> dict[str, object]:
    return {
        "result_id": identity,
        "bucket": bucket.target.bucket,
        "prefix": bucket.target.prefix + folder,
        "kept": folder.startswith(KEPT),
        "links": {key.removeprefix(folder): link for key, link in sorted(links.items())},
    }


def _found(bucket: Bucket, identity: str, prefix: str) -> dict[str, object]:
    for state in (KEPT, TEMPORARY):
        folder = f"{state}{prefix}{identity}/"
        keys = [each.key for each in bucket.list(folder)]
        if f"{folder}result.json" in keys:
            return _told(bucket, identity, folder, {key: bucket.link(key) for key in keys})
    raise NotFound(
        f"there is no result {identity}, or it has expired; one that was stored with s3_prefix is asked for with it"
    )


def _kept(bucket: Bucket, identity: str, prefix: str) -> dict[str, object]:
    before, after = f"{TEMPORARY}{prefix}{identity}/", f"{KEPT}{prefix}{identity}/"
    keys = [each.key for each in bucket.list(before)]
    # The result itself comes last: until it is there, a call that broke off is simply made again.
    parts = [key for key in keys if key != f"{before}result.json"]
    with ThreadPoolExecutor(TOGETHER, thread_name_prefix="storage") as threads:
        for moving in [threads.submit(bucket.move, key, after + key.removeprefix(before)) for key in parts]:
            moving.result()
    if len(parts) < len(keys):
        bucket.move(f"{before}result.json", f"{after}result.json")
    return _found(bucket, identity, prefix)


def _expired(bucket: Bucket, before: float) -> int:
    # Nothing else that lies in a folder of this name is the server's to delete.
    old = [
        each.key
        for each in bucket.list(TEMPORARY)
        if each.modified_at.timestamp() < before and _OF_RESULT.search(each.key)
    ]
    for key in old:
        bucket.delete(key)
    return len(old)


def _checked(identity: str) -> str:
    if not _IDENTITY.fullmatch(identity):
        raise NotFound(f"{identity[:80]!r} is no result's id; it stands in the answer as stored.result_id")
    return identity


def _folder(prefix: str | None) -> str:
    return f"{prefix.strip('/')}/" if prefix else ""
