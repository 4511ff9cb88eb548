"""Which smsgate this is: the version, and the commit that it was built from."""

from __future__ import annotations

import functools
import subprocess
from pathlib import Path

from smsgate import __version__

COMMIT_FILE = "commit.txt"
"""In the package, written by the build; a checkout asks git instead."""
_PACKAGE = Path(__file__).parents[1]


@functools.cache
def describe_build() -> str:
    """``0.2.0+g1a2b3c4``, or the version alone where the commit is not known."""
    try:
        commit = (_PACKAGE / COMMIT_FILE).read_text(encoding="utf-8").strip()
    except OSError:
        commit = commit_of(_PACKAGE.parent)
    return f"{__version__}+g{commit}" if commit else __version__


def commit_of(repository: Path) -> str:
    """The commit of a checkout, short, ``.dirty`` behind it where files were changed; or ``""``."""
    if not (repository / ".git").exists():  # of a repository around it git would tell, too
        return ""
    try:
        return subprocess.run(
            ["git", "describe", "--always", "--dirty=.dirty", "--exclude=*"],  # noqa: S607
            cwd=repository,
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
