"""Opt-outs, locks and consents as rows: kept with the events, filled for older records."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, literal, select, update

from smsgate.consent.events import ConsentState, ListGroup
from smsgate.domain.entry_parts import Consent
from smsgate.domain.messages import ALL
from smsgate.records import projection_fill, projections
from smsgate.records.projection_fill import fill_external_sources, fill_memberships
from smsgate.records.tables import events, memberships, removals, texts
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


OUT, BACK = ConsentState(everywhere=True), ConsentState(everywhere=True, back=ALERTS)
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
        (NUMBER, "back", "alerts", 3, "text"),
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
    own = ConsentState(everywhere=True, own=ALERTS)
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
    kept(state(2, ConsentState(consents=ALERTS, own=ALERTS)))
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


@pytest.mark.parametrize("is_new", [True, False])
def test_tables_that_are_older_name_the_sources_of_their_lists(
    bare_records, migrate_really, monkeypatch, is_new
):
    bare_records.migrate()
    listed = entry(number="", source="import", message_id="list-1")
    import_ = event(9, "", kind="import", entry=listed, consent_state=None, listed=(KLAVIYO,))
    by_text = state(1, OUT, number="+14155550199")
    keep(bare_records, by_text, import_, state(12, ConsentState(consents=ALERTS), number=OTHER))
    before, known = rows(bare_records), external(bare_records)
    with bare_records.database.writing() as connection:
        connection.exec_driver_sql("DROP INDEX memberships_external")
        connection.exec_driver_sql("ALTER TABLE memberships DROP COLUMN external_source")
        if is_new:
            connection.exec_driver_sql("DELETE FROM memberships")
        connection.exec_driver_sql("UPDATE records_version SET version_num = '0014'")
    monkeypatch.setattr(projection_fill, "_AT_ONCE", 1)
    monkeypatch.setattr(projection_fill, "_LISTS_AT_ONCE", 1)
    migrate_really(bare_records.database)
    assert rows(bare_records) == before
    assert (
        external(bare_records)
        == known
        == {"0123": "Klaviyo", "5678": "", "0177": "x" * 200, "0199": ""}
    )


def test_sources_are_named_in_the_numbers_of_one_event_at_a_time(records, kept, monkeypatch):
    """A list of a million numbers took 600 MiB: those of 5,000 events were held at once."""
    for at in (9, 10, 11):
        numbers = tuple(f"+1415555{at}{line:02d}" for line in range(4))
        group = ListGroup(numbers, "applied", consent_state=OUT, external_sources=("Klaviyo",) * 4)
        listed = entry(number="", source="import", message_id=f"list-{at}")
        kept(event(at, "", kind="import", entry=listed, consent_state=None, listed=(group,)))
    known, held = external(records), []
    with records.database.writing() as connection:
        connection.execute(update(memberships).values(external_source=""))
        execute = connection.execute
        monkeypatch.setattr(
            connection,
            "execute",
            lambda *given, **more: held.extend(map(len, given[1:])) or execute(*given, **more),
        )
        fill_external_sources(connection)
    assert held == [4, 4, 4]
    assert external(records) == known
    assert {*known.values()} == {"Klaviyo"}


def test_older_records_are_filled_as_if_the_rows_had_always_been_kept(records, monkeypatch):
    given = Consent("Yes", "paper", "", START_US - 7_000)
    group = ListGroup((OTHER, "+14155550177"), "applied", consent_state=OUT)
    keep(
        records,
        state(1, OUT),
        state(2, ConsentState(), kind="opt_in"),
        state(3, ConsentState(consents=ALERTS), entry=entry(**BY_HAND, consent=given)),
        state(4, ConsentState(consents=ALERTS, own=ALERTS)),
        event(5, "", kind="import", entry=entry(number=""), consent_state=None, listed=(group,)),
    )
    before = rows(records)
    assert len(before) == 4
    monkeypatch.setattr(projections, "_AT_ONCE", 2)
    monkeypatch.setattr(projection_fill, "_AT_ONCE", 2)
    with records.database.writing() as connection:
        connection.execute(delete(memberships))
        fill_memberships(connection)
    assert rows(records) == before


def test_where_the_event_is_gone_the_row_stays_and_its_origin_is_unknown(records):
    keep(records, state(1, OUT), state(2, OUT, number=OTHER))
    with records.database.writing() as connection:
        gone = select(events.c.id).where(events.c.number == NUMBER).scalar_subquery()
        announced = select(events.c.id, literal("event"), events.c.id)
        announced = announced.where(events.c.number == NUMBER)
        columns = ["event_id", "part", "removed_by"]
        connection.execute(removals.insert().from_select(columns, announced))
        connection.execute(delete(texts).where(texts.c.event_id.in_(gone)))
        connection.execute(delete(events).where(events.c.number == NUMBER))
        connection.execute(delete(memberships))
        fill_memberships(connection)
    with records.database.reading() as connection:
        found = {
            row.number: (row.since_us, row.source)
            for row in connection.execute(select(memberships))
        }
    assert found[NUMBER] == (0, "")
    assert found[OTHER] == (START_US + 2_000, "text")


def test_the_verifier_finds_rows_that_say_something_else(records):
    keep(records, state(1, OUT), state(2, OUT, number=OTHER))
    assert list(records.verifier.verify()) == []
    with records.database.writing() as connection:
        mine = memberships.c.number == NUMBER
        connection.execute(update(memberships).where(mine).values(state="consent"))
        row = {"number": "+1", "state": "locked", "scope": ALL, "since_us": 0, "source": ""}
        connection.execute(memberships.insert(), row | {"lane": 0, "seq": 0, "tail": "+1"})
    assert {one.problem for one in records.verifier.verify()} == {
        f"what is listed of {NUMBER} is not how it stands",
        "+1 is listed, and no event says so",
    }
