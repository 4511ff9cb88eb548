"""``python -m tests.fakes.serving module:factory port settings``: serves as the process web."""

from __future__ import annotations

import importlib
import json
import sys

from workers.web import GunicornServer, bound


def main(factory, port, settings):
    def make():
        module, _, name = factory.partition(":")
        return getattr(importlib.import_module(module), name)()

    processes, threads = 1, 16
    listener = bound("127.0.0.1", int(port))
    GunicornServer(listener, make, processes, threads, **json.loads(settings)).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
