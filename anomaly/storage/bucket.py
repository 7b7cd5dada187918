"""One bucket: put, get, link, move, list and delete objects. Threads may share it; it blocks its caller."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from anomaly.errors import StorageError
from anomaly.outbound import Permits
from anomaly.storage.failures import translated
from anomaly.storage.guard import guard
from anomaly.storage.target import Target

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client  # types only, of the development install

LINK_S = 7 * 24 * 3600
"""How long a link holds unless told otherwise, seconds."""

MOST_LINK_S = 7 * 24 * 3600
"""Signature version 4 knows no longer one."""

CONNECT_S, READ_S, TRIES = 5, 30, 4
"""For one try each; botocore tries again, with its own backoff, what may succeed later."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An object as `list` tells of it; `key` is without the target's prefix."""

    key: str
    size_bytes: int
    modified_at: datetime


class Bucket:
    """The objects below a target's prefix; every key here is without it.

    With `permits` it is connected to such addresses only, whatever its name stands for by then.

    Every method may raise `StorageUnavailable`, `StorageDenied`, `StorageMissing`, or `StorageError` for
    what is none of these.
    """

    def __init__(self, target: Target, permits: Permits | None = None) -> None:
        self.target = target
        self._client = _open(target)
        if permits is not None:
            guard(self._client, permits)

    def put(self, key: str, data: bytes, content_type: str) -> None:
        """Write an object, in place of one that has this key already."""
        with translated("writing an object", self.target.host):
            self._client.put_object(**self._object(key), Body=data, ContentType=content_type)

    def get(self, key: str, most_bytes: int) -> bytes:
        """Read an object. Raises `StorageError` where it has more than `most_bytes`."""
        with translated("reading an object", self.target.host):
            answer = self._client.get_object(**self._object(key))
            with answer["Body"] as body:
                if answer["ContentLength"] > most_bytes:
                    raise StorageError(
                        f"the object has {answer['ContentLength']} bytes and the limit is {most_bytes}"
                    )
                return body.read()

    def link(self, key: str, expires_s: int = LINK_S) -> str:
        """Return a URL that reads the object without a key, for `expires_s` seconds (1..604800)."""
        return self._signed("get_object", self._object(key), expires_s)

    def upload_link(self, key: str, content_type: str, expires_s: int = 3600) -> str:
        """Return a URL to which anybody may PUT the object's bytes, with this content type as their header."""
        return self._signed("put_object", {**self._object(key), "ContentType": content_type}, expires_s)

    def copy(self, key: str, to: str) -> None:
        """Copy an object, its content type with it, in place of one that has the key `to` already."""
        with translated("copying an object", self.target.host):
            self._client.copy_object(**self._object(to), CopySource=self._object(key))

    def move(self, key: str, to: str) -> None:
        """Copy an object, then delete it under its old key. Links to the old key end."""
        self.copy(key, to)
        self.delete(key)

    def delete(self, key: str) -> None:
        """Delete an object; one that is not there is no failure."""
        with translated("deleting an object", self.target.host):
            self._client.delete_object(**self._object(key))

    def list(self, under: str = "") -> Iterator[Entry]:
        """Yield the objects whose keys begin with `under`, in the order of their keys, as they are read."""
        with translated("listing the bucket", self.target.host):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self.target.bucket, Prefix=self.target.prefix + under
            )
            for page in pages:
                for each in page.get("Contents", ()):
                    key = each["Key"].removeprefix(self.target.prefix)
                    yield Entry(key, each["Size"], each["LastModified"])

    def _object(self, key: str) -> Any:
        return {"Bucket": self.target.bucket, "Key": self.target.prefix + key}

    def _signed(self, method: Any, what: Any, expires_s: int) -> str:
        if not 1 <= expires_s <= MOST_LINK_S:
            raise ValueError(f"a link holds 1 to {MOST_LINK_S} s, not {expires_s}")
        with translated("signing a link", self.target.host):
            return self._client.generate_presigned_url(method, Params=what, ExpiresIn=expires_s)


def _open(target: Target) -> "S3Client":
    import boto3  # costs 0.4 s, and most workers never need it
    from botocore.config import Config

    # At DEBUG these write requests out, with the key's id, signatures and links.
    for name in ("boto3", "botocore", "s3transfer", "urllib3"):
        logger = logging.getLogger(name)
        logger.setLevel(max(logger.level, logging.INFO))
    # Amazon wants the bucket in the host name, the others understand it in the path at least.
    style: Any = "virtual" if target.host.endswith((".amazonaws.com", ".amazonaws.com.cn")) else "path"
    with translated("opening the storage", target.host):
        return boto3.session.Session().client(
            "s3",
            endpoint_url=target.endpoint_url,
            aws_access_key_id=target.access_key_id,
            aws_secret_access_key=target.secret_access_key,
            region_name=target.signing_region,
            config=Config(
                signature_version="s3v4",
                s3={"addressing_style": style},
                connect_timeout=CONNECT_S,
                read_timeout=READ_S,
                retries={"mode": "standard", "total_max_attempts": TRIES},
                # Newer checksums by default are refused by servers that do not know them.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )
