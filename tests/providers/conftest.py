"""``pytest tests/providers --vectors FILE`` also runs signatures that the vendors published."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--vectors", type=Path, help="JSON list of published signatures, see providers/README.md"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "published" not in metafunc.fixturenames:
        return
    path = metafunc.config.getoption("--vectors", default=None)
    if path is None:
        skipped = pytest.param(None, marks=pytest.mark.skip("no --vectors FILE was given"))
        metafunc.parametrize("published", [skipped])
        return
    vectors = json.loads(path.read_text(encoding="utf-8"))
    names = [f"{vector['provider']}-{vector['name']}" for vector in vectors]
    metafunc.parametrize("published", vectors, ids=names)
