from collections.abc import Iterator
from dataclasses import replace

import pytest

from anomaly.storage import Bucket, Target
from tests import buckets


@pytest.fixture(scope="session")
def endpoint_url() -> Iterator[str]:
    """Give the URL of an S3 server on loopback."""
    with buckets.served() as url:
        yield url


@pytest.fixture
def target(endpoint_url: str) -> Target:
    """Give a new bucket on that server."""
    return buckets.new_bucket(endpoint_url)


@pytest.fixture
def bucket(target: Target) -> Bucket:
    """Give that bucket below a prefix."""
    return Bucket(replace(target, prefix="inspections/"))
