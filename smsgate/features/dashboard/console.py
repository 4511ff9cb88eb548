"""The home page: what needs attention, today's figures and those of 30 days, system status."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from flask import Flask, render_template

from smsgate.features.dashboard.service import DAYS, Dashboard, load_dashboard
from smsgate.features.dashboard.statistics import MEASURES
from smsgate.pipeline.conditions import REVIEW_DEADLINE_S, TABLE, Condition
from smsgate.pipeline.services import Services
from smsgate.web.console.auth import console_auth, current_session, lacks_factor, needs

_BAR_HEIGHT, _MIN_BAR_HEIGHT = 48, 1.5
"""In the units of the chart. The least height shows a day with anything at all."""


@dataclass(frozen=True, slots=True)
class FigureCard:
    """One figure of today, and of the days before."""

    title: str
    today: int | None
    """None if it is unknown."""
    bars: list[tuple[int, float, str]]
    """Of each day, oldest first, its place from the left, its height, and it in words."""


def register(console: Flask, services: Services) -> None:
    """Add the routes."""

    @console.get("/console/")
    @needs("viewer")
    def home() -> str:
        """The whole page."""
        dashboard = load_dashboard(services, console_auth().deadlines)
        return render_template(
            "home.html",
            days=[*reversed(dashboard.days.items())],
            titles=MEASURES,
            columns=["Day", *((title, "count") for title in MEASURES.values())],
            **_values(dashboard),
        )

    @console.get("/console/home/now")
    @needs("viewer")
    def home_now() -> str:
        """What changes: the page asks for it every 15 seconds."""
        dashboard = load_dashboard(services, console_auth().deadlines)
        return render_template("part_home.html", **_values(dashboard))


def _values(dashboard: Dashboard) -> dict[str, object]:
    share = dashboard.confirmations.share if dashboard.confirmations else None
    return {
        "now_us": time.time_ns() // 1000,
        "figures": dashboard,
        "attention": [*dashboard.conditions, *_notices(dashboard)],
        "cards": [_card(measure, dashboard) for measure in MEASURES],
        # Rounded down: 100 % means all.
        "share": "" if share is None else f"{math.floor(share * 10_000) / 100:g} %",
    }


def _notices(dashboard: Dashboard) -> list[Condition]:
    """What is no fault, and still needs somebody."""
    found, reviews = [], dashboard.reviews
    are_old = any(one.name == "SmsgateReviewsOld" for one in dashboard.conditions)
    if reviews is not None and reviews.count and not are_old:
        hours = max(0.0, REVIEW_DEADLINE_S - reviews.oldest_s) / 3600
        texts = "1 text needs" if reviews.count == 1 else f"{reviews.count:,} texts need"
        title = f"{texts} review, {hours:.0f} h left for the oldest"
        text, page = "Marketing to these numbers is on hold until then.", TABLE["reviews_old"].page
        found.append(Condition("reviews", "ticket", title, text, page=page))
    operator = current_session().operator
    if operator.role == "admin" and not operator.has_second_factor and not lacks_factor():
        title = "You are an admin without two-step sign-in"
        text = "A passkey or a code from your phone protects your account beyond the password."
        page = ("/console/me/factor", "Set up")
        found.append(Condition("factor", "ticket", title, text, page=page))
    return found


def _card(measure: str, figures: Dashboard) -> FigureCard:
    today = None if figures.today is None else figures.today.get(measure, 0)
    counts = [(day, of_day.get(measure, 0)) for day, of_day in figures.days.items()][-DAYS:]
    most = max((count for _, count in counts), default=0)
    bars = []
    for place, (day, count) in enumerate(counts, DAYS - len(counts)):
        height = max(_MIN_BAR_HEIGHT, round(_BAR_HEIGHT * count / most, 1)) if count else 0
        is_unknown = place == DAYS - 1 and today is None
        bars.append((place, height, "today: unknown" if is_unknown else f"{day:%b %-d}: {count:,}"))
    return FigureCard(MEASURES[measure], today, bars)
