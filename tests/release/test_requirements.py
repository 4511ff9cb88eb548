"""What smsgate must never install."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[2]
REFUSED = {"phonenumberslite", "flask-security", "flask-principal"}
"""``docs/decisions/0022-people.md`` says why; the first overwrites ``phonenumbers``."""


def named() -> set[str]:
    """Every package that pyproject.toml and the constraints name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    lines = [*project["dependencies"], *(one for extra in extras for one in extra)]
    lines += (ROOT / "config" / "constraints.txt").read_text("utf-8").splitlines()
    found = (re.match(r"[\w.-]+", one) for one in lines)
    return {re.sub(r"[-_.]+", "-", one[0]).lower() for one in found if one}


def test_no_requirement_is_one_that_is_refused() -> None:
    assert {"phonenumbers", "webauthn", "zxcvbn"} <= named()
    assert not named() & REFUSED


def test_nothing_is_installed_over_phonenumbers() -> None:
    assert packages_distributions()["phonenumbers"] == ["phonenumbers"]
