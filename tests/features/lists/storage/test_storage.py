"""Events of lists in the records: their numbers, what rests on them, and what is told of them."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, update

from smsgate.consent.events import ConsentState, ListGroup, event_id
from smsgate.features.lists.imports import entered_before
from smsgate.records.removal import announcement
from smsgate.records.tables import listed, numbers
from tests.fakes.values import NUMBER, OTHER, entry
from tests.records.values import START_MS, STOPPED, event, lines

THIRD = "+14155550188"


def of_list(at, *groups):
    return event(
        at,
        "",
        id=event_id(START_MS + at, "list"),
        kind="import",
        entry=entry(number="", account="", message_id=f"import-1-{at}-3-0", text=""),
        consent_state=None,
        listed=groups,
    )


@pytest.fixture
def kept(records):
    """A list with two numbers, of which one was opted out already, and then a START."""
    groups = (
        ListGroup((NUMBER, THIRD), "applied", consent_state=STOPPED, since_us=(5, 0)),
        ListGroup((OTHER,), "repeat", note="already opted out"),
    )
    began = event(0, OTHER)
    back = event(2, THIRD, kind="opt_in", consent_state=ConsentState())
    assert records.writer.keep({3: lines(began, of_list(1, *groups), back)}).done
    return records


def test_each_number_has_its_part_of_the_event(kept):
    (told,) = kept.reader.of_number(NUMBER)
    assert (told.event.number, told.event.outcome, told.event.event_time_us) == (
        NUMBER,
        "applied",
        5,
    )
    assert (told.event.consent_state, told.event.listed) == (STOPPED, ())
    assert [one.event.outcome for one in kept.reader.of_number(OTHER)] == ["applied", "repeat"]
    assert [one.event.kind for one in kept.reader.of_number(THIRD)] == ["import", "opt_in"]
    assert entered_before(kept, "import-1") == ("import-1", {"import-1-1-3-0"})
    assert entered_before(kept, "import-") == ("import-", set())


def test_numbers_stand_as_the_list_says_unless_something_is_newer(kept):
    stands = {one.number: (one.seq, one.consent_state) for one in kept.reader.numbers(3)}
    assert stands == {NUMBER: (2, STOPPED), OTHER: (1, STOPPED), THIRD: (3, ConsentState())}
    assert [*kept.verifier.verify()] == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (update(numbers).where(numbers.c.number == NUMBER).values(consent_state="{}"), "changed"),
        (delete(numbers).where(numbers.c.number == NUMBER), f"how {NUMBER} stands since then"),
        (delete(listed).where(listed.c.number == OTHER), "its numbers are not those"),
        (update(numbers).where(numbers.c.number == OTHER).values(seq=2), "does not say so"),
    ],
)
def test_what_was_changed_behind_a_list_is_found(kept, change, said):
    with kept.database.writing() as connection:
        connection.execute(change)
    assert said in "; ".join(map(str, kept.verifier.verify()))


def test_a_list_stays_as_long_as_anything_may_rest_on_it(records):
    records.writer.keep(
        {3: lines(of_list(1, ListGroup((NUMBER,), "applied", consent_state=STOPPED)))}
    )
    late_us = (START_MS + 10) * 1000
    assert [*records.removal.old_events({"import": late_us}.get)] == []

    back = event(2, NUMBER, kind="opt_in", consent_state=ConsentState())
    ids = [of_list(1).id]
    gone = event(
        3, "", kind="retention", consent_state=None, text="", note=announcement("event", ids)
    )
    records.writer.keep({3: lines(back, gone)})
    assert [*records.removal.old_events({"import": late_us}.get)] == [ids]
    records.removal.remove(gone.id, "event", ids)
    assert [one.event.kind for one in records.reader.of_number(NUMBER)] == ["opt_in"]
    assert [*records.verifier.verify()] == []


def test_whole_stories_are_those_that_each_number_has_alone(kept):
    numbers = [THIRD, "+14155550177", NUMBER, OTHER]
    assert [*kept.reader.of_numbers(numbers)] == [kept.reader.of_number(one) for one in numbers]
