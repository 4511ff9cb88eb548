"""Opt-outs, locks and consents as rows, kept with the events."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from smsgate.consent.events import ConsentState, ListGroup
from smsgate.domain.entry_parts import Consent
from smsgate.domain.messages import ALL
from smsgate.records.tables import memberships
from tests.fakes.values import NUMBER, OTHER, entry
from tests.records.values import START_MS, event, lines

START_US = START_MS * 1000
ALERTS = frozenset({"alerts"})


def keep(records, *some, partition=3) -> None:
    records.writer.keep({partition: lines(*some)})


def rows(records) -> set[tuple[object, ...]]:
    """All of them; since when in ms after the start."""
    with records.database.reading() as connection:
        return {
            (row.number, row.state, row.scope, (row.since_us - START_US) // 1000, row.source)
            for row in connection.execute(select(memberships))
        }


def state(at: int, consent_state: ConsentState, **more):
    return event(at, consent_state=consent_state, **more)


OUT, BACK = ConsentState(everywhere=True), ConsentState(everywhere=True, exceptions=ALERTS)
BY_HAND = {"source": "operator", "actor": "ana", "message_id": ""}


@pytest.fixture(params=["at once", "one by one"])
def kept(request, records):
    """Keeps events in one transaction, or each in its own."""

    def keep_them(*some):
        if request.param == "at once":
            keep(records, *some)
        for one in some if request.param == "one by one" else ():
            keep(records, one)

    return keep_them


def test_a_row_begins_and_ends_with_what_it_says(records, kept):
    kept(state(1, OUT), state(2, OUT, kind="help"), state(3, BACK, kind="opt_in"))
    assert rows(records) == {
        (NUMBER, "opted_out", ALL, 1, "text"),
        (NUMBER, "exception", "alerts", 3, "text"),
    }
    locked = ConsentState(everywhere=True, locked=True)
    kept(state(4, locked, entry=entry(**BY_HAND)), state(5, ConsentState(), entry=entry(**BY_HAND)))
    assert rows(records) == set()


def test_what_ended_and_came_again_begins_again(records, kept):
    kept(state(1, OUT))
    kept(state(2, ConsentState(), kind="opt_in"), state(3, OUT, entry=entry(**BY_HAND)))
    assert rows(records) == {(NUMBER, "opted_out", ALL, 3, "operator")}


def test_after_stop_start_stop_an_opt_out_of_all_holds_since_the_last_one(records, kept):
    """As the gate says: the mark of the last one is what it reads."""
    kept(state(1, OUT, scope=ALL), state(2, BACK, kind="opt_in"), state(3, OUT, scope=ALL))
    assert rows(records) == {(NUMBER, "opted_out", ALL, 3, "text")}
    kept(state(4, OUT, scope=ALL, outcome="repeat"))
    assert rows(records) == {(NUMBER, "opted_out", ALL, 3, "text")}
    own = ConsentState(everywhere=True, opted_out=ALERTS)
    kept(state(5, BACK, kind="opt_in"), state(6, own, scope="alerts"))
    assert rows(records) == {
        (NUMBER, "opted_out", ALL, 3, "text"),
        (NUMBER, "opted_out", "alerts", 6, "text"),
    }


def test_after_stop_and_start_an_opt_out_of_a_list_holds_since_the_list(records, kept):
    """The same numbers in the list again change nothing."""
    listed = entry(number="", source="import", message_id="list-1")
    kept(
        state(1, OUT, scope=ALL),
        state(2, BACK, kind="opt_in"),
        *(
            event(
                at,
                "",
                kind="import",
                scope=ALL,
                entry=listed,
                consent_state=None,
                listed=(ListGroup((NUMBER,), outcome, consent_state=OUT),),
            )
            for at, outcome in ((3, "applied"), (4, "repeat"))
        ),
    )
    assert rows(records) == {(NUMBER, "opted_out", ALL, 3, "import")}


def test_a_consent_counts_from_the_day_on_which_it_was_given(records, kept):
    given = Consent("Yes", "paper", "form 7", START_US - 7_000)
    kept(state(1, ConsentState(consents=ALERTS), entry=entry(**BY_HAND, consent=given)))
    kept(state(2, ConsentState(consents=ALERTS, opted_out=ALERTS)))
    assert rows(records) == {
        (NUMBER, "consent", "alerts", -7, "operator"),
        (NUMBER, "opted_out", "alerts", 2, "text"),
    }


def test_a_list_says_since_when_each_number_is_out(records, kept):
    group = ListGroup((NUMBER, OTHER), "applied", consent_state=OUT, since_us=(START_US - 5_000, 0))
    listed = entry(number="", source="import", message_id="list-1")
    kept(event(9, "", kind="import", entry=listed, consent_state=None, listed=(group,)))
    assert rows(records) == {
        (NUMBER, "opted_out", ALL, -5, "import"),
        (OTHER, "opted_out", ALL, 9, "import"),
    }


KLAVIYO = ListGroup(
    (NUMBER, OTHER, "+14155550177"),
    "applied",
    consent_state=OUT,
    external_sources=("Klaviyo", "", "x" * 300),
)


def external(records) -> dict[str, str]:
    with records.database.reading() as connection:
        asked = select(memberships.c.number, memberships.c.external_source)
        return {row.number[-4:]: row.external_source for row in connection.execute(asked)}


def test_a_list_says_from_where_it_has_each_number(records, kept):
    listed = entry(number="", source="import", message_id="list-1")
    kept(event(9, "", kind="import", entry=listed, consent_state=None, listed=(KLAVIYO,)))
    assert external(records) == {"0123": "Klaviyo", "5678": "", "0177": "x" * 200}
    kept(state(10, ConsentState(), kind="opt_in"), state(11, OUT))
    assert external(records)["0123"] == ""


def test_the_verifier_finds_rows_that_say_something_else(records):
    keep(records, state(1, OUT), state(2, OUT, number=OTHER))
    assert list(records.verifier.verify()) == []
    with records.database.writing() as connection:
        mine = memberships.c.number == NUMBER
        connection.execute(update(memberships).where(mine).values(state="consent"))
        row = {"number": "+1", "state": "locked", "scope": ALL, "since_us": 0, "source": ""}
        row["external_source"] = ""
        connection.execute(memberships.insert(), row | {"partition": 0, "seq": 0, "tail": "+1"})
    assert {one.problem for one in records.verifier.verify()} == {
        f"what is listed of {NUMBER} is not how it stands",
        "+1 is listed, and no event says so",
    }
