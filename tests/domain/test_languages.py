"""Each language has a name, so that nobody has to know its code."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

import smsgate
from smsgate.domain.languages import NAMES, language_name

ROOT = Path(smsgate.__file__).parent
SETS = {one.stem for one in (ROOT / "classifier" / "keywords").glob("[!_]*.toml")}


@pytest.mark.parametrize("file", ["consent/opt_out_lines.toml", "features/links/page_text.toml"])
def test_every_language_that_we_write_has_a_name(file) -> None:
    assert set(tomllib.loads((ROOT / file).read_text(encoding="utf-8"))) <= set(NAMES)


def test_every_keyword_set_has_a_name() -> None:
    assert len(SETS) > 50
    assert set(NAMES) >= SETS


def test_what_has_no_name_is_called_by_its_code() -> None:
    assert [language_name(one) for one in ("ht", "x-own")] == ["Haitian Creole", "x-own"]
