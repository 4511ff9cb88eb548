"""The time zone of the days and times that people type into forms.

A form names its zone beside such a field and sends the name along: so what is read is what was
shown, also in an older tab, and in an address that somebody else opens. It is the zone that the
operator chose; where they chose none, the script of the pages puts the browser's in its place.
"""

from __future__ import annotations

from datetime import UTC, tzinfo

from flask import Flask, request

from smsgate.domain.errors import Unfit
from smsgate.domain.time_zones import find_zone, zone_names
from smsgate.web.console.auth import operator

FIELD = "zone"
_UTC = "UTC"


def register(console: Flask) -> None:
    """Let templates ask for the zone of their forms."""
    console.jinja_env.globals.update(zone_of_forms=zone_of_forms, is_zone_chosen=is_zone_chosen)


def typed_zone() -> tzinfo:
    """The zone of the days and times in this request. Raises ``Unfit``."""
    name = _named()
    if not name:
        return find_zone(_own())
    if name not in zone_names():
        raise Unfit(
            f"There is no time zone {name[:40]!r}: choose yours under your name, at the top.",
            field=FIELD,
        )
    return find_zone(name)


def zone_of_forms() -> str:
    """The name of the zone that forms on this page take: that of the address, or the operator's."""
    named = request.args.get(FIELD, "")
    return named if named in zone_names() else _own() or _UTC


def is_zone_chosen() -> bool:
    """Whether the address or the operator named the zone; else the browser's takes its place."""
    return bool(_own()) or request.args.get(FIELD, "") in zone_names()


def _named() -> str:
    values = request.form if request.method == "POST" else request.args
    return values.get(FIELD, "").strip()


def _own() -> str:
    found = operator()
    return found.zone if found is not None and find_zone(found.zone) is not UTC else ""
