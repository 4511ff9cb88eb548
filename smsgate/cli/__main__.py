"""``python -m smsgate.cli``: the command where no script is installed."""

from __future__ import annotations

from smsgate.cli.main import main

if __name__ == "__main__":
    main()
