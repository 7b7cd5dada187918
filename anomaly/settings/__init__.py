"""The environment, read once: `table` has the variables, this what follows from them."""

from pydantic import ValidationError

from anomaly.errors import ConfigurationError
from anomaly.settings.table import Table
from anomaly.storage import Target, from_settings
from anomaly.types import Limits

_SECRET = {"API_KEYS", "BUCKET_ACCESS_KEY_ID", "BUCKET_SECRET_ACCESS_KEY", "HF_TOKEN", "WEBHOOK_SECRET"}
"""Variables whose values no message repeats."""


class Settings(Table):
    """What an operator sets, and what follows from it."""

    @property
    def serverless(self) -> bool:
        """Whether to run as a worker of a RunPod queue; a load-balancing endpoint's is the HTTP server."""
        balanced = self.runpod_load_balancer
        if balanced or (balanced is None and self.port_health is not None):
            return False
        if self.runpod_serverless is None:
            return self.runpod_webhook_get_job is not None
        return self.runpod_serverless

    @property
    def http_port(self) -> int:
        """Port of the HTTP server: PORT before API_PORT."""
        return self.api_port if self.port is None else self.port

    @property
    def pulse_port(self) -> int | None:
        """Port on which `/ping` is served apart from the HTTP server; None where that serves it itself."""
        return None if self.serverless or self.port_health == self.http_port else self.port_health

    @property
    def limits(self) -> Limits:
        """What one request may hold."""
        return Limits(self.max_image_bytes, self.max_pixels, self.max_images, self.max_request_bytes)

    @property
    def storage(self) -> Target | None:
        """Where objects are kept, None where nothing names it. Raises `ConfigurationError` for half of it."""
        key, secret = self.bucket_access_key_id, self.bucket_secret_access_key
        return from_settings(
            self.bucket_endpoint_url,
            None if key is None else key.get_secret_value(),
            None if secret is None else secret.get_secret_value(),
            self.s3_bucket,
            self.s3_prefix,
            self.s3_region,
        )

    @classmethod
    def read(cls) -> "Settings":
        """Read the environment. Raises `ConfigurationError` with a sentence for each wrong variable."""
        try:
            return cls()
        except ValidationError as error:
            problems = (
                f"{_shown(each['loc'], each['input'])}: {each['msg']}"
                for each in error.errors(include_url=False)
            )
            raise ConfigurationError("; ".join(problems)) from None


def _shown(where: tuple[int | str, ...], value: object) -> str:
    name = ".".join(map(str, where)).upper()
    return name if name in _SECRET else f"{name}={value!r}"
