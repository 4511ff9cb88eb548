"""The page of trends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from flask import Flask, render_template, request

from smsgate.consent import event_text
from smsgate.domain.messages import ALL
from smsgate.features.trends.chart import chart_of
from smsgate.features.trends.service import MAX_DAYS, load_trends, today
from smsgate.pipeline.services import Services
from smsgate.web.console.auth import needs
from smsgate.web.console.listing import date_range, query_with

DAYS = 30
"""Days that are shown where no range was asked for."""
_SPACE = "\N{NO-BREAK SPACE}"
RANGES = {"7 days": 7, "30 days": DAYS, "90 days": 90, "a year": 365}


@dataclass(frozen=True, slots=True)
class TrendRange:
    """The days that the page shows, both included."""

    first: date
    last: date
    problem: str = ""
    """Why they are not those that were asked for."""


def register(console: Flask, services: Services) -> None:
    """Add the routes."""

    @console.get("/console/trends")
    @needs("viewer")
    def trends() -> str:
        """Show charts and tables of a range of days."""
        range_ = _range()
        titles = {one.name: one.title for one in services.settings.programs}
        program = request.args.get("program", "")
        if program not in titles:
            program = ""
        found = load_trends(services, range_.first, range_.last, program)
        opt_outs = chart_of(
            "opt-outs",
            "Opt-outs a day",
            [(one.day, one.opt_outs) for one in found.days],
            lambda value: f"{value:,.0f}",
            whole=True,
        )
        rates = chart_of(
            "rate",
            "Opt-out rate a day",
            [(one.day, one.rate) for one in found.days],
            percent,
        )
        return render_template(
            "trends.html",
            trends=found,
            opt_outs=opt_outs,
            rates=rates,
            has_rates=any(one.rate is not None for one in found.days),
            range=range_,
            ranges={
                name: query_with(**{"from": _earlier(range_.last, days - 1)})
                for name, days in RANGES.items()
            },
            program=program,
            titles={**titles, ALL: "Every program"},
            program_options=[("", "All"), *titles.items()],
            percent=percent,
            event_text=event_text,
        )


def percent(share: float) -> str:
    """A share as people read it, with as many decimals as it needs."""
    value = 100 * share
    if value >= 10 or value == 0:
        return f"{value:.0f}{_SPACE}%"
    return f"{value:.1f}{_SPACE}%" if value >= 1 else f"{value:.2g}{_SPACE}%"


def _range() -> TrendRange:
    """The range of the address; it ends today at the latest."""
    asked, now = date_range(), today()
    last = min(asked.last or now, now)
    first = asked.first or _earlier(last, DAYS - 1)
    if asked.problem or first > last:
        problem = asked.problem or "The first day is still to come: choose one up to today."
        return TrendRange(_earlier(now, DAYS - 1), now, problem)
    if (last - first).days >= MAX_DAYS:
        earliest = _earlier(last, MAX_DAYS - 1)
        problem = f"At most {MAX_DAYS} days are shown at once: these are the last of them."
        return TrendRange(earliest, last, problem)
    return TrendRange(first, last)


def _earlier(day: date, days: int) -> date:
    """The day so many days before; the first of all where there is none."""
    return date.fromordinal(max(1, day.toordinal() - days))
