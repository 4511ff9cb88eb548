from __future__ import annotations

import re
from pathlib import Path

import pytest

from smsgate.settings.shape import (
    AlertsTable,
    ApiTable,
    EmailTable,
    FeedTable,
    ForwardTable,
    OidcTable,
    ProgramTable,
    RepliesTable,
    TextTable,
    WebTable,
)

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
SOURCES = "".join(
    file.read_text(encoding="utf-8") for file in (ROOT / "smsgate" / "settings").glob("*.py")
)
VARIABLES = sorted(
    set(re.findall(r'"((?:SMSGATE_[A-Z_]+[A-Z]|REDIS_URL|QUEUE_URL|DATABASE_URL|PORT))"', SOURCES))
)
TABLES = (
    ProgramTable,
    RepliesTable,
    FeedTable,
    ForwardTable,
    ApiTable,
    AlertsTable,
    EmailTable,
    TextTable,
    OidcTable,
    WebTable,
)
KEYS = sorted({one.alias or name for table in TABLES for name, one in table.model_fields.items()})


def test_the_variables_were_found() -> None:
    assert {"PORT", "REDIS_URL", "SMSGATE_CONFIG", "SMSGATE_API_KEYS"} <= {*VARIABLES}


@pytest.mark.parametrize("name", [*VARIABLES, *KEYS])
def test_every_variable_and_key_is_in_the_operators_page(name: str) -> None:
    assert f"`{name}`" in PAGE or f".{name}." in PAGE
