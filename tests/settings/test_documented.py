from __future__ import annotations

from pathlib import Path

import pytest

from smsgate.settings import ACCOUNT_KEYS, TABLES
from smsgate.settings.read import VARIABLES, keys_of

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
KEYS = sorted({*ACCOUNT_KEYS, *(key for table in TABLES.values() for key in keys_of(table))})


@pytest.mark.parametrize("name", [*VARIABLES.values(), *KEYS])
def test_every_variable_and_key_is_in_the_operators_page(name: str) -> None:
    assert f"`{name}`" in PAGE or f".{name}." in PAGE
