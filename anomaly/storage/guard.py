"""Connections to storage that a caller named, only where they may lead.

A name is looked up when it is checked and again when boto3 connects, and its owner may answer differently the
second time (DNS rebinding). So what counts is where a connection has come to, before a byte is sent on it.
"""

import socket
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from anomaly.errors import UrlRefused
from anomaly.outbound import Permits

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client  # types only, of the development install


def guard(client: "S3Client", permits: Permits) -> None:
    """Let each connection of `client` end at once where it came to an address that `permits` refuses.

    botocore has no door for this; the classes of urllib3's pools are what it hands over itself.
    """
    from botocore.awsrequest import (
        AWSHTTPConnection,
        AWSHTTPConnectionPool,
        AWSHTTPSConnection,
        AWSHTTPSConnectionPool,
    )

    def checked(connected: socket.socket) -> socket.socket:
        if permits(ip_address(str(connected.getpeername()[0]))):
            return connected
        connected.close()
        raise UrlRefused("the storage is not at a public address any more")

    class Plain(AWSHTTPConnection):
        def _new_conn(self) -> socket.socket:
            return checked(super()._new_conn())

    class Secure(AWSHTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return checked(super()._new_conn())

    class PlainPool(AWSHTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(AWSHTTPSConnectionPool):
        ConnectionCls = Secure

    inside: Any = client
    manager = inside._endpoint.http_session._manager
    manager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}
