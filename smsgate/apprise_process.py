"""The process that hands a message to Apprise and ends: see ``notifications.py``."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

import apprise


def main() -> None:
    """Read an address and a message from standard input; write why it was not taken, if so."""
    url, title, body, kind = json.load(sys.stdin)
    target = apprise.Apprise()
    captured: Any = apprise.LogCapture  # without types
    with captured(level=logging.WARNING, fmt="%(message)s") as log:
        if not target.add(url):
            sys.stdout.write("Apprise does not know such an address")
        elif not target.notify(body, title, kind, apprise.NotifyFormat.TEXT):
            problem, *_ = log.getvalue().splitlines() or ["it was not taken"]
            sys.stdout.write(problem.rstrip("."))


if __name__ == "__main__":
    main()
