"""The services of the tests of the pipeline."""

from __future__ import annotations

from tests.pipeline.conftest import *  # noqa: F403 - fixtures, found by their names
from tests.records.conftest import postgresql_server, postgresql_url  # noqa: F401 - likewise
