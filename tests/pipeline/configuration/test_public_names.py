"""Names that other people's programs import."""

from __future__ import annotations

import importlib

import pytest

import smsgate
from smsgate.pipeline.configuration import load_configuration


def test_the_configuration_is_loaded_by_a_public_name() -> None:
    assert smsgate.load_configuration is load_configuration


def test_the_former_name_works_and_says_what_follows_it() -> None:
    with pytest.warns(DeprecationWarning, match="from smsgate import load_configuration"):
        former = importlib.import_module("smsgate.wiring")
    assert former.load_configuration is load_configuration
