"""Every way to fail, each with a stable code that callers may rely on. Knows no HTTP.

AnomalyError
├── InputError                  the caller can mend it
│   ├── InvalidRequest          invalid_request
│   ├── UnsupportedBody         unsupported_body    content type
│   ├── RequestTooLarge         request_too_large   bytes of the whole request
│   ├── InvalidBase64           invalid_base64
│   ├── EmptyImage              empty_image
│   ├── UnsupportedImage        unsupported_image
│   ├── CorruptImage            corrupt_image
│   ├── ImageTooLarge           image_too_large     bytes
│   ├── TooManyPixels           too_many_pixels     width x height, read from the header
│   ├── TooManyImages           too_many_images
│   ├── AnswerTooLarge          answer_too_large    bytes of a serverless job's result
│   ├── UrlRefused              url_refused         not an address that this server fetches from
│   ├── UrlFailed               url_failed          what is at the URL could not be fetched
│   ├── NotFound                not_found           no such job, or it is no longer kept
│   └── MarkerNotFound          marker_not_found    the photo does not show the marker that gives its scale
├── Unauthorized                unauthorized        no key, or one that opens nothing
├── Refused                     the same request may succeed later
│   ├── NotReady                not_ready
│   ├── QueueFull               queue_full
│   ├── Overloaded              overloaded          the requests in work fill the memory that they may have
│   ├── UploadTooSlow           upload_too_slow     the request's body did not come in time
│   ├── RateLimited             rate_limited        one caller came too often
│   ├── DeadlineExceeded        deadline_exceeded
│   ├── CallerGone              caller_gone         nobody is left to read the answer
│   └── DeviceLost              device_lost         the card answers this process no more: replace the process
├── ModelError                  the model failed on this photograph: model_failed
│   └── OutOfMemory             out_of_memory
├── StorageError                storage_failed      the bucket refused what was to be kept or read
│   ├── StorageUnavailable      storage_unavailable it does not answer, or is in trouble
│   ├── StorageDenied           storage_denied      the key does not permit it
│   └── StorageMissing          storage_missing     no such bucket, or no such object
├── ConfigurationError          the operator can mend it: configuration_error, at start-up only
│   ├── WeightsError            weights_error
│   └── DoesNotFit              does_not_fit
└── InternalError               internal_error      ours to mend
"""

from typing import ClassVar


class AnomalyError(Exception):
    """Root of the tree. `str(error)` is safe to show to a caller: no path, no traceback."""

    code: ClassVar[str] = "internal_error"


class InputError(AnomalyError):
    """What was sent cannot be used."""

    code = "invalid_request"


class InvalidRequest(InputError):
    """A field is missing, of the wrong type, or out of its range."""

    code = "invalid_request"


class UnsupportedBody(InputError):
    """The request's content type is not one that is read at this door."""

    code = "unsupported_body"


class RequestTooLarge(InputError):
    """The whole request has more bytes than the limit."""

    code = "request_too_large"


class InvalidBase64(InputError):
    """The image field is not base64."""

    code = "invalid_base64"


class EmptyImage(InputError):
    """There are no bytes."""

    code = "empty_image"


class UnsupportedImage(InputError):
    """The bytes are not a picture of a kind that is read."""

    code = "unsupported_image"


class CorruptImage(InputError):
    """The bytes start as a picture but cannot be decoded to the end."""

    code = "corrupt_image"


class ImageTooLarge(InputError):
    """More bytes than the limit."""

    code = "image_too_large"


class TooManyPixels(InputError):
    """More pixels than the limit; told from the header, before decoding."""

    code = "too_many_pixels"


class TooManyImages(InputError):
    """More images in one request than the limit."""

    code = "too_many_images"


class AnswerTooLarge(InputError):
    """The result has more bytes than the platform takes: too much was asked for at once."""

    code = "answer_too_large"


class UrlRefused(InputError):
    """The URL leads to where this server does not fetch from."""

    code = "url_refused"


class UrlFailed(InputError):
    """The URL does not answer with what it should, or not in time."""

    code = "url_failed"


class NotFound(InputError):
    """What is asked for is not there, or not there any more."""

    code = "not_found"


class MarkerNotFound(InputError):
    """The photograph does not show the marker from which its scale was to be taken."""

    code = "marker_not_found"


class Unauthorized(AnomalyError):
    """The request carries no key, or one that opens nothing."""

    code = "unauthorized"


class Refused(AnomalyError):
    """Not now. `retry_after_s` is when another try makes sense, where that is known."""

    code = "refused"

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class NotReady(Refused):
    """The models are still loading, or the server is stopping."""

    code = "not_ready"


class QueueFull(Refused):
    """The queue holds as much as it may."""

    code = "queue_full"


class Overloaded(Refused):
    """The requests that are being read or answered fill the memory that they may have."""

    code = "overloaded"


class UploadTooSlow(Refused):
    """The request's body did not come in time."""

    code = "upload_too_slow"


class RateLimited(Refused):
    """One caller came more often than the operator allows."""

    code = "rate_limited"


class DeadlineExceeded(Refused):
    """The answer can no longer be in time."""

    code = "deadline_exceeded"


class CallerGone(Refused):
    """The caller hung up or cancelled; only the log ever reads this."""

    code = "caller_gone"


class DeviceLost(Refused):
    """The device answers this process no more, whatever it is asked: only a new process mends it.

    Another process may answer the same request. Backends raise it in place of their library's own.
    """

    code = "device_lost"


class ModelError(AnomalyError):
    """The model failed on this photograph, alone and again."""

    code = "model_failed"


class OutOfMemory(ModelError):
    """The device's memory did not suffice. Backends raise it in place of their library's own."""

    code = "out_of_memory"


class StorageError(AnomalyError):
    """The object storage refused what was asked of it."""

    code = "storage_failed"


class StorageUnavailable(StorageError):
    """The object storage cannot be reached or is in trouble, after several tries."""

    code = "storage_unavailable"


class StorageDenied(StorageError):
    """The object storage does not permit it with this key."""

    code = "storage_denied"


class StorageMissing(StorageError):
    """There is no such bucket, or no such object in it."""

    code = "storage_missing"


class ConfigurationError(AnomalyError):
    """A setting is wrong; the message says which, what was expected, and what to do."""

    code = "configuration_error"


class WeightsError(ConfigurationError):
    """A weights file is missing, unreadable, or not what the settings say it is."""

    code = "weights_error"


class DoesNotFit(ConfigurationError):
    """What was asked for does not fit into the memory, and STRICT_VARIANT forbids less."""

    code = "does_not_fit"


class InternalError(AnomalyError):
    """A fault of ours; the log has the traceback."""

    code = "internal_error"
