"""Requests that the server makes because a caller asked: to public addresses only, unless told otherwise.

A server that fetches what strangers name can be led to the machines beside it and to the cloud's own
metadata service (server-side request forgery, CWE-918). The one `client` here is what fetches photographs
and posts webhooks: it resolves a name once, refuses it when any of its addresses is not public, and
connects to the very address that was checked, at each redirect again.
"""

from anomaly.outbound.addresses import Permits, anywhere, is_public
from anomaly.outbound.client import MOST_REDIRECTS, client

__all__ = ["MOST_REDIRECTS", "Permits", "anywhere", "client", "is_public"]
