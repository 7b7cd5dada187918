from collections.abc import Iterator
from dataclasses import replace

import boto3
import pytest
from moto.server import ThreadedMotoServer

from anomaly.storage import Bucket, Target

SECRET = "a-secret-that-nobody-may-see"  # noqa: S105 - no server knows it


@pytest.fixture(scope="session")
def endpoint_url() -> Iterator[str]:
    """Give the URL of an S3 server on loopback."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def target(endpoint_url: str, request: pytest.FixtureRequest) -> Target:
    """Give a new bucket on that server."""
    target = Target(endpoint_url, "the-id-of-a-key", SECRET, f"bucket-{abs(hash(request.node.nodeid))}")
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


@pytest.fixture
def bucket(target: Target) -> Bucket:
    """Give that bucket below a prefix."""
    return Bucket(replace(target, prefix="inspections/"))
