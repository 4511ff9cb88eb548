"""Opt-outs by day: each counts once, whoever writes it and however often."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, select

from smsgate.consent.events import ListGroup
from smsgate.domain.messages import Intent
from smsgate.records.projection_fill import fill_opt_outs_by_day
from smsgate.records.projections import OptOutKind
from smsgate.records.tables import opt_outs_by_day
from tests.fakes.values import NUMBER, OTHER, decision, entry
from tests.records.values import STOPPED, event, lines, reply_event

DAY_MS = 24 * 3600 * 1000
START_DAY = 739_579
"""2025-11-24, on which the tests' events begin."""


def counts(records) -> dict[OptOutKind, int]:
    with records.database.reading() as connection:
        return {
            OptOutKind(row.day, row.program, row.sender, row.source, row.keyword): row[-1]
            for row in connection.execute(select(opt_outs_by_day))
        }


def stop(at: int, number: str = NUMBER, keyword: str = "stop", **rest):
    said = entry(number=number, decision=decision(Intent.OPT_OUT, keyword=keyword), **rest)
    return event(at, number, entry=said)


@pytest.fixture
def kept(records):
    """Opt-outs of two days, and events that are none."""
    by_hand = entry(source="operator", actor="ana", sender="")
    group = (ListGroup((NUMBER,), "applied", consent_state=STOPPED),)
    records.writer.keep(
        {
            3: lines(
                stop(1),
                stop(2),
                stop(DAY_MS, keyword="k" * 300),
                event(3, entry=by_hand),
                event(4, outcome="repeat"),
                event(5, kind="opt_in"),
                event(6, "", kind="import", consent_state=None, listed=group),
                reply_event(7),
            )
        }
    )
    records.writer.keep({4: lines(stop(8, OTHER))})
    return records


EXPECTED = {
    OptOutKind(START_DAY, "alerts", "+14155550999", "text", "stop"): 3,
    OptOutKind(START_DAY, "alerts", "", "operator", ""): 1,
    OptOutKind(START_DAY + 1, "alerts", "+14155550999", "text", "k" * 200): 1,
}


def test_opt_outs_that_changed_something_count_by_day_and_kind(kept):
    assert counts(kept) == EXPECTED


def test_lines_that_are_handed_in_again_count_once(kept):
    kept.writer.keep({3: lines(stop(1), stop(2)), 4: lines(stop(8, OTHER))})
    assert counts(kept) == EXPECTED


def test_older_records_are_counted_as_if_they_always_had_been(kept):
    with kept.database.writing() as connection:
        connection.execute(delete(opt_outs_by_day))
        fill_opt_outs_by_day(connection)
    assert counts(kept) == EXPECTED
