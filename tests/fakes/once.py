"""What takes longer to make than most tests take is made once for the whole run.

None of it holds what a test does: tables without rows, pages as compiled, and their addresses.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from werkzeug.routing import Rule

from smsgate.records import Records, migrations, tables
from smsgate.records.database import Database


def one_schema(patch: pytest.MonkeyPatch, folder: Path) -> Callable[[Database], tuple[str, str]]:
    """Copy tables that were migrated once to where no file is; gives what really migrates."""
    really, lock = migrations.migrate, threading.Lock()
    made = folder / "records.sqlite3"

    def migrate(database: Database) -> tuple[str, str]:
        file = database.file
        if file is None or file == made or file.exists():
            return really(database)
        with lock:
            if not made.exists():
                records = Records(f"sqlite:///{made}")
                records.migrate()
                records.close()
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.copy(made, file)
        return "", tables.VERSION

    patch.setattr(migrations, "migrate", migrate)
    return really


class _Pages(BytecodeCache):
    """Pages as they were compiled by the first application that showed them."""

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._code:
            bucket.bytecode_from_string(self._code[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key] = bucket.bytecode_to_string()


def one_set_of_pages(patch: pytest.MonkeyPatch) -> None:
    """Compile each template once, and what makes an address only for those that are made.

    An application has a hundred addresses, and Werkzeug compiles two functions for each.
    """
    patch.setattr(Flask, "jinja_options", {"bytecode_cache": _Pages()})
    compile_ = Rule._compile_builder

    def later(rule: Rule, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        made: list[Callable[..., tuple[str, str]]] = []

        def build(self: Rule, /, **values: object) -> tuple[str, str]:
            if not made:
                made.append(compile_(rule, append_unknown))
            return made[0](self, **values)

        return build

    patch.setattr(Rule, "_compile_builder", later)
