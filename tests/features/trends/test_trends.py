"""Trends: opt-outs and sends of each day, what is unknown, and the page that shows them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import insert

from smsgate.domain.errors import StoreUnavailable
from smsgate.domain.messages import Intent
from smsgate.features.dashboard.service import DAYS
from smsgate.features.trends import console, service
from smsgate.features.trends.service import load_trends, save_sends, today
from smsgate.metrics.counters import GATE
from smsgate.records.daily_counts import DailyCountStorage
from smsgate.records.tables import opt_outs_by_day
from smsgate.store.metrics import Metrics
from tests.fakes.pages import NASTY, harmless, words
from tests.fakes.told import told
from tests.fakes.values import decision

TRENDS = "/console/trends"


def ago(days: int) -> date:
    return today() - timedelta(days=days)


def opted_out(services, day: date, count: int, keyword: str = "stop", **kind: str) -> None:
    """Count opt-outs of a day."""
    row = {"program": "alerts", "sender": "+14155550999", "source": "text", **kind}
    with services.records.database.writing() as connection:
        connection.execute(
            insert(opt_outs_by_day),
            row | {"day": day.toordinal(), "keyword": keyword, "count": count},
        )


def sent(services, day: date, **by_program: int) -> None:
    """Count sends of a day."""
    counts = {f"sends:{name}": count for name, count in by_program.items()}
    DailyCountStorage(services.records.database).save({day: counts})


def allowed(services, program: str, times: int) -> None:
    """Let the gate count now."""
    services.store.metrics.count(GATE, program, "allowed", times=times)
    services.store.metrics.count(GATE, program, "opted_out", times=50)
    services.store.metrics.flush()


def test_a_day_has_its_opt_outs_its_sends_and_their_rate(services):
    opted_out(services, ago(2), 6)
    opted_out(services, ago(2), 1, program="orders")
    opted_out(services, ago(1), 2)
    sent(services, ago(2), alerts=1_000, orders=400)
    sent(services, ago(1), alerts=0, orders=0)
    found = load_trends(services, ago(3), ago(1))
    assert [(one.opt_outs, one.sends) for one in found.days] == [(None, None), (7, 1_400), (2, 0)]
    assert [one.rate for one in found.days] == [None, 0.005, None]
    assert found.recorded_since == ago(2)
    assert found.opt_outs == 9
    assert found.rate == 9 / 1_400
    orders = load_trends(services, ago(2), ago(1), "orders")
    assert [(one.opt_outs, one.sends) for one in orders.days] == [(1, 400), (0, 0)]


def test_a_day_on_which_sends_were_not_counted_is_unknown_and_not_zero(services):
    opted_out(services, ago(2), 6)
    sent(services, ago(1), alerts=10)
    found = load_trends(services, ago(2), ago(1))
    assert [one.sends for one in found.days] == [None, 10]
    (alerts,) = found.programs.groups
    assert (alerts.sends, alerts.rate) == (None, None), "of a part of the range no rate is made"
    assert load_trends(services, ago(2), ago(1), "orders").days[1].sends is None


def test_todays_sends_are_the_stores_and_what_is_saved_survives_a_flush(services, redis_client):
    allowed(services, "alerts", 30)
    save_sends(services.store, services.records, services.settings)
    allowed(services, "alerts", 12)
    opted_out(services, ago(0), 3)
    (day,) = load_trends(services, ago(0), ago(0)).days
    assert (day.opt_outs, day.sends) == (3, 42)
    redis_client.flushall()
    (day,) = load_trends(services, ago(0), ago(0)).days
    assert day.sends == 30
    (orders,) = load_trends(services, ago(0), ago(0), "orders").days
    assert orders.sends == 0, "counted, and none was sent"


def test_while_the_store_is_away_todays_sends_are_unknown(services, monkeypatch):
    sent(services, ago(0), alerts=10)
    opted_out(services, ago(0), 1)

    def away(*_):
        raise StoreUnavailable("Redis does not answer.")

    monkeypatch.setattr(Metrics, "sums_on", away)
    found = load_trends(services, ago(1), ago(0))
    assert found.days[1].sends is None
    assert found.store_problem == "Redis does not answer"
    assert load_trends(services, ago(1), ago(1)).store_problem == ""


def test_opt_outs_are_grouped_and_the_smallest_are_added_up(services, monkeypatch):
    monkeypatch.setattr(service, "MOST_GROUPS", 2)
    for keyword, count in (("stop", 5), ("", 2), ("end", 1)):
        opted_out(services, ago(0), count, keyword)
    opted_out(services, ago(0), 2, "", source="operator", sender="", program="all")
    found = load_trends(services, ago(0), ago(0))
    programs = [(one.name, one.opt_outs, one.share) for one in found.programs.groups]
    assert programs == [("alerts", 8, 0.8), ("all", 2, 0.2)]
    assert (found.keywords.groups[0].name, found.keywords.groups[0].source) == ("stop", "text")
    assert (found.keywords.other_count, found.keywords.other_opt_outs) == (2, 3)
    senders = [(one.name, one.source, one.opt_outs) for one in found.senders.groups]
    assert senders == [("+14155550999", "", 8), ("", "operator", 2)]


def test_patterns_of_sentences_count_together_and_keywords_as_they_are_written(services):
    for keyword, count in (("STOP", 3), ("{stop} ~2 {msg}", 2), ("{no} ~1 {more}", 1), ("", 1)):
        opted_out(services, ago(0), count, keyword)
    opted_out(services, ago(0), 1, "", source="operator", sender="")
    groups = load_trends(services, ago(0), ago(0)).keywords.groups
    assert [(one.name, one.source, one.opt_outs) for one in groups] == [
        ("", "text", 4),
        ("STOP", "text", 3),
        ("", "operator", 1),
    ]


def test_counts_of_sends_are_no_figures_of_the_home_page(services):
    sent(services, ago(1), alerts=10)
    assert DailyCountStorage(services.records.database).since(ago(DAYS)) == {}


# --- the page -----------------------------------------------------------------------------------


def test_what_subscribers_text_is_on_the_page(services, viewer):
    stop = decision(Intent.OPT_OUT, keyword="{please} ~1 stop")
    told(services, Intent.OPT_OUT, "please just stop", decision=stop)
    told(services, Intent.OPT_OUT, number="+14155550177", sender="+14155550888")
    services.archiver.move_all()
    allowed(services, "alerts", 400)
    page = words(viewer.get(TRENDS))
    assert "2 opt-outs , 0.5 % of the sends that were counted." in page
    assert "In other words 2 100 %" in page
    assert "please …" not in page
    assert "+1 415-555-0888 1 50 %" in page
    assert f"{today()} 2 400 0.5 %" in page
    assert f"{ago(1)} unknown unknown unknown" in page


def test_each_day_of_a_chart_has_its_value_for_a_pointer(services, viewer):
    opted_out(services, ago(1), 1_234)
    page = viewer.get(TRENDS).text
    day = ago(1)
    assert f"<title>{day:%b} {day.day}, {day.year}: 1,234</title>" in page
    assert page.count('class="hover"') == console.DAYS
    assert page.count('class="unknown"') == console.DAYS - 2
    assert "There is no opt-out rate for these days" in words(viewer.get(TRENDS))


def test_a_range_and_a_program_can_be_asked_for(services, viewer):
    opted_out(services, ago(40), 7)
    opted_out(services, ago(39), 2, program="orders")
    answer = viewer.get(f"{TRENDS}?from={ago(41)}&to={ago(38)}&program=alerts")
    assert "7 opt-outs" in words(answer)
    assert answer.text.count('class="hover"') == 4
    assert f'value="{ago(41)}"' in answer.text
    assert '<option value="alerts" selected>' in answer.text
    assert f"from={ago(38 + 6)}" in answer.text, "7 days end where the range does"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("from=2026-99-01", "'2026-99-01' is not a date. Use 2026-11-24."),
        ("from=2026-11-25&to=2026-11-24", "The first day is after the last"),
        ("from=9000-01-01", "The first day is still to come"),
        ("from=1970-01-01", "At most 366 days are shown at once"),
        ("from=0001-01-01&to=0001-01-02", ""),
    ],
)
def test_a_range_that_cannot_be_is_said_at_the_field(services, viewer, query, said):
    opted_out(services, ago(1), 1)
    answer = viewer.get(f"{TRENDS}?{query}")
    assert answer.status_code == 200
    assert said in words(answer)
    assert ('aria-invalid="true"' in answer.text) is bool(said)


def test_before_anything_is_recorded_it_says_so(viewer):
    assert "Nothing is on record yet." in words(viewer.get(TRENDS))


def test_nothing_on_it_is_taken_for_markup(services, viewer):
    opted_out(services, ago(1), 1, NASTY, program=NASTY[:100], sender=NASTY)
    assert harmless(viewer.get(TRENDS))
