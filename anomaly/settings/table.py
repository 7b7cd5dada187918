"""Every variable, its default and its meaning. A test holds it against the table in RUNPOD_DEPLOYMENT.md."""

from pathlib import Path
from typing import Annotated, Literal

import limits
from pydantic import BeforeValidator, Field, InstanceOf, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from anomaly.keys import Keyring
from anomaly.logs import LogFormat
from anomaly.types import Limits


class Table(BaseSettings):
    """What an operator sets. Each field is the environment variable of its name in capitals."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True, extra="ignore")

    runpod_serverless: bool | None = Field(
        None,
        description="`true`: a RunPod serverless worker; `false`: an HTTP server. Left out, it is a worker"
        " where RunPod's `RUNPOD_WEBHOOK_GET_JOB` is set.",
    )
    runpod_load_balancer: bool | None = Field(
        None,
        description="`true`: a worker of a load-balancing endpoint, which is the HTTP server, whatever"
        " `RUNPOD_SERVERLESS` says. Left out, it is one where `PORT_HEALTH` is set.",
    )
    detector_backend: Literal["auto", "rfdetr", "sam3", "starter", "ridge", "fake"] = Field(
        "auto", description="What finds defects. `auto`: the best that is present, else the embedded default."
    )
    detector_variant: Literal["nano", "small", "medium", "large", "auto"] = Field(
        "medium", description="Size of RF-DETR; `auto`: the best that fits, or what the weights file is."
    )
    detector_weights: Path | str | None = Field(
        None,
        description="A fine-tuned RF-DETR checkpoint, which brings its own classes and names: a path,"
        " `hf://ORG/NAME/FILE`, or an https address.",
    )
    rf_home: str | None = Field(
        None,
        description="Folder in which RF-DETR's package keeps its published weights, where they are looked for"
        " too; `~/.roboflow/models` if left out.",
    )
    detector_num_classes: int | None = Field(
        None, ge=1, description="Number of classes that the weights file must have; checked at start-up."
    )
    segmenter_backend: Literal["auto", "sam3", "sam2", "starter", "ridge", "fake", "none"] = Field(
        "auto", description="What turns boxes into masks. `none`: boxes only, and no geometry."
    )
    sam_model_path: Path | str = Field(
        Path("/models/sam3.pt"),
        description="A SAM 3 or SAM 2.1 checkpoint: a path, `hf://ORG/NAME/FILE`, or an https address."
        " SAM 2.1 files are looked for beside it as the fallback.",
    )
    sam_concepts: str = Field(
        "crack,spalling,corrosion,exposed rebar,efflorescence,water leakage",
        description="What SAM 3 looks for where it is the detector, separated by commas.",
    )
    volume_path: Path = Field(
        Path("/runpod-volume"),
        description="Network volume: weights are looked for in its `models` folder, which keeps downloads too,"
        " and cached Hugging Face models in its `huggingface-cache`. Pods have it at `/workspace`.",
    )
    weights_download: bool = Field(
        True, description="Download published weights that are asked for by name and are nowhere at hand."
    )
    hf_home: Path | None = Field(
        None,
        description="Hugging Face's folder; its `hub` is looked into. `~/.cache/huggingface` if left out.",
    )
    hf_token: SecretStr | None = Field(
        None, description="Hugging Face token, for the download of gated weights such as SAM 3."
    )
    confidence_threshold: float = Field(
        0.3, ge=0, le=1, allow_inf_nan=False, description="Least score of an answered detection, 0..1."
    )
    device: str = Field("auto", description="`auto`, `cpu`, `cuda` or `cuda:1`.")
    precision: Literal["auto", "fp32", "bf16"] = Field(
        "auto", description="`auto`: bf16 on cards that have it, fp32 elsewhere."
    )
    vram_budget_mb: int | None = Field(
        None, ge=1, description="Memory to plan for, in MB; what the card has free if left out."
    )
    compile: Literal["auto", "on", "off"] = Field(
        "auto",
        description="`on`: RF-DETR and SAM 2.1's image encoder go through torch.compile, as CUDA graphs on a card,"
        " for batches of 1, 2, 4 and so on; the start takes minutes. `auto`: off, until a card has been measured"
        " to gain by it.",
    )
    embedding_cache_mb: int | None = Field(
        None,
        ge=0,
        description="Memory for what the models computed of earlier photos, so that the same photo asked again"
        " costs no encoder, in MB, on the card or the CPU where they run. Left out: half of what the memory plan"
        " leaves, at most 1024; 256 on the CPU. `0` keeps nothing.",
    )
    strict_variant: bool = Field(
        False, description="`true`: what does not fit is an error, instead of a smaller variant."
    )
    api_host: str = Field("0.0.0.0", description="Address on which the server listens.")  # noqa: S104
    api_port: int = Field(8000, ge=0, le=65535, description="Port on which the server listens.")
    port: int | None = Field(
        None,
        ge=0,
        le=65535,
        description="The same, as RunPod's load balancer sets it; goes before `API_PORT`.",
    )
    port_health: int | None = Field(
        None,
        ge=0,
        le=65535,
        description="Port on which `/ping` answers from the first moment, as RunPod's load balancer sets it; the"
        " server's port if left out.",
    )
    root_path: str | None = Field(
        None,
        pattern=r"^(/[A-Za-z0-9._~-]+)+/?$",
        description="Path below which a proxy serves this server, such as `/anomaly`, whether it takes it away or not.",
    )
    drain_s: float = Field(
        30.0,
        ge=0,
        description="Most seconds that running requests have to finish when the server is to stop.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level logged.")
    log_format: LogFormat = Field(
        "auto", description="`text` for readers, `json` for machines; `auto`: text on a terminal, else JSON."
    )
    api_keys: Annotated[
        InstanceOf[Keyring] | None, NoDecode, BeforeValidator(lambda text: text and Keyring.read(text))
    ] = Field(
        None,
        description="Keys that open the server, separated by commas: as they are, or `sha256:` and the digest."
        " Everyone may come in if left out.",
    )
    rate_limit: str | None = Field(
        None,
        description="Most requests of each key (or address), such as `60/minute` or `10/second;1000/day`.",
    )
    cors_origins: str | None = Field(
        None, description="Origins of pages elsewhere that may call, separated by commas; `*` for all."
    )
    allow_private_urls: bool = Field(
        False, description="`true`: `image_url` may lead to addresses that are not public."
    )
    fetch_timeout_s: float = Field(20.0, gt=0, description="Most seconds to fetch a photo from its URL.")
    max_image_bytes: int = Field(Limits().max_image_bytes, ge=1, description="Largest file of one photo.")
    max_pixels: int = Field(
        Limits().max_pixels,
        ge=1,
        description="Most pixels of one photo, told from its header before decoding.",
    )
    max_images: int = Field(Limits().max_images, ge=1, description="Most photos in one batch.")
    max_request_bytes: int = Field(Limits().max_request_bytes, ge=1, description="Largest request body.")
    max_bodies_bytes: int | None = Field(
        None,
        ge=1,
        description="Most bytes of all requests that are being read or answered; more are refused with a Retry-After."
        " An eighth of the memory that this machine or container has, if left out.",
    )
    body_timeout_s: float = Field(
        300.0, gt=0, description="Most seconds in which a request's body comes; a slower one is given up."
    )
    max_waiting: int = Field(
        64, ge=1, description="Most photos that wait for the models; more are refused with a Retry-After."
    )
    max_batch: int | None = Field(
        None, ge=1, description="Most photos the models see at once; by the memory plan if left out."
    )
    cpu_threads: int | None = Field(
        None,
        ge=1,
        description="Threads that decode and measure; one for each core that may be used if left out.",
    )
    measuring_processes: int | None = Field(
        None,
        ge=0,
        description="Processes that measure masks and write them; 0: threads do. One for each core that may be"
        " used but one, 32 at most, if left out.",
    )
    runpod_concurrency: int | None = Field(
        None,
        ge=1,
        description="Jobs that a serverless worker has in work at once; two batches of the models if left out.",
    )
    worker_jobs_max: int | None = Field(
        None,
        ge=1,
        description="Jobs after which a serverless worker asks RunPod to be replaced; never if left out.",
    )
    state_path: Path | None = Field(
        None,
        description="Folder of this server alone, in which its jobs outlive a restart;"
        " `~/.local/state/anomaly-server/PORT` if left out.",
    )
    jobs_at_once: int = Field(4, ge=1, description="Jobs of `POST /run` that the HTTP server has in work.")
    jobs_waiting: int = Field(1000, ge=1, description="Most jobs that wait; more are refused.")
    results_keep_s: float = Field(
        86_400.0, gt=0, description="For so long a job's result can be asked for, s."
    )
    retry_keep_s: float = Field(
        1800.0,
        ge=0,
        description="For so long after its end a failed job can be run again, s; then its photo and the key of its"
        " `s3Config` are dropped.",
    )
    result_cache_mb: int = Field(
        64,
        ge=0,
        description="Memory for what was found on earlier photos, in MB: the same photo under the same options costs"
        " no model. `0` keeps nothing.",
    )
    result_cache_path: Path | None = Field(
        None,
        description="Folder that keeps as much again, for the next start; only the server may write there.",
    )
    webhook_secret: SecretStr | None = Field(
        None, description="Webhooks are signed with it, in `X-Anomaly-Signature`; unsigned if left out."
    )
    bucket_endpoint_url: str | None = Field(
        None,
        description="S3-compatible storage for what is too large to answer: its URL, which may hold the bucket's"
        " name as RunPod's guides have it.",
    )
    bucket_access_key_id: SecretStr | None = Field(None, description="Id of the storage's key.")
    bucket_secret_access_key: SecretStr | None = Field(None, description="Secret of the storage's key.")
    s3_bucket: str | None = Field(
        None, description="Name of the bucket; that in `BUCKET_ENDPOINT_URL` if left out."
    )
    s3_prefix: str | None = Field(None, description="Folder in the bucket below which everything is kept.")
    s3_region: str | None = Field(
        None, description="The storage's region; that in `BUCKET_ENDPOINT_URL`, else us-east-1, if left out."
    )
    fake_batch_ms: float = Field(0.0, ge=0, description="Cost of a batch with the `fake` backend, ms.")
    fake_image_ms: float = Field(0.0, ge=0, description="Cost of an image with the `fake` backend, ms.")
    fake_boxes: int = Field(3, ge=0, description="Boxes on each image with the `fake` backend.")
    runpod_webhook_get_job: str | None = Field(
        None, description="Set by RunPod on its serverless workers; read to tell where this runs."
    )

    @field_validator("root_path")
    @classmethod
    def _ends_without_a_slash(cls, path: str | None) -> str | None:
        return path and path.rstrip("/")

    @field_validator("rate_limit")
    @classmethod
    def _is_a_rate(cls, text: str | None) -> str | None:
        if text is not None:
            limits.parse_many(text)  # raises the ValueError that says what is wrong
        return text
