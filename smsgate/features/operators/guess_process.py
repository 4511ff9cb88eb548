"""The process that estimates how many guesses a password takes, and ends: see ``passwords.py``."""

from __future__ import annotations

import json
import sys

from zxcvbn import zxcvbn


def main() -> None:
    """Read a password and words near it from standard input; write the logarithm of the guesses."""
    password, words = json.load(sys.stdin)
    json.dump(zxcvbn(password, words)["guesses_log10"], sys.stdout)


if __name__ == "__main__":
    main()
