"""Fixtures of ``/v1``, which operations are called through."""

from __future__ import annotations

from tests.web.v1.conftest import api, services, settings_more

__all__ = ["api", "services", "settings_more"]
