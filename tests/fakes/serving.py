"""``python -m tests.fakes.serving module:factory port settings``: serves as the process web."""

from __future__ import annotations

import importlib
import json
import sys

from workers.web import GunicornServer, bound


class OtherApplication(GunicornServer):
    """The server of ``workers web`` around what a factory makes."""

    factory = ""

    def load(self):
        module, _, name = self.factory.partition(":")
        return getattr(importlib.import_module(module), name)()


if __name__ == "__main__":
    OtherApplication.factory, port, settings = sys.argv[1:]
    processes, threads = 1, 16
    OtherApplication(
        bound("127.0.0.1", int(port)), processes, threads, **json.loads(settings)
    ).run()
