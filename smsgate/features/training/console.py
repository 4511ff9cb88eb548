"""The guide, read from its file, and a button by which its reader says so on record."""

from __future__ import annotations

import functools
from hashlib import sha256
from importlib import resources

import msgspec
from flask import Flask, flash, redirect, render_template
from werkzeug import Response

from smsgate.web.console.auth import needs, record_action

GUIDE = "/console/guide"


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


def register(console: Flask) -> None:
    """Add the routes."""
    shipped, version = shipped_guide()

    @console.get(GUIDE)
    @needs("viewer")
    def guide() -> str:
        """Show the text."""
        return render_template("guide.html", guide=shipped, version=version)

    @console.post(GUIDE)
    @needs("viewer")
    def guide_read() -> Response:
        """Put on record that its reader has read this version."""
        record_action("read the guide", f"version {version}")
        flash("Recorded.", "good")
        return redirect(GUIDE, 303)
