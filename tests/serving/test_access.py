import hashlib
from collections.abc import Iterator
from itertools import chain

import pytest
from openapi_spec_validator import validate
from starlette.testclient import TestClient

from anomaly.keys import Keyring
from anomaly.service import Service
from anomaly.serving.pod import Access, create_app
from anomaly.serving.pod.access import OPEN
from tests.pictures import base64_of, encoded
from tests.services import warm_service

KEY, OTHER = "correct-horse-battery", "staple-staple-staple"
PHOTO = {"image": base64_of(encoded())}


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """Give one warm service to every application of this file."""
    service = warm_service()
    yield service
    service.close()


def client(service: Service, keys: str | None = None, **access: str) -> TestClient:
    """Return a client of an application with these rules."""
    keyring = None if keys is None else Keyring.read(keys)
    rules = Access.read(keyring, access.get("rate_limit"), access.get("origins"))
    return TestClient(create_app(service, 0.3, rules))


@pytest.mark.parametrize(
    "headers",
    [
        {"X-API-Key": KEY},
        {"Authorization": f"Bearer {KEY}"},
        {"authorization": f"bearer  {KEY} "},
        {"X-API-Key": OTHER},
    ],
)
def test_each_key_opens_the_server(service: Service, headers: dict[str, str]) -> None:
    """Several keys open, given in either header, kept in clear or as a digest."""
    digest = hashlib.sha256(OTHER.encode()).hexdigest()
    assert client(service, f"{KEY}, sha256:{digest}").post("/detect", json=PHOTO, headers=headers).is_success


@pytest.mark.parametrize(
    "headers", [{}, {"X-API-Key": "wrong"}, {"Authorization": f"Basic {KEY}"}, {"Authorization": "Bearer"}]
)
@pytest.mark.parametrize("path", ["/detect", "/info", "/docs/x", "/health/x", "/no-such"])
def test_without_a_key_all_else_is_closed(service: Service, path: str, headers: dict[str, str]) -> None:
    """No key and a wrong one are refused with 401, whatever the path, and told how to send one."""
    answer = client(service, KEY).post(path, json=PHOTO, headers=headers)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "unauthorized"
    assert answer.headers["www-authenticate"] == "Bearer"


def test_health_asks_for_no_key(service: Service) -> None:
    """A load balancer has no key."""
    assert client(service, KEY).get("/health").status_code == 200


def test_the_document_is_open_and_says_how_a_key_is_sent(service: Service) -> None:
    """Who opens /docs in a browser can give the key there; what asks for none is not marked."""
    pod = client(service, KEY)
    for path in ("/docs", "/docs/files/swagger-ui.css"):
        assert pod.get(path).status_code == 200
    document = pod.get("/openapi.json").json()
    validate(document)
    schemes = document["components"]["securitySchemes"].items()
    ways = {(each["type"], each.get("name") or each["scheme"]): [{name: []}] for name, each in schemes}
    assert set(ways) == {("apiKey", "X-API-Key"), ("http", "bearer")}
    for path, methods in document["paths"].items():
        for operation in methods.values():
            assert operation.get("security", []) == ([] if path in OPEN else [*chain(*ways.values())]), path
    assert "securitySchemes" not in client(service, None).get("/openapi.json").json()["components"]


def test_the_limit_holds_for_each_key_alone(service: Service) -> None:
    """Who came too often waits; another key does not."""
    pod = client(service, f"{KEY},{OTHER}", rate_limit="2/minute;100/day")
    answers = [pod.get("/info", headers={"X-API-Key": KEY}) for _ in range(3)]
    assert [each.status_code for each in answers] == [200, 200, 429]
    assert [each.headers["x-ratelimit-remaining"] for each in answers] == ["1", "0", "0"]
    assert answers[2].json()["error"]["code"] == "rate_limited"
    assert 0 < int(answers[2].headers["retry-after"]) <= 60
    assert pod.get("/info", headers={"X-API-Key": OTHER}).status_code == 200


def test_without_keys_the_limit_is_of_the_address(service: Service) -> None:
    """Where everyone may come in, each address has its limit, and health has none."""
    pod = client(service, rate_limit="1/hour")
    assert [pod.get("/info").status_code for _ in range(2)] == [200, 429]
    assert [pod.get("/health").status_code for _ in range(3)] == [200] * 3


def test_a_page_elsewhere_may_call_where_its_origin_is_listed(service: Service) -> None:
    """A browser asks without a key, is told yes for a listed origin only, and can read a refusal."""
    pod = client(service, KEY, origins="https://app.example/, https://b.example")
    asking = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
    assert pod.options("/detect", headers=asking).headers["access-control-allow-origin"] == asking["Origin"]
    assert pod.options("/detect", headers={**asking, "Origin": "https://evil.example"}).status_code == 400
    refused = pod.post("/detect", json=PHOTO, headers={"Origin": "https://app.example"})
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == "https://app.example"


def test_without_a_list_no_page_elsewhere_may_call(service: Service) -> None:
    """The default answers no origin."""
    assert (
        "access-control-allow-origin"
        not in client(service).get("/info", headers={"Origin": "https://a"}).headers
    )


@pytest.mark.parametrize(("sent", "kept"), [("job-7/a", True), ("bad id\t", False), ("x" * 129, False)])
def test_each_answer_has_a_request_id(service: Service, sent: str, kept: bool) -> None:
    """A sound id comes back, any other is replaced: it stands in the log."""
    answered = client(service).get("/info", headers={"X-Request-ID": sent}).headers["x-request-id"]
    assert (answered == sent) is kept
    assert answered


def test_what_one_limit_refuses_uses_up_no_other(service: Service) -> None:
    """Who tries too soon does not lose the day by it."""
    pod = client(service, rate_limit="1/minute;5/day")
    assert pod.get("/info").status_code == 200
    for _ in range(10):
        assert "5 per 1 day" not in pod.get("/info").json()["error"]["message"]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("192.0.2.1", "192.0.2.2", False),
    ],
)
def test_a_caller_is_one_however_many_addresses_it_has(
    service: Service, one: str, other: str, same: bool
) -> None:
    """A customer's IPv6 network has 2**64 addresses, which are one caller's."""
    app = create_app(service, 0.3, Access.read(None, "1/hour", None))
    seen = [TestClient(app, client=(each, 5)).get("/info").status_code for each in (one, other)]
    assert seen == [200, 429 if same else 200]
