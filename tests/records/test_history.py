"""What pages read of the records: bounded, newest first, and by an index."""

from __future__ import annotations

from sqlalchemy import text

from smsgate.consent.events import ListGroup
from smsgate.records import HistoryPlace
from smsgate.store.keys import partition_of
from tests.fakes.values import NUMBER, OTHER, entry
from tests.records.values import START_MS, event, lines, reply_event

START_US = START_MS * 1000


def keep(records, *events):
    for one in events:
        number = one.number or one.listed[0].numbers[0]
        records.writer.keep({partition_of(number): lines(one)})


def ids(found):
    return [one.event.id for one in found]


def test_a_number_s_story_in_pages_with_its_part_of_lists(records):
    alone = [event(at) for at in (1, 2, 2, 5)]
    alone[2] = event(2, id="the-other-of-that-moment")
    listed = event(
        3,
        number="",
        kind="import",
        entry=entry(number="", message_id=""),
        consent_state=None,
        listed=(ListGroup((NUMBER, OTHER), "applied"), ListGroup(("+14155550177",), "repeat")),
    )
    keep(records, *alone, listed, event(4, OTHER))
    seen, before = [], None
    while page := records.reader.page_of_number(NUMBER, before, 2):
        assert len(page) <= 2
        seen += page
        before = page[-1].place
    assert ids(seen) == [one.id for one in (alone[3], listed, alone[2], alone[1], alone[0])]
    assert (seen[1].event.number, seen[1].event.listed) == (NUMBER, ())
    assert records.reader.page_of_number("+1", None, 9) == []
    assert records.reader.page_of_number(NUMBER, HistoryPlace(0, 0), 9) == []


def test_kinds(records):
    keep(records, *(event(at, kind="help") for at in range(10)), reply_event(12), event(20))
    kinds = records.reader.newest(5, "opt_out", number=NUMBER)
    assert ids(kinds) == [event(20).id]


def test_events_are_found_by_number_and_moment(records):
    keep(records, event(1), event(2), event(2, OTHER))
    wanted = [(NUMBER, START_US + 2_000), (OTHER, START_US + 1_000), ("\0", 1)]
    assert ids(records.reader.at(wanted)) == [event(2).id]
    assert records.reader.at([]) == []
    many = [(NUMBER, at) for at in range(2_000)] + [(OTHER, START_US + 2_000)]
    assert len(records.reader.at(many)) == 1


def test_what_operators_did_has_an_index_of_its_own(records):
    by_hand = entry(source="operator", actor="ana", message_id="")
    keep(records, event(1), event(2, entry=by_hand), event(3, entry=by_hand))
    assert ids(records.reader.newest(9, source="operator", since_us=START_US + 2_500)) == [
        event(3).id
    ]
    assert ids(records.reader.newest(1, source="operator")) == [event(3).id]
    with records.database.reading() as connection:
        if connection.dialect.name == "sqlite":
            asked = "EXPLAIN QUERY PLAN SELECT * FROM events WHERE source = 'operator' "
            rows = connection.execute(text(asked + "AND received_us >= 1 ORDER BY received_us"))
            assert "events_manual" in str([*rows])


def test_the_newest_of_a_kind_and_counts(records):
    keep(records, event(1, text="one"), event(2, OTHER, text="two"), event(3, kind="help"))
    assert records.reader.counts([NUMBER, OTHER, "x" * 300]) == {NUMBER: 2, OTHER: 1}
    assert ids(records.reader.newest(2)) == [event(3).id, event(2, OTHER).id]
    assert ids(records.reader.newest(5, "help")) == [event(3).id]


def test_where_nothing_was_ever_recorded_there_is_nothing(bare_records):
    if not bare_records.database.absent:
        bare_records.migrate()
    stories = bare_records.reader
    assert stories.page_of_number(NUMBER, None, 9) == stories.newest(9) == []
    assert stories.counts([NUMBER]) == {}
