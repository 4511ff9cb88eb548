"""Small files that only their owner may read: secrets that are made once, and ``run.json``."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path


def kept(path: Path, make: Callable[[], str]) -> str:
    """The text that the file holds; at the first time ``make`` makes it."""
    if not path.exists():
        write(path, make() + "\n")
    return path.read_text(encoding="utf-8").strip()


def write(path: Path, text: str) -> None:
    """Write a file, mode 0600, whole or not at all."""
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
