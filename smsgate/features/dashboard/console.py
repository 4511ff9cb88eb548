"""The home page: what needs attention, today's figures beside the usual, system status."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from flask import Flask, render_template

from smsgate.features.dashboard.service import DAYS, Dashboard, DayFigures, load_dashboard
from smsgate.features.dashboard.statistics import MEASURES, Latency
from smsgate.pipeline.conditions import REVIEW_DEADLINE_S, TABLE, Condition
from smsgate.pipeline.services import Services
from smsgate.records.daily_counts import DayCounts
from smsgate.web.console.auth import console_auth, current_session, lacks_factor, needs

TITLES = {
    "texts": "Texts received",
    "opt_outs": "Opt-out requests",
    "opt_ins": "Opt-in requests",
    "help": "Help requests",
    "review": "Sent to review",
    "confirmations": "Confirmations sent",
}
CHART_WIDTH, CHART_HEIGHT = 300, 48
"""In the SVG's own units; the page stretches it."""
_BAR_STEP, _BAR_GAP = CHART_WIDTH / DAYS, 2
_MIN_BAR_HEIGHT = 1.5
"""So that a day with anything at all is seen."""


@dataclass(frozen=True, slots=True)
class ChartBar:
    """One day."""

    x: float
    y: float
    width: float
    height: float
    text: str


@dataclass(frozen=True, slots=True)
class DayChart:
    """The days of one measure as an SVG of bars, oldest first."""

    id: str
    bars: list[ChartBar]
    text: str
    """The same in words."""


@dataclass(frozen=True, slots=True)
class FigureCard:
    """One figure of today, the usual, and the days before."""

    title: str
    today: int | None
    """None if it is unknown."""
    usual: str
    chart: DayChart


@dataclass(frozen=True, slots=True)
class AttentionItem:
    """One thing that needs attention."""

    tone: str
    title: str
    text: str
    page: tuple[str, str] = ("", "")
    """The path, and the text of the link."""
    command: str = ""
    """What helps in a terminal or in the configuration."""
    key: str = ""
    """Keeps its details open while the page updates."""


def register(console: Flask, services: Services) -> None:
    """Add the routes."""

    @console.get("/console/")
    @needs("viewer")
    def home() -> str:
        """The whole page."""
        dashboard = load_dashboard(services, console_auth().deadlines)
        return render_template(
            "home.html",
            days=[*reversed(dashboard.figures.days.items())],
            titles=TITLES,
            columns=["Day", *((title, "count") for title in TITLES.values())],
            **_values(services, dashboard),
        )

    @console.get("/console/home/now")
    @needs("viewer")
    def home_now() -> str:
        """What changes: the page asks for it every 15 seconds."""
        dashboard = load_dashboard(services, console_auth().deadlines)
        return render_template("part_home.html", **_values(services, dashboard))


def _values(services: Services, dashboard: Dashboard) -> dict[str, object]:
    figures = dashboard.figures
    share = figures.confirmations.share if figures.confirmations else None
    return {
        "now_us": time.time_ns() // 1000,
        "accounts": [one.name for one in services.settings.accounts.values() if not one.simulated],
        "begins": dashboard.begins,
        "components": dashboard.components,
        "attention": _attention(dashboard),
        "cards": [_card(measure, figures) for measure in MEASURES],
        "figures": figures,
        "blocked": _latency_text(figures.to_blocked),
        "confirmed": _latency_text(figures.to_confirmed),
        "confirmations": figures.confirmations,
        # Rounded down: 100 % means all.
        "share": "" if share is None else f"{math.floor(share * 10_000) / 100:g} %",
    }


def _attention(dashboard: Dashboard) -> list[AttentionItem]:
    found = [_condition_item(one) for one in dashboard.conditions]
    reviews = dashboard.reviews
    are_old = any(one.name == "SmsgateReviewsOld" for one in dashboard.conditions)
    if reviews is not None and reviews.count and not are_old:
        hours = max(0.0, REVIEW_DEADLINE_S - reviews.oldest_s) / 3600
        texts = "1 text needs" if reviews.count == 1 else f"{reviews.count:,} texts need"
        problem = f"{texts} review, {hours:.0f} h left for the oldest"
        remedy = "Marketing to these numbers is on hold until then."
        found.append(AttentionItem("warn", problem, remedy, TABLE["reviews_old"].page))
    operator = current_session().operator
    if operator.role == "admin" and not operator.has_second_factor and not lacks_factor():
        problem = "You are an admin without two-step sign-in"
        remedy = "A passkey or a code from your phone protects your account beyond the password."
        found.append(AttentionItem("neutral", problem, remedy, ("/console/me/factor", "Set up")))
    return found


def _condition_item(one: Condition) -> AttentionItem:
    tone = "bad" if one.is_failure else "warn"
    return AttentionItem(tone, one.title, one.text, one.page, one.command, one.id.replace(" ", "-"))


def _card(measure: str, figures: DayFigures) -> FigureCard:
    today = None if figures.today is None else figures.today.get(measure, 0)
    usual = "usual value unknown" if figures.usual is None else ""
    if figures.usual:
        value = figures.usual[measure]
        rounded = f"{value:,.0f}" if value >= 10 else f"{value:.1f}".removesuffix(".0")
        usual = f"usually {rounded} a day"
    title = TITLES[measure]
    chart = _chart(title, measure, figures.days, is_today_known=today is not None)
    return FigureCard(title, today, usual, chart)


def _chart(
    title: str, measure: str, days: Mapping[date, DayCounts], *, is_today_known: bool
) -> DayChart:
    """The newest day is rightmost; days before the first that was counted have no bar."""
    counts = [(day, of_day.get(measure, 0)) for day, of_day in days.items()][-DAYS:]
    if not counts:
        return DayChart(measure, [], f"{title}: no data yet.")
    best_day, most = max(counts, key=lambda one: one[1])
    bars = []
    for place, (day, count) in enumerate(counts, DAYS - len(counts)):
        height = max(_MIN_BAR_HEIGHT, CHART_HEIGHT * count / most) if count else 0
        is_unknown = place == DAYS - 1 and not is_today_known
        bars.append(
            ChartBar(
                x=round(place * _BAR_STEP, 1),
                y=round(CHART_HEIGHT - height, 1),
                width=_BAR_STEP - _BAR_GAP,
                height=round(height, 1),
                text="today: unknown" if is_unknown else f"{day:%b %-d}: {count:,}",
            )
        )
    total = sum(count for _, count in counts)
    today = f"{counts[-1][1]:,}" if is_today_known else "unknown"
    text = (
        f"{title} on each of the last {len(counts)} days: {total:,} in total, most on "
        f"{best_day:%B %-d} ({most:,}), today {today}."
    )
    return DayChart(measure, bars, text)


def _latency_text(latency: Latency | None) -> str:
    """Median and 99th percentile, by the bounds that were counted."""
    if latency is None:
        return ""
    most = "longer" if math.isinf(latency.p99_s) else f"within {_span(latency.p99_s)}"
    return f"50 % within {_span(latency.p50_s)}, 99 % {most}"


def _span(seconds: float) -> str:
    if math.isinf(seconds):
        return "longer"
    if seconds < 1:
        return f"{seconds * 1000:g} ms"
    return f"{seconds:g} s" if seconds < 60 else f"{seconds / 60:g} min"
