"""The fake gateway and its client, as for the other HTTP endpoints."""

from __future__ import annotations

from tests.web.conftest import client, services

__all__ = ["client", "services"]
