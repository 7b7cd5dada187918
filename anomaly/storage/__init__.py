"""S3-compatible object storage: results and pictures that are too large to answer, or that are to be kept.

    bucket = Bucket(Target(endpoint_url, access_key_id, secret_access_key, "inspections", prefix="2026/"))
    bucket.put("span-3/masks.json", data, "application/json")
    bucket.link("span-3/masks.json")  # to read it without a key, for a week

`Target` says where and with which key; it never shows the key. Every failure is a `StorageError` with its code.
"""

from anomaly.storage.bucket import LINK_S, MOST_LINK_S, Bucket, Entry
from anomaly.storage.target import Target, from_s3_config, from_settings

__all__ = ["LINK_S", "MOST_LINK_S", "Bucket", "Entry", "Target", "from_s3_config", "from_settings"]
