"""botocore's failures as ours: what happened and what to do, and nothing of the request."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from anomaly.errors import StorageDenied, StorageError, StorageMissing, StorageUnavailable

log = logging.getLogger(__name__)

_DENIED = frozenset(
    {
        "AccessDenied",
        "AllAccessDisabled",
        "ExpiredToken",
        "Forbidden",
        "InvalidAccessKeyId",
        "InvalidSecurity",
        "InvalidToken",
        "SignatureDoesNotMatch",
        "Unauthorized",
    }
)
_MISSING = frozenset({"NoSuchBucket", "NoSuchKey", "NotFound", "404"})
_LATER = frozenset({"RequestTimeout", "SlowDown", "ServiceUnavailable", "InternalError", "Throttling"})


@contextmanager
def translated(doing: str, host: str) -> Iterator[None]:
    """Raise a `StorageError` with its code in place of botocore's own; `doing` says what was tried.

    The server's own sentence goes to the log only: some quote the key's id.
    """
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        ConnectionError,
        HTTPClientError,
        ParamValidationError,
    )

    try:
        yield
    except ClientError as error:
        raise _answered(error, doing, host) from None
    except (HTTPClientError, ConnectionError) as error:
        log.warning("%s: %s did not answer (%s)", doing, host, type(error).__name__)
        raise StorageUnavailable(
            f"{doing}: the storage at {host} cannot be reached; check its URL, or try again later"
        ) from None
    except ParamValidationError:
        raise StorageError(f"{doing}: the bucket's or the object's name is none that S3 takes") from None
    except ValueError:  # an underscore in a container's name, say
        raise StorageError(
            f"{doing}: {host!r} is no host name that S3's library takes; it wants letters, digits and hyphens"
        ) from None
    except BotoCoreError as error:
        log.warning("%s at %s failed (%s)", doing, host, type(error).__name__)
        raise StorageError(f"{doing} at {host} failed ({type(error).__name__})") from None


def _answered(error: Exception, doing: str, host: str) -> StorageError:
    response = getattr(error, "response", {})
    code = str(response.get("Error", {}).get("Code", "unknown"))
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    log.warning("%s: %s answered %s (status %d)", doing, host, code, status)
    if code in _MISSING or status == 404:
        what = "bucket" if code == "NoSuchBucket" else "object, or no such bucket,"
        return StorageMissing(f"{doing}: there is no such {what} at {host}; check the names")
    if code in _DENIED or status in (401, 403):
        return StorageDenied(f"{doing}: the storage at {host} does not permit it ({code}); check the key")
    if code in _LATER or status == 429 or status >= 500:
        return StorageUnavailable(f"{doing}: the storage at {host} is in trouble ({code}); try again later")
    return StorageError(f"{doing}: the storage at {host} refused it ({code})")
