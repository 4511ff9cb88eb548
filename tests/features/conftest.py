"""The services of ``tests/pipeline`` and the terminal of ``tests/cli``, for features."""

from __future__ import annotations

from tests.cli.conftest import terminal
from tests.pipeline.conftest import api, bare_services, environ, services, signed

__all__ = ["api", "bare_services", "environ", "services", "signed", "terminal"]
