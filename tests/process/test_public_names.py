"""Names that other people's programs import."""

from __future__ import annotations

import importlib
import sys

import pytest

import smsgate
from smsgate.client import SmsGate
from smsgate.process.configuration import load_configuration


def test_public_names_are_what_they_say() -> None:
    assert smsgate.load_configuration is load_configuration
    assert smsgate.SmsGate is SmsGate


WANT_MORE = {
    "load_configuration": ("smsgate.process.configuration", r"smsgate\[server\]"),
    "Links": ("cryptography", r"smsgate\[links\]"),
}


@pytest.mark.parametrize("name", WANT_MORE)
def test_what_is_no_part_of_a_bare_install_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    module, extra = WANT_MORE[name]
    monkeypatch.setitem(sys.modules, module, None)  # as if its own imports failed
    monkeypatch.delitem(sys.modules, "smsgate.links", raising=False)
    with pytest.raises(ImportError, match=f"{name} .*pip install '{extra}'"):
        getattr(
            smsgate if name in smsgate.__all__ else importlib.import_module("smsgate.links"), name
        )
