"""``python -m tests.fakes.serving module:factory port processes``: serves as the process web."""

from __future__ import annotations

import importlib
import sys

from workers.web import run


def main(factory, port, processes):
    def make():
        module, _, name = factory.partition(":")
        return getattr(importlib.import_module(module), name)()

    run(make, "127.0.0.1", int(port), int(processes), threads=16)


if __name__ == "__main__":
    main(*sys.argv[1:])
