"""Says what a text asks for: ``python -m smsgate.classifier "take me off your list"``."""

from __future__ import annotations

import sys

from smsgate.classifier import classify


def main() -> int:
    """Print the decision about each argument."""
    for text in sys.argv[1:]:
        found = classify(text)
        sure = "" if found.confidence is None else f" {found.confidence:.1%}"
        matched = f": {found.keyword}" if found.keyword else ""
        print(f"{found.intent}{sure} ({found.rule}{matched})")  # noqa: T201 - a command
    return 0 if sys.argv[1:] else 2


if __name__ == "__main__":
    raise SystemExit(main())
