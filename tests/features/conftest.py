"""The gateway of ``tests/gateway``, for features."""

from __future__ import annotations

from tests.gateway.conftest import api, bare_gateway, environ, gateway, signed

__all__ = ["api", "bare_gateway", "environ", "gateway", "signed"]
