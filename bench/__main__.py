"""``python -m bench``: runs every benchmark, one after the other, with the same arguments."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

BENCHES = ("webhooks", "delivery", "providers", "forwarding", "forgeries")
"""Modules of this folder; each can be run by itself: ``python -m bench.webhooks``."""


def main(arguments: Sequence[str]) -> int:
    """Run them all; the exit code is that of the first one that failed."""
    codes = [
        subprocess.call([sys.executable, "-m", f"bench.{name}", *arguments]) for name in BENCHES
    ]
    return next((code for code in codes if code), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
