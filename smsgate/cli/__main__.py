"""The command ``smsgate``; also ``python -m smsgate.cli``, where no script is installed."""

from __future__ import annotations

import importlib
import os
import sys

NOT_INSTALLED = 2


def main() -> None:
    """Run one command; where the service is not installed, say in one line what to install."""
    arguments = sys.argv[1:]
    try:
        code = importlib.import_module("smsgate.cli.main").run(arguments, os.environ)  # noqa: TID251 - an entry point
    except ModuleNotFoundError as error:
        if str(error.name).startswith("smsgate"):
            raise
        extra = "dev" if arguments[:1] == ["dev"] else "server"
        sys.stderr.write(
            f"The commands need the service ({error.name} is missing): "
            f"pip install 'smsgate[{extra}]'\n"
        )
        code = NOT_INSTALLED
    sys.exit(code)


if __name__ == "__main__":
    main()
