"""The console of the tests of all pages."""

from __future__ import annotations

from tests.web.console.conftest import *  # noqa: F403 - fixtures, found by their names
