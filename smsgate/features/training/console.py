"""The guide, read from its file, and a button by which its reader says so on record."""

from __future__ import annotations

import functools
from hashlib import sha256
from importlib import resources

import msgspec
from flask import Flask, flash, redirect, render_template
from sqlalchemy import func, select
from werkzeug import Response

from smsgate.domain.errors import RecordsUnavailable
from smsgate.pipeline.services import Services
from smsgate.records import Records
from smsgate.records.console_tables import operator_actions
from smsgate.records.database import lookup
from smsgate.records.reader import rows_of
from smsgate.web.console.auth import actor, needs, record_action

GUIDE = "/console/guide"
_READ = "read the guide"


class Guide(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The guide, as its file has it."""

    as_of: str
    """The day for which the rules were looked up."""
    rules: dict[str, str]
    sections: list[dict[str, str | list[str]]]
    """Each with ``id``, ``title``, ``text``, ``points``, and ``rules``, the names of those."""
    deadlines: list[dict[str, str]]
    """How long a sender may take in a ``place``: ``within``, with a ``note``, by a ``rule``."""


@functools.cache
def shipped_guide() -> tuple[Guide, str]:
    """Return the guide of this smsgate, and its version: a hash of the whole file."""
    raw = resources.files(__package__).joinpath("guide.toml").read_bytes()
    return msgspec.toml.decode(raw, type=Guide), sha256(raw).hexdigest()[:8]


def register(console: Flask, services: Services) -> None:
    """Add the routes."""
    shipped, version = shipped_guide()

    @console.get(GUIDE)
    @needs("viewer")
    def guide() -> str:
        """Show the text, and when its reader has read this version."""
        read_us, problem = 0, ""
        try:
            read_us = last_read_us(services.records, actor(), f"version {version}")
        except RecordsUnavailable as error:
            problem = str(error)
        return render_template(
            "guide.html", guide=shipped, version=version, read_us=read_us, problem=problem
        )

    @console.post(GUIDE)
    @needs("viewer")
    def guide_read() -> Response:
        """Put on record that its reader has read this version."""
        record_action(_READ, f"version {version}")
        flash("Recorded.", "good")
        return redirect(GUIDE, 303)


def last_read_us(records: Records, operator: str, version: str) -> int:
    """When an operator last read a version, in microseconds since 1970; 0 is never.

    Raises ``RecordsUnavailable``.
    """
    action = operator_actions.c
    asked = select(func.max(action.at_us)).where(
        action.actor == lookup(operator), action.what == _READ, action.note == version
    )
    return next((row[0] for row in rows_of(records.database, asked)), None) or 0
