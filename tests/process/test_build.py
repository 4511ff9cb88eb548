"""Which smsgate runs: the version, and the commit it was built from."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from smsgate import __version__
from smsgate.process import build


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    (tmp_path / "file").write_text("as committed")
    git(tmp_path, "add", "file")
    git(tmp_path, "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-q", "-m", "first")
    return tmp_path


def git(folder: Path, *arguments: str) -> str:
    command = ["git", *arguments]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=True
    ).stdout.strip()


def test_a_commit_is_short_and_says_what_was_changed_since(repository: Path) -> None:
    commit = git(repository, "rev-parse", "--short", "HEAD")
    assert build.commit_of(repository) == commit
    (repository / "file").write_text("changed")
    assert build.commit_of(repository) == f"{commit}.dirty"


def test_a_folder_inside_a_repository_of_something_else_has_no_commit(repository: Path) -> None:
    (repository / "unpacked").mkdir()
    assert build.commit_of(repository / "unpacked") == ""


def test_what_the_build_wrote_is_behind_the_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "_PACKAGE", tmp_path / "smsgate")
    assert build.describe_build.__wrapped__() == __version__
    (tmp_path / "smsgate").mkdir()
    (tmp_path / "smsgate" / build.COMMIT_FILE).write_text("1a2b3c4\n")
    assert build.describe_build.__wrapped__() == f"{__version__}+g1a2b3c4"
