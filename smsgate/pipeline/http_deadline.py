"""Connections whose answers come in time, whole, or not at all.

A socket's time-out is for each piece that it reads: a server that sends a header a second would
hold its caller for minutes. Here one limit is for head and body of an answer together.
"""

from __future__ import annotations

import http.client
import socket
import time
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class _DeadlineSocket(socket.SocketIO):
    """Reads as long as there is time: as long as the socket's time-out was at the first read."""

    _sock: socket.socket
    _whole: float | None = None
    _ends = 0.0

    def readinto(self, buffer: Any) -> int | None:  # noqa: ANN401 - as the library has it
        if self._whole is None:
            self._whole = self._sock.gettimeout() or 0.0
            self._ends = time.monotonic() + self._whole
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._sock.settimeout(left)
        try:
            return super().readinto(buffer)
        finally:
            self._sock.settimeout(self._whole)  # for the next call over this connection


class _DeadlineResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *given: Any, **more: Any) -> None:  # noqa: ANN401
        super().__init__(sock, *given, **more)
        self.fp.raw.__class__ = _DeadlineSocket  # nobody else makes one that counts as the socket's


class DeadlineConnection(HTTPConnection):
    """Its answers come in time."""

    response_class = _DeadlineResponse


class DeadlineTlsConnection(HTTPSConnection):
    """The same over TLS."""

    response_class = _DeadlineResponse


class _DeadlinePool(HTTPConnectionPool):
    ConnectionCls = DeadlineConnection


class _DeadlineTlsPool(HTTPSConnectionPool):
    ConnectionCls = DeadlineTlsConnection


class DeadlineAdapter(HTTPAdapter):
    """Of a ``requests.Session``: makes such connections."""

    pools: dict[str, Any] = {"http": _DeadlinePool, "https": _DeadlineTlsPool}  # noqa: RUF012 - never changed

    def init_poolmanager(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - requests' own
        """Make the pools."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = self.pools
