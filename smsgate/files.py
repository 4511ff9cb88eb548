"""Questions about files whose answer must not be guessed."""

from __future__ import annotations

from pathlib import Path


def is_there(path: Path) -> bool:
    """Whether a file or folder is there. Raises ``OSError`` where this user may not know.

    ``Path.exists`` says False then, from Python 3.14 on, as if there were nothing to lose.
    """
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True
