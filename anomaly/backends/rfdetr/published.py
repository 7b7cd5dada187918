"""The weights that the RF-DETR package publishes, trained on COCO: they know no defect."""

import logging
from pathlib import Path

from anomaly.errors import WeightsError

log = logging.getLogger(__name__)

FILES = {
    "nano": "rf-detr-nano.pth",
    "small": "rf-detr-small.pth",
    "medium": "rf-detr-medium.pth",
    "large": "rf-detr-large-2026.pth",
}


def cached(variant: str, home: str | None = None) -> Path | None:
    """Return where the published weights of `variant` lie on this disk, None if they do not.

    `home` is what RF_HOME, or else ROBOFLOW_HOME, is set to: the package keeps its downloads there, and
    in ~/.roboflow/models where neither is set. Imports neither torch nor the package.
    """
    path = Path(home or "~/.roboflow/models").expanduser() / FILES[variant]
    return path if path.is_file() else None


def fetched(variant: str) -> Path:
    """Return the published weights of `variant`, downloaded by the package if they are not on this disk.

    Raises `WeightsError` where they cannot be downloaded, or where the file on the disk is another one
    (by the md5 that the package states): the package itself only warns.
    """
    from rfdetr.assets.model_weights import (
        download_pretrain_weights,
        get_model_cache_dir,
        validate_pretrain_weights,
    )

    path = Path(get_model_cache_dir()) / FILES[variant]
    title = f"The published COCO weights of RF-DETR {variant.title()} ({path.name})"
    try:
        if not path.is_file():
            log.info("Downloading %s to %s", path.name, path.parent)
            path.parent.mkdir(parents=True, exist_ok=True)
            download_pretrain_weights(str(path))
    except Exception as error:  # the network's, the disk's, or a wrong md5
        log.warning("%s", error)
        raise WeightsError(
            f"{title} could not be downloaded. Connect this machine to the internet for the first start, or put "
            "the file into the folder that RF_HOME names, or set DETECTOR_WEIGHTS to a checkpoint of your own."
        ) from error
    try:
        validate_pretrain_weights(str(path), strict=True)
    except (ValueError, OSError) as error:
        raise WeightsError(
            f"{title} are on the disk, but their md5 is not the published one: the file is damaged or another."
            " Delete it, and it will be downloaded again; a checkpoint of your own goes into DETECTOR_WEIGHTS."
        ) from error
    return path
