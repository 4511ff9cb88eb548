"""The gateway of the tests of the pipeline."""

from __future__ import annotations

from tests.pipeline.conftest import (
    api,
    bare_services,
    environ,
    services,
    signed,
)

__all__ = [
    "api",
    "bare_services",
    "environ",
    "services",
    "signed",
]
