"""``python -m tests.fakes.serving module:factory port limits``: serves as ``workers web`` does."""

from __future__ import annotations

import importlib
import json
import sys
from dataclasses import replace

from workers.web import LIMITS, Processes, bound

if __name__ == "__main__":
    factory, port, limits = sys.argv[1:]
    module, _, name = factory.partition(":")
    make = getattr(importlib.import_module(module), name)
    changed = replace(LIMITS, **json.loads(limits))
    Processes(bound("127.0.0.1", int(port)), 1, lambda: make().wsgi_app, changed).run()
