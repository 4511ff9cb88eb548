"""How values look on a page: filters of the templates."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo

import phonenumbers
from flask import Flask, request
from markupsafe import Markup, escape

from smsgate.domain.languages import language_name
from smsgate.domain.messages import ALL
from smsgate.domain.time_zones import zone_names
from smsgate.interface.values import ZONE
from smsgate.settings import Settings
from smsgate.web.console.auth import operator_zone

_STEPS = (
    (60, "second", 1), (3600, "minute", 60), (86_400, "hour", 3600), (math.inf, "day", 86_400),
)  # fmt: skip
"""Below how many seconds which unit is used, and its seconds."""


def register(console: Flask, settings: Settings) -> None:
    """Add the filters."""
    console.add_template_filter(lambda name: program_title(name, settings), "program")
    console.add_template_filter(language_name, "language")
    console.add_template_filter(lambda at: round(at.timestamp() * 1_000_000), "micros")
    console.add_template_filter(lambda us: moment(us, operator_zone()), "moment")
    console.add_template_filter(lambda us: exact(us, operator_zone()), "exact")
    console.add_template_filter(lambda us: day(us, operator_zone()), "day")
    console.jinja_env.filters |= {
        one.__name__: one for one in (iso, utc, ago, spaced, many, coded, marked)
    }
    console.jinja_env.globals.update(zone_of_forms=zone_of_forms, is_zone_chosen=is_zone_chosen)


def zone_of_forms() -> str:
    """The name of the zone that days and times in forms of this page are in.

    A form sends it along: so what is read is what was shown, also in an older tab, and in an
    address that somebody else opens. It is the one in the address, else the operator's.
    """
    named = request.args.get(ZONE, "")
    return named if named in zone_names() else str(operator_zone())


def is_zone_chosen() -> bool:
    """Whether the address or the operator named the zone; else the browser's takes its place."""
    return operator_zone() is not UTC or request.args.get(ZONE, "") in zone_names()


def program_title(name: str, settings: Settings) -> str:
    """The title of a program; ``all`` as All programs, and the name of one that is gone."""
    found = settings.programs.get(name)
    return "All programs" if name == ALL else found.title if found and found.title else name


def iso(us: int) -> str:
    """A time for machines: 2026-11-24T21:05:07Z."""
    return _at(us).strftime("%Y-%m-%dT%H:%M:%SZ")


def utc(us: int) -> str:
    """A time to the second: 2026-11-24 21:05:07 UTC."""
    return _at(us).strftime("%Y-%m-%d %H:%M:%S UTC")


def moment(us: int, zone: tzinfo = UTC) -> str:
    """A time to the minute, Nov 24, 21:05 UTC; with its year where that is another."""
    return _at(us, zone).strftime(f"{_day_format(us, zone)}, %H:%M %Z")


def exact(us: int, zone: tzinfo = UTC) -> str:
    """A time to the second; in another zone than UTC with UTC behind it."""
    if _at(us, zone).tzname() == "UTC":
        return utc(us)
    return _at(us, zone).strftime(f"%b %-d, %Y, %H:%M:%S %Z ({utc(us)})")


def day(us: int, zone: tzinfo = UTC) -> str:
    """The day of a time, Nov 24; with its year where that is another."""
    return _at(us, zone).strftime(_day_format(us, zone))


def ago(us: int) -> str:
    """How long ago a time was."""
    seconds = max(0, int(time.time() - us / 1_000_000))
    if seconds < 5:
        return "just now"
    unit, size = next((unit, size) for below, unit, size in _STEPS if seconds < below)
    return f"{many(seconds // size, unit)} ago"


def spaced(number: str) -> str:
    """A number as people write it: +1 415-555-0100. What is no number is shown as it is."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def many(count: int, unit: str) -> str:
    """A count of something: 1 number, 3,000 numbers."""
    return f"{count:,} {unit}{'' if count == 1 else 's'}"


def coded(sentence: str) -> Markup:
    """A sentence of ours with commands in backquotes, those as code."""
    return _tagged(sentence.split("`"), Markup("<code>{}</code>"))


def marked(text: str, keyword: str) -> Markup:
    """A text with what decided highlighted: the keyword, or the words that weighed most."""
    words = sorted(filter(None, keyword.split(", ")), key=len, reverse=True)
    wanted = "|".join(f"(?<![a-z]){re.escape(word)}(?![a-z])" for word in words)
    pieces = re.split(f"({wanted})", text, flags=re.IGNORECASE) if wanted else [text]
    return _tagged(pieces, Markup("<mark>{}</mark>"))


def _at(us: int, zone: tzinfo = UTC) -> datetime:
    return datetime.fromtimestamp(us / 1_000_000, zone)


def _day_format(us: int, zone: tzinfo) -> str:
    return "%b %-d" if _at(us, zone).year == datetime.now(zone).year else "%b %-d, %Y"


def _tagged(pieces: Sequence[str], element: Markup) -> Markup:
    """A text whose every second piece stands in an element."""
    return Markup().join(
        element.format(piece) if at % 2 else escape(piece) for at, piece in enumerate(pieces)
    )
