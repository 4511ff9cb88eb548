"""What pages with filters share: days, the filter of what waits, links that keep the filters."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, date, tzinfo
from urllib.parse import urlencode

from flask import request

from smsgate.domain.errors import Unfit
from smsgate.domain.time_zones import day_end_us, day_start_us
from smsgate.web.console.zones import typed_zone, zone_of_forms


@dataclass(frozen=True, slots=True)
class DateRange:
    """Days, both included; an open end is None."""

    first: date | None = None
    last: date | None = None
    problem: str = ""
    """What is wrong with the days that were given; then neither counts."""
    zone: tzinfo = UTC
    """In which the days begin and end."""

    @property
    def since_us(self) -> int:
        """The first moment of the range; 0 without a first day."""
        return day_start_us(self.first, self.zone) if self.first else 0

    @property
    def until_us(self) -> int:
        """The first moment after the range; 0 without a last day."""
        return day_end_us(self.last, self.zone) if self.last else 0

    def checked(self) -> DateRange:
        """The range itself. Raises ``Unfit`` for wrong days, which a file must not ignore."""
        if self.problem:
            raise Unfit(self.problem)
        return self


def date_range() -> DateRange:
    """The range in ``from`` and ``to`` of the address, in the zone that it names."""
    try:
        zone = typed_zone()
    except Unfit as error:
        return DateRange(problem=str(error))
    found: dict[str, date | None] = {}
    for name in ("from", "to"):
        text = request.args.get(name, "").strip()
        try:
            found[name] = date.fromisoformat(text) if text else None
        except ValueError:
            return DateRange(problem=f"{text[:40]!r} is not a date. Use 2026-11-24.")
    first, last = found["from"], found["to"]
    if last == date.max:
        last = None
    if first and last and first > last:
        return DateRange(problem="The first day is after the last. Swap them.")
    return DateRange(first, last, zone=zone)


_HOUR_US = 3600 * 1_000_000


@dataclass(frozen=True, slots=True)
class WaitingFilter:
    """Which of what waits a page shows; an empty value lets everything through."""

    program: str = ""
    language: str = ""
    """A code, or a page's word for an unknown one."""
    older_than_h: int = 0

    def fits(self, program: str, language: str, waited_us: int) -> bool:
        """Whether it shows something of that program and language that has waited so long."""
        return (
            self.program in ("", program)
            and self.language in ("", language)
            and (not self.older_than_h or waited_us >= self.older_than_h * _HOUR_US)
        )


EVERYTHING = WaitingFilter()
"""The filter that lets everything through."""


def waiting_filter(ages_h: Collection[int]) -> WaitingFilter:
    """The filter in this page's address; of ages only those that the page offers."""
    hours = request.args.get("older", 0, int)
    return WaitingFilter(
        program=request.args.get("program", "")[:200],
        language=request.args.get("language", "")[:40],
        older_than_h=hours if hours in ages_h else 0,
    )


def waiting_filter_query() -> str:
    """The filter of this page's address as a query, without what else stands in it."""
    wanted = {name: request.args.get(name, "") for name in ("program", "language", "older")}
    return urlencode({name: value for name, value in wanted.items() if value})


def filter_note(names: Iterable[str], **changed: str) -> str:
    """The filters of this page's address, as the audit log keeps them: its days with their zone."""
    values = {name: request.args.get(name, "").strip()[:200] for name in names} | changed
    if values.get("from") or values.get("to"):
        values["zone"] = zone_of_forms()
    return urlencode({name: value for name, value in values.items() if value})


def query_with(**changed: object) -> str:
    """The query of this page's address, with some values changed; an empty one is left out."""
    values: dict[str, object] = {**request.args.to_dict(), **changed}
    return urlencode({name: value for name, value in values.items() if value not in ("", None)})
