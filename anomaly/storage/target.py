"""Where objects are kept, and with which key: from a job's `s3Config`, or from the environment."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

from anomaly.errors import ConfigurationError, InvalidRequest

S3_CONFIG = ("endpointUrl", "accessId", "accessSecret", "bucketName")
"""The fields of a RunPod job's `s3Config`, by RunPod's names."""

DEFAULT_REGION = "us-east-1"

# Where a name of the endpoint says the region; the part before it, if any, is the bucket.
_HOSTS = (
    re.compile(r"^(?:(?P<bucket>.+)\.)?s3[.-](?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?$"),
    re.compile(r"^(?:(?P<bucket>.+)\.)?s3\.amazonaws\.com$"),
    re.compile(r"^(?:(?P<bucket>.+)\.)?(?P<region>[a-z0-9-]+)\.digitaloceanspaces\.com$"),
    re.compile(r"^(?:(?P<bucket>.+)\.)?s3\.(?P<region>[a-z0-9-]+)\.backblazeb2\.com$"),
    re.compile(r"^s3api-(?P<region>[a-z0-9-]+)\.runpod\.io$"),
)


@dataclass(frozen=True, slots=True)
class Target:
    """A bucket at an S3-compatible endpoint. Its repr does not show the key.

    `prefix` goes before every key; `region` None is told from the endpoint's name, where that says it.
    """

    endpoint_url: str
    access_key_id: str = field(repr=False)
    secret_access_key: str = field(repr=False)
    bucket: str
    prefix: str = ""
    region: str | None = None

    @property
    def host(self) -> str:
        """The endpoint's host name, for messages."""
        return urlsplit(self.endpoint_url).hostname or ""

    @property
    def signing_region(self) -> str:
        """The region that requests are signed for."""
        return self.region or _named(self.host).get("region") or DEFAULT_REGION


def from_s3_config(config: Mapping[str, object], prefix: str = "") -> Target:
    """Return what a RunPod job's `s3Config` names. Raises `InvalidRequest`, which shows no value of it."""
    for name in S3_CONFIG:
        value = config.get(name)
        if not isinstance(value, str) or not value.strip():
            raise InvalidRequest(
                f"s3Config.{name} is missing or no text; s3Config holds {', '.join(S3_CONFIG)}, as RunPod has them"
            )
    endpoint_url, access_id, access_secret, bucket = (str(config[name]).strip() for name in S3_CONFIG)
    problem = _wrong(endpoint_url)
    if problem:
        raise InvalidRequest(f"s3Config.endpointUrl {problem}")
    endpoint_url, _ = _split(endpoint_url, bucket)
    return Target(endpoint_url, access_id, access_secret, bucket, prefix)


def from_settings(
    endpoint_url: str | None,
    access_key_id: str | None,
    secret_access_key: str | None,
    bucket: str | None,
    prefix: str | None,
    region: str | None,
) -> Target | None:
    """Return what the environment names, None where it names no endpoint and no key.

    RunPod's guides give the bucket as a part of `BUCKET_ENDPOINT_URL` (`https://name.s3.eu-west-1.amazonaws.com`,
    or as its path); `S3_BUCKET` names it apart. Raises `ConfigurationError` for half a configuration.
    """
    given = {
        "BUCKET_ENDPOINT_URL": endpoint_url,
        "BUCKET_ACCESS_KEY_ID": access_key_id,
        "BUCKET_SECRET_ACCESS_KEY": secret_access_key,
    }
    if not any(given.values()):
        return None
    missing = [name for name, value in given.items() if not value]
    if not (endpoint_url and access_key_id and secret_access_key):
        raise ConfigurationError(
            f"{' and '.join(missing)} not set; object storage needs {', '.join(given)}, or none of them"
        )
    problem = _wrong(endpoint_url)
    if problem:
        raise ConfigurationError(f"BUCKET_ENDPOINT_URL {problem}")
    endpoint_url, found = _split(endpoint_url, bucket)
    if not found:
        raise ConfigurationError(
            "S3_BUCKET is not set, and BUCKET_ENDPOINT_URL names no bucket; set S3_BUCKET to the bucket's name"
        )
    return Target(endpoint_url, access_key_id, secret_access_key, found, _as_folder(prefix or ""), region)


def _wrong(endpoint_url: str) -> str | None:
    """Return what is wrong with an endpoint's URL, None where nothing is."""
    try:
        parts = urlsplit(endpoint_url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, None
    if parts is None or parts.scheme not in ("http", "https") or not host:
        return "is no URL of a server; give one such as https://s3.eu-west-1.amazonaws.com"
    if parts.username or parts.password or parts.query or parts.fragment:
        return "holds more than a server's address; leave out what stands before @ and after ? or #"
    return None


def _split(endpoint_url: str, bucket: str | None) -> tuple[str, str | None]:
    """Return the endpoint's own URL and the bucket's name: `bucket`, else the one that the URL holds."""
    parts = urlsplit(endpoint_url)
    host, port = parts.hostname or "", f":{parts.port}" if parts.port else ""
    first, _, rest = parts.path.strip("/").partition("/")
    held = _named(host).get("bucket")
    if bucket and host.startswith(f"{bucket}."):
        held = bucket
    if held and bucket in (None, held):
        host = host.removeprefix(f"{held}.")
    path = parts.path.rstrip("/")
    if not held and first and not rest and bucket in (None, first):
        held, path = first, ""
    if ":" in host:
        host = f"[{host}]"
    return urlunsplit((parts.scheme, host + port, path, "", "")), bucket or held


def _named(host: str) -> dict[str, str]:
    found = next((match for each in _HOSTS if (match := each.match(host))), None)
    return {} if found is None else {name: text for name, text in found.groupdict().items() if text}


def _as_folder(prefix: str) -> str:
    return f"{prefix.strip('/')}/" if prefix.strip("/") else ""
