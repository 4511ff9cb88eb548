"""A configuration folder of the test's own, and a way to read it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from smsgate.domain.errors import Fault
from smsgate.settings import Settings
from smsgate.settings.read import read_settings

Read = Callable[..., tuple[Settings, list[Fault]]]


def secret_keys(provider: str) -> frozenset[str]:
    """What the table of providers would say."""
    return frozenset({"auth_token"}) if provider == "twilio" else frozenset()


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read a document and an environment; faults come back sorted as they were found."""

    def read(
        document: str | bytes = "", environ: Mapping[str, str] | None = None
    ) -> tuple[Settings, list[Fault]]:
        text = document.encode() if isinstance(document, str) else document
        (tmp_path / "smsgate.toml").write_bytes(text)
        return read_settings(
            {"SMSGATE_CONFIG": str(tmp_path)} | dict(environ or {}), secret_keys=secret_keys
        )

    return read
