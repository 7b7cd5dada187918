from collections.abc import Iterator

import pytest

from tests.serving.endpoint import Endpoint, served


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    """Give one endpoint with its worker to all files: starting the SDK costs seconds."""
    with served(tmp_path_factory.mktemp("worker") / "log") as endpoint:
        yield endpoint
