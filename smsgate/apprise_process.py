"""The process that hands messages to Apprise and ends: see ``notifications.py``."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

import apprise


def main() -> None:
    """Read an address and its messages from standard input; write what came of them."""
    url, messages = json.load(sys.stdin)
    sent, target = 0, apprise.Apprise()
    captured: Any = apprise.LogCapture  # without types
    with captured(level=logging.WARNING, fmt="%(message)s") as log:
        is_known = target.add(url)
        for title, body, kind in messages if is_known else ():
            if not target.notify(body, title, kind, apprise.NotifyFormat.TEXT):
                break
            sent += 1
        lines = log.getvalue().splitlines()
    problem = "" if sent == len(messages) else next(iter(lines), "it was not taken").rstrip(".")
    json.dump([sent, problem if is_known else "Apprise does not know such an address"], sys.stdout)


if __name__ == "__main__":
    main()
