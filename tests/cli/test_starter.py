"""``smsgate config new``, and what ``smsgate dev`` makes in an empty folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from smsgate.cli import dev
from tests.cli.conftest import CONFIG, Terminal


def test_the_starter_is_that_of_the_repository_and_is_never_overwritten(
    tmp_path: Path, terminal: Callable[..., Terminal]
) -> None:
    there = terminal(SMSGATE_CONFIG=str(tmp_path / "new"), SMSGATE_DATA_DIR=str(tmp_path))
    assert there.run("config", "new") == 0
    file = tmp_path / "new" / "smsgate.toml"
    assert file.read_text() == (CONFIG / "smsgate.toml").read_text()
    assert there.run("config", "check") == 0
    file.write_text("# ours")
    assert there.run("config", "new") == 1
    assert f"{file}: File exists" in " ".join(there.errors.replace("'", "").split())
    assert file.read_text() == "# ours"


def test_dev_in_an_empty_folder_writes_one(
    tmp_path: Path, terminal: Callable[..., Terminal], monkeypatch: pytest.MonkeyPatch
) -> None:
    began: list[str] = []
    monkeypatch.setattr(dev, "run", lambda environ, directory: began.append(str(directory)))
    monkeypatch.chdir(tmp_path)
    there = terminal(SMSGATE_CONFIG="")
    assert there.run("dev") == 0
    assert "config/smsgate.toml is written" in there.output
    assert (began, there.run("config", "check")) == ([str(tmp_path / "var")], 0)
    assert there.run("dev") == 0
    assert "is written" not in there.output


def test_dev_writes_none_where_a_folder_was_named(
    tmp_path: Path, terminal: Callable[..., Terminal], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert terminal(SMSGATE_CONFIG="elsewhere").run("dev") == 2
    assert not Path("elsewhere").exists()


def test_a_folder_that_cannot_be_written_is_named(terminal: Callable[..., Terminal]) -> None:
    there = terminal(SMSGATE_CONFIG="/proc/smsgate")
    assert there.run("config", "new") == 1
    assert "/proc/smsgate/smsgate.toml" in there.errors
