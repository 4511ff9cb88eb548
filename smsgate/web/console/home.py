"""Home: is it well, what happened today beside the usual, what needs a person."""

from __future__ import annotations

import math
from dataclasses import dataclass

from flask import Flask, render_template, request

from smsgate.gateway import Gateway
from smsgate.gateway.alerts.conditions import REVIEW_DEADLINE_S, Condition
from smsgate.gateway.overview import at_a_glance
from smsgate.gateway.overview.at_a_glance import Numbers, Overview
from smsgate.gateway.overview.daily import WHATS, Confirmations, Speed
from smsgate.web.console.home_chart import Chart, chart_of
from smsgate.web.console.people import known, lacks_factor, needs

TITLES = {
    "texts": "Texts in",
    "opt_outs": "Opt-outs",
    "opt_ins": "Opt-ins",
    "help": "HELP",
    "review": "For review",
    "confirmations": "Confirmations sent",
}
PAGES = {
    "SmsgateReviewsOld": ("/console/review", "Decide them"),
    "SmsgateDeadLetters": ("/console/replies", "Look at them"),
}
"""Where a condition is dealt with in the console."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of today, the usual, and the days before."""

    title: str
    today: int
    usual: str
    chart: Chart


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that needs a person."""

    tone: str
    said: str
    mend: str
    path: str = ""
    link: str = ""


def register(console: Flask, gateway: Gateway) -> None:
    """Add the routes."""

    @console.get("/console/")
    @needs("viewer")
    def home() -> str:
        """The first page."""
        seen = at_a_glance.look(gateway)
        return render_template(
            "home.html",
            days=[*reversed(seen.numbers.days.items())],
            whats=WHATS,
            titles=TITLES,
            accounts=_webhooks(gateway),
            public_url=gateway.settings.public_url,
            **_now(seen),
        )

    @console.get("/console/home/now")
    @needs("viewer")
    def home_now() -> str:
        """What changes: asked for by the page every 15 seconds."""
        return render_template("part_home.html", **_now(at_a_glance.look(gateway)))


def _now(seen: Overview) -> dict[str, object]:
    numbers = seen.numbers
    return {
        "parts": seen.parts,
        "needs": _needs(seen),
        "figures": [_figure(what, numbers) for what in WHATS],
        "numbers": numbers,
        "blocked": _said(numbers.to_blocked),
        "confirmed": _said(numbers.to_confirmed),
        "confirmations": numbers.confirmations,
        "share": _share(numbers.confirmations),
    }


def _needs(seen: Overview) -> list[Need]:
    found = [_need(one) for one in seen.conditions]
    told = {one.name for one in seen.conditions}
    reviews = seen.seen.waits.reviews if seen.seen else None
    if reviews is not None and reviews.count and "SmsgateReviewsOld" not in told:
        hours = max(0.0, REVIEW_DEADLINE_S - reviews.oldest_s) / 3600
        texts = "1 text waits" if reviews.count == 1 else f"{reviews.count:,} texts wait"
        said = f"{texts} for a person; the oldest has {hours:.0f} h left"
        mend = "Marketing to these numbers is held until they are decided."
        found.append(Need("warn", said, mend, *PAGES["SmsgateReviewsOld"]))
    row = known().operator
    if row.role == "admin" and not row.totp_secret and not lacks_factor():
        said = "You are an admin and have no second factor"
        found.append(Need("calm", said, "A code of your phone beside the password.",
                          "/console/me/factor", "Set it up"))  # fmt: skip
    return found


def _need(one: Condition) -> Need:
    said = f"{one.subject}: {one.said}"
    return Need("bad" if one.fault else "warn", said, one.mend, *PAGES.get(one.name, ()))


def _figure(what: str, numbers: Numbers) -> Figure:
    title, today = TITLES[what], numbers.today.get(what, 0)
    usual = f"usually {_round(numbers.usual[what])} a day" if numbers.usual else ""
    return Figure(title, today, usual, chart_of(title, what, numbers.days))


def _round(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}".removesuffix(".0")


def _share(confirmations: Confirmations | None) -> str:
    """The share in time, rounded down: 100% is said only of all."""
    if confirmations is None or confirmations.share is None:
        return ""
    return f"{math.floor(confirmations.share * 10_000) / 100:g}%"


def _said(speed: Speed | None) -> str:
    """How long it took, by the bounds that were counted."""
    if speed is None:
        return ""
    return f"half within {_span(speed.half_s)}, 99 of 100 {_within(speed.most_s)}"


def _within(seconds: float) -> str:
    return "took longer" if math.isinf(seconds) else f"within {_span(seconds)}"


def _span(seconds: float) -> str:
    if math.isinf(seconds):
        return "a longer time"
    if seconds < 1:
        return f"{seconds * 1000:g} ms"
    return f"{seconds:g} s" if seconds < 60 else f"{seconds / 60:g} min"


def _webhooks(gateway: Gateway) -> list[tuple[str, str]]:
    """Of each account its name, and what its provider is to call."""
    origin = gateway.settings.public_url or request.host_url.rstrip("/")
    return [
        (one.name, f"{one.public_url or origin}/webhooks/{one.name}")
        for one in gateway.settings.accounts.values()
        if not one.simulated
    ]
