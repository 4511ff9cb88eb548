"""A file that is there whole, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def whole(path: Path) -> Iterator[BinaryIO]:
    """Write to a file beside it, which takes its place when all went well; its owner's only.

    What is there and no file, such as ``/dev/stdout``, is written to as it is.
    """
    if path.exists() and not path.is_file():
        with path.open("wb") as out:
            yield out
        return
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as out:
            part.chmod(0o600)  # it holds people's numbers
            yield out
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
