"""The gateway of ``tests/gateway``, for features."""

from __future__ import annotations

from tests.gateway.conftest import api, bare_services, environ, services, signed

__all__ = ["api", "bare_services", "environ", "services", "signed"]
