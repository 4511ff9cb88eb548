"""What hinders a process at its start is one sentence and exit code 2."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from smsgate.errors import SpoolUnavailable
from smsgate.spool import Spool
from workers import __main__ as main

CONFIG = Path(__file__).parents[2] / "config"


@pytest.fixture
def environ(tmp_path: Path) -> Mapping[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "SMSGATE_CONFIG": str(CONFIG),
        "SMSGATE_DATA_DIR": str(tmp_path / "var"),
        "DATABASE_URL": f"sqlite:///{tmp_path / 'records.sqlite3'}",
        "REDIS_URL": "redis://127.0.0.1:1/0",
    }


def test_web_does_not_start_on_a_data_directory_that_cannot_be_written(
    environ: Mapping[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "var").write_text("")
    assert main.main(["web"], environ) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"no message can be kept in the data directory {tmp_path / 'var'} (")


def test_a_disk_that_is_full_does_not_hinder_a_start(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise SpoolUnavailable("No space left on device", is_full=True)

    monkeypatch.setattr(Spool, "check", full)
    main._refuse_unusable(Spool(Path("var") / "spool.sqlite3"))
