"""The API of the tests of all operations."""

from __future__ import annotations

from tests.web.v1.conftest import api, gateway, settings_more

__all__ = ["api", "gateway", "settings_more"]
