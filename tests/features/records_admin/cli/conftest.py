"""The records of the tests of the records."""

from __future__ import annotations

from tests.records.conftest import *  # noqa: F403 - fixtures, found by their names
