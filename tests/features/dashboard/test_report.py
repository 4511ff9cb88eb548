"""The day's report: times are measured from the arrival at our door."""

from __future__ import annotations

from datetime import date

from smsgate.consent.events import Event
from smsgate.domain.messages import Intent
from smsgate.features.dashboard.operations import DayReport, report_of
from tests.fakes.values import NUMBER, entry

SECOND = 1_000_000


def stopped(received_s: int, arrived_s: int, *, outage: bool) -> Event:
    return Event(
        id=str(received_s),
        kind="opt_out",
        outcome="applied",
        number=NUMBER,
        entry=entry(Intent.OPT_OUT, text="STOP", outage_us=SECOND if outage else 0),
        event_time_us=arrived_s * SECOND,
        received_us=received_s * SECOND,
        applied_us=received_s * SECOND + 5_000,
    )


def times(*events: Event) -> DayReport:
    return report_of(date(2026, 11, 23), events, {}, [])


def test_an_opt_out_that_waited_in_a_spool_was_blocked_late():
    events = [stopped(100, 99, outage=False), stopped(200, 140, outage=True)]
    found = times(*events)
    assert found.receipt_to_blocked_ms == {"p50": 60_000.0, "p99": 60_000.0, "worst": 60_000.0}
    assert found.receipt_to_applied_ms["worst"] == 60_005.0
    assert times(events[0]).receipt_to_blocked_ms["worst"] == 0.0


def test_a_day_without_opt_outs_has_no_times():
    assert times().receipt_to_blocked_ms == {}
