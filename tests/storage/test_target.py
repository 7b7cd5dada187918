"""Where objects are kept, as callers and operators write it down."""

import pytest

from anomaly.errors import ConfigurationError, InvalidRequest
from anomaly.storage import Target, from_s3_config, from_settings

CONFIG = {
    "endpointUrl": "https://s3.eu-west-1.amazonaws.com",
    "accessId": "the-id",
    "accessSecret": "the-secret",
    "bucketName": "photos",
}


def test_a_jobs_s3_config_is_read_by_runpods_names() -> None:
    """endpointUrl, accessId, accessSecret and bucketName say it all; the region is told from the endpoint."""
    target = from_s3_config(CONFIG, prefix="job/")
    assert target == Target(CONFIG["endpointUrl"], "the-id", "the-secret", "photos", "job/")
    assert target.signing_region == "eu-west-1"


@pytest.mark.parametrize("name", list(CONFIG))
@pytest.mark.parametrize("value", [None, "", " ", 7, ["x"]])
def test_half_an_s3_config_is_refused_by_the_fields_name(name: str, value: object) -> None:
    """The message names the field, and shows no value of any."""
    with pytest.raises(InvalidRequest, match=rf"s3Config\.{name} is missing") as caught:
        from_s3_config({**CONFIG, name: value})
    assert "the-secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "s3.amazonaws.com",
        "ftp://files",
        "https://",
        "file:///etc",
        "http://[::1",
        "https://host:port",
        "https://id:the-secret@host",
        "https://host/?token=the-secret",
    ],
)
def test_an_endpoint_that_is_no_servers_url_is_refused(url: str) -> None:
    """Only http and https to a host, and nothing secret in the message."""
    with pytest.raises(InvalidRequest, match=r"s3Config\.endpointUrl") as caught:
        from_s3_config({**CONFIG, "endpointUrl": url})
    assert "the-secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "named", "endpoint", "bucket"),
    [
        ("https://s3.eu-west-1.amazonaws.com", "photos", "https://s3.eu-west-1.amazonaws.com", "photos"),
        ("https://photos.s3.eu-west-1.amazonaws.com", None, "https://s3.eu-west-1.amazonaws.com", "photos"),
        (
            "https://photos.s3.eu-west-1.amazonaws.com/",
            "photos",
            "https://s3.eu-west-1.amazonaws.com",
            "photos",
        ),
        ("https://a.b.s3.amazonaws.com", None, "https://s3.amazonaws.com", "a.b"),
        ("https://ams3.digitaloceanspaces.com", "photos", "https://ams3.digitaloceanspaces.com", "photos"),
        ("https://photos.ams3.digitaloceanspaces.com", None, "https://ams3.digitaloceanspaces.com", "photos"),
        ("https://s3api-eu-ro-1.runpod.io", "volume", "https://s3api-eu-ro-1.runpod.io", "volume"),
        ("http://minio:9000/photos", None, "http://minio:9000", "photos"),
        ("http://minio:9000/photos/", "photos", "http://minio:9000", "photos"),
        ("http://minio:9000/storage", "photos", "http://minio:9000/storage", "photos"),
        ("http://[::1]:9000/photos", None, "http://[::1]:9000", "photos"),
        ("https://photos.minio.example", "photos", "https://minio.example", "photos"),
    ],
)
def test_the_bucket_may_stand_in_the_endpoints_url(
    url: str, named: str | None, endpoint: str, bucket: str
) -> None:
    """As a part of the host name or as the path, as RunPod's guides have it, or apart."""
    target = from_settings(url, "id", "secret", named, None, None)
    assert target is not None
    assert (target.endpoint_url, target.bucket) == (endpoint, bucket)


@pytest.mark.parametrize(
    ("url", "region", "signed"),
    [
        ("https://s3.eu-west-1.amazonaws.com", None, "eu-west-1"),
        ("https://s3.amazonaws.com", None, "us-east-1"),
        ("https://s3api-eu-ro-1.runpod.io", None, "eu-ro-1"),
        ("https://ams3.digitaloceanspaces.com", None, "ams3"),
        ("http://minio:9000", None, "us-east-1"),
        ("http://minio:9000", "here", "here"),
    ],
)
def test_the_region_is_told_or_given(url: str, region: str | None, signed: str) -> None:
    """S3_REGION wins over what the endpoint's name says."""
    target = from_settings(url, "id", "secret", "photos", None, region)
    assert target is not None
    assert target.signing_region == signed


def test_an_environment_without_storage_is_none() -> None:
    """Where nothing is set there is no bucket, whatever the prefix."""
    assert from_settings(None, None, None, None, "prefix", None) is None
    assert from_settings(None, None, None, "photos", None, "here") is None


def test_half_an_environment_is_refused_by_name() -> None:
    """What is missing is named, and what is secret is not shown."""
    with pytest.raises(ConfigurationError, match=r"^BUCKET_ACCESS_KEY_ID not set") as caught:
        from_settings("https://minio.example", None, "the-secret", "photos", None, None)
    assert "the-secret" not in str(caught.value)
    with pytest.raises(ConfigurationError, match="S3_BUCKET"):
        from_settings("https://minio.example", "id", "secret", None, None, None)
    with pytest.raises(ConfigurationError, match="BUCKET_ENDPOINT_URL"):
        from_settings("minio.example", "id", "secret", "photos", None, None)


@pytest.mark.parametrize(
    ("given", "prefix"), [(None, ""), ("", ""), ("/", ""), ("a", "a/"), ("/a/b/", "a/b/")]
)
def test_a_prefix_is_a_folder(given: str | None, prefix: str) -> None:
    """It ends with one slash and begins with none."""
    target = from_settings("https://minio.example", "id", "secret", "photos", given, None)
    assert target is not None
    assert target.prefix == prefix


def test_a_target_does_not_show_its_key() -> None:
    """Neither the secret nor the key's id is in its repr, wherever it is logged."""
    shown = repr(Target("https://minio.example", "the-id", "the-secret", "photos"))
    assert "the-id" not in shown
    assert "the-secret" not in shown
