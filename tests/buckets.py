"""Buckets on a real S3 server, on loopback."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager

import boto3
from moto.server import ThreadedMotoServer

from anomaly.storage import Target

SECRET = "a-secret-that-nobody-may-see"  # noqa: S105 - no server knows it

_names = map("bucket-{}".format, itertools.count())


@contextmanager
def served() -> Iterator[str]:
    """Run an S3 server and give its URL."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def new_bucket(endpoint_url: str) -> Target:
    """Make an empty bucket there."""
    target = Target(endpoint_url, "the-id-of-a-key", SECRET, next(_names))
    client = boto3.client(
        "s3",
        endpoint_url=endpoint_url,
        aws_access_key_id=target.access_key_id,
        aws_secret_access_key=target.secret_access_key,
        region_name="us-east-1",
    )
    client.create_bucket(Bucket=target.bucket)
    client.close()
    return target
