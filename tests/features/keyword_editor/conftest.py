"""The API of ``tests/web/v1``, in front of a test's own services."""

from __future__ import annotations

from tests.web.v1.conftest import api

__all__ = ["api"]
