"""Home: is it well, what happened today beside the usual, what needs a person."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from flask import Flask, render_template, request

from smsgate.features.dashboard import service
from smsgate.features.dashboard.chart import Chart, chart_of
from smsgate.features.dashboard.daily import WHATS, Confirmations, Speed
from smsgate.features.dashboard.service import Numbers, Overview
from smsgate.features.dashboard.status import Trouble
from smsgate.pipeline.conditions import REVIEW_DEADLINE_S, WRITES_REFUSED, Condition
from smsgate.pipeline.services import Services
from smsgate.web.console.auth import console_auth, current_session, lacks_factor, needs

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
    "SmsgateDeadLetters": ("/console/replies/dead", "Look at them"),
}
"""Where a condition is dealt with in the console."""
_UNKNOWN = {
    "store": (
        "Nobody may be texted while the gate cannot tell, and texts that arrive wait on this "
        "host's disk. What waits, today's figures and which processes run are unknown."
    ),
    "queue": "Opt-outs block, but are not applied or confirmed.",
    "spool": "If the store fails, texts that arrive may be lost.",
    "records": (
        "Opt-outs block as before, and events wait in the store. Earlier days, and since when and "
        "why a number is opted out, are unknown."
    ),
}
"""What it means that a collaborator cannot be read."""
_NOT_READY = {
    "store": "Nobody may be texted until it is ready.",
    "records": "Events wait in the store.",
}
_OF_STORE = frozenset({WRITES_REFUSED, "SmsgateGateShut", "SmsgateStoreLost"})
"""Conditions that tell what the store says of itself: one cause is told once."""
_MEND = {
    "store": "check the Redis of `REDIS_URL`",
    "queue": "check the Redis of `QUEUE_URL`, or of `REDIS_URL` where that is not set",
    "spool": "make `SMSGATE_DATA_DIR` writable, with room on its disk",
    "records": "check the database of `DATABASE_URL`; `smsgate records status` says more",
}
_DOCTOR = "`smsgate doctor` says what mends it"


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of today, the usual, and the days before."""

    title: str
    today: int | None
    """None where it is unknown."""
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


def register(console: Flask, services: Services) -> None:
    """Add the routes."""

    @console.get("/console/")
    @needs("viewer")
    def home() -> str:
        """The first page."""
        seen = service.look(services, console_auth().deadlines)
        return render_template(
            "home.html",
            days=[*reversed(seen.numbers.days.items())],
            whats=WHATS,
            titles=TITLES,
            **_now(services, seen),
        )

    @console.get("/console/home/now")
    @needs("viewer")
    def home_now() -> str:
        """What changes: asked for by the page every 15 seconds."""
        return render_template(
            "part_home.html", **_now(services, service.look(services, console_auth().deadlines))
        )


def _now(services: Services, seen: Overview) -> dict[str, object]:
    numbers = seen.numbers
    return {
        "now_us": time.time_ns() // 1000,
        "accounts": _webhooks(services),
        "public_url": services.settings.public_url,
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
    troubles = seen.collaborators.troubles()
    is_store_told = any(one.name == "store" for one in troubles)
    found = [_trouble(one) for one in troubles]
    found += [
        _need(one) for one in seen.conditions if not (is_store_told and one.name in _OF_STORE)
    ]
    told = {one.name for one in seen.conditions}
    reviews = seen.seen.waits.reviews if seen.seen else None
    if reviews is not None and reviews.count and "SmsgateReviewsOld" not in told:
        hours = max(0.0, REVIEW_DEADLINE_S - reviews.oldest_s) / 3600
        texts = "1 text waits" if reviews.count == 1 else f"{reviews.count:,} texts wait"
        said = f"{texts} for a person; the oldest has {hours:.0f} h left"
        mend = "Marketing to these numbers is held until they are decided."
        found.append(Need("warn", said, mend, *PAGES["SmsgateReviewsOld"]))
    row = current_session().operator
    if row.role == "admin" and not row.totp_secret and not lacks_factor():
        said = "You are an admin and have no second factor"
        found.append(Need("calm", said, "A code of your phone beside the password.",
                          "/console/me/factor", "Set it up"))  # fmt: skip
    return found


def _trouble(one: Trouble) -> Need:
    if one.is_unknown:
        said, means = f"{one.title.capitalize()} unknown: {one.said}", _UNKNOWN[one.name]
        return Need("bad", said, f"{means} To fix it: {one.mend or _MEND[one.name]}.")
    said, means = f"{one.title.capitalize()}: {one.said}", _NOT_READY.get(one.name, "")
    return Need("bad", said, f"{means} To fix it: {one.mend or _DOCTOR}.".strip())


def _need(one: Condition) -> Need:
    said, mend = _sentence(f"{one.subject}: {one.problem}"), f"{_sentence(one.remedy)}."
    return Need("bad" if one.is_failure else "warn", said, mend, *PAGES.get(one.name, ()))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _figure(what: str, numbers: Numbers) -> Figure:
    title, is_known = TITLES[what], numbers.today is not None
    today = numbers.today.get(what, 0) if numbers.today is not None else None
    usual = "usually unknown" if numbers.usual is None else ""
    if numbers.usual:
        usual = f"usually {_round(numbers.usual[what])} a day"
    chart = chart_of(title, what, numbers.days, is_today_known=is_known)
    return Figure(title, today, usual, chart)


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


def _webhooks(services: Services) -> list[tuple[str, str]]:
    """Of each account its name, and what its provider is to call."""
    origin = services.settings.public_url or request.host_url.rstrip("/")
    return [
        (one.name, f"{one.public_url or origin}/webhooks/{one.name}")
        for one in services.settings.accounts.values()
        if not one.simulated
    ]
