"""Webhooks that prove who sent them: `sign` on the way out, `verify` on the way in.

The header is `X-Anomaly-Signature: t=<unix seconds>,v1=<hex>`, where the hex digits are HMAC-SHA256 of
`<t>.<body>` under a secret that both sides know. The body is signed byte for byte as it is sent.
"""

from anomaly.webhooks.signature import HEADER, TOLERANCE_S, InvalidSignature, sign, verify

__all__ = ["HEADER", "TOLERANCE_S", "InvalidSignature", "sign", "verify"]
