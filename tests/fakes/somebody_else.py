"""Being a user who may not do everything, also where the tests run as root."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator


@contextlib.contextmanager
def as_somebody_else() -> Iterator[None]:
    """Without the rights of root, which may write everywhere."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
