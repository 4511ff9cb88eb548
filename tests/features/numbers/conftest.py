"""Records on SQLite and, under ``full``, on PostgreSQL."""

from __future__ import annotations

from tests.records.conftest import *  # noqa: F403 - fixtures, found by their names
