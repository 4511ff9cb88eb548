"""The fake gateway and its client, as for the other HTTP endpoints."""

from __future__ import annotations

from tests.web.conftest import client, gateway

__all__ = ["client", "gateway"]
