"""The API of the tests of all operations."""

from __future__ import annotations

from tests.web.v1.conftest import api, services, settings_more

__all__ = ["api", "services", "settings_more"]
