"""Taking away: texts at a person's request, old contents; never a link, never a suppression."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from smsgate.consent.events import ConsentState, DeadLetter, NumberState
from smsgate.domain.errors import RecordsDiffer, RecordsUnavailable
from smsgate.domain.messages import Intent
from smsgate.pipeline.archive import LedgerArchiver
from smsgate.pipeline.forgetting import Forgetting
from smsgate.records import removal
from smsgate.settings import Retention
from smsgate.store.keys import PARTITION_KEYS, partition_of
from tests.fakes.values import NUMBER, OTHER, entry
from tests.records.values import event, reply_event

DAY_MS = 86_400_000
PARTITION = partition_of(NUMBER)


@pytest.fixture
def archiver(store, records) -> LedgerArchiver:
    return LedgerArchiver(store, records)


@pytest.fixture
def forgetting(store, records, archiver):
    return Forgetting(archiver, Retention())


@pytest.fixture
def happen(store):
    def append(*events) -> None:
        for one in events:
            store.ledger.append(partition_of(one.number), one)

    return append


def texts(records, number=NUMBER):
    return [(one.event.entry or one.event.reply).text for one in records.reader.of_number(number)]


def raw_bytes(records) -> bytes:
    """Everything that lies in the SQLite file and its log."""
    path = records.database.file
    log = path.with_name(f"{path.name}-wal")
    return path.read_bytes() + (log.read_bytes() if log.exists() else b"")


def test_forgetting_erases_texts_and_keeps_the_rest(forgetting, happen, records, store):
    happen(event(1, text="Stop, I live at 5 Elm St"), reply_event(2), event(3, OTHER, text="stop"))

    done = forgetting.forget(NUMBER, "alice", "asked by e-mail")

    assert (done.number, done.records) == (NUMBER, 2)
    assert texts(records) == ["", "", ""]
    assert texts(records, OTHER) == ["stop"]
    *before, said = records.reader.of_number(NUMBER)
    assert [one.erased for one in before] == [True, True]
    assert (said.event.kind, said.event.entry.actor) == ("forgotten", "alice")
    assert said.event.entry.decision.note == "asked by e-mail"
    (found,) = records.reader.numbers_of([NUMBER])
    assert found is not None
    assert found.consent_state == ConsentState(everywhere=True)
    assert list(records.verifier.verify()) == []


def test_what_was_forgotten_lies_nowhere_in_the_file(forgetting, happen, records, in_file):
    happen(event(1, text="I live at 5 Elm Street"))
    forgetting._archiver.move_all()
    assert b"5 Elm Street" in raw_bytes(records)

    forgetting.forget(NUMBER, "alice", "")

    assert b"5 Elm Street" not in raw_bytes(records)


def test_forgetting_takes_texts_out_of_the_sample_log(forgetting, store, redis_client):
    numbers = (f"+1415555{line:04}" for line in range(10_000))
    neighbour = next(one for one in numbers if partition_of(one) == PARTITION and one != NUMBER)
    for number in (NUMBER, neighbour):
        store.sample_log.note(entry(Intent.NONE, number, text="hello"))
    store.sample_log.flush()

    done = forgetting.forget(NUMBER, "alice", "")

    assert done.ordinary_texts == 1
    assert redis_client.xlen(PARTITION_KEYS[PARTITION].sample_log) == 1


def test_forgetting_takes_out_replies_that_were_given_up(forgetting, store, redis_client):
    for at, number in enumerate((NUMBER, NUMBER, OTHER)):
        reply = msgspec.structs.replace(
            reply_event(at).reply, id=f"{PARTITION}-{at}-0", number=number
        )
        letter = msgspec.json.encode(DeadLetter(reply, "refused", "no", at))
        redis_client.hset(PARTITION_KEYS[PARTITION].dead, reply.id, letter)

    done = forgetting.forget(NUMBER, "alice", "")

    assert done.replies == 2
    assert [one.reply.number for one in store.unsent_replies.dead(PARTITION)] == [OTHER]


def test_a_number_of_which_nothing_is_known_is_forgotten_on_record(forgetting, records):
    forgetting.forget(NUMBER, "alice", "asked by e-mail")

    assert [one.event.kind for one in records.reader.of_number(NUMBER)] == ["forgotten"]


def test_what_comes_after_is_kept_again(forgetting, happen, records, archiver):
    happen(event(1, text="old"))
    forgetting.forget(NUMBER, "alice", "")
    happen(event(2, text="new"))
    archiver.move_all()

    assert "new" in texts(records)
    assert list(records.verifier.verify()) == []


@pytest.mark.parametrize("statement", ["DELETE FROM removals", "UPDATE removals SET part = 'x'"])
def test_removals_themselves_stay(forgetting, happen, records, statement):
    happen(event(1))
    forgetting.forget(NUMBER, "alice", "")
    with pytest.raises(RecordsUnavailable, match=r"never changed|never removed"):
        done_by_hand(records, statement)


def done_by_hand(records, statement: str) -> None:
    with records.database.writing() as connection:
        connection.exec_driver_sql(statement)


def test_nothing_goes_that_was_not_announced(happen, archiver, records):
    first = event(1)
    happen(first, event(2))
    archiver.move_all()

    with pytest.raises(RecordsDiffer, match="no event"):
        records.removal.remove(event(2).id, "text", [first.id])

    assert texts(records) == ["Stop 1", "Stop 2"]


def test_more_than_was_announced_is_found(forgetting, happen, records, archiver):
    first, second = event(1), event(2)
    happen(first, second)
    archiver.move_all()
    announced = forgetting._announce("retention", "text", [first.id])

    records.removal.remove(announced.id, "text", [first.id, second.id])

    (found,) = records.verifier.verify()
    assert "does not announce what was taken away" in found.problem


def test_the_same_is_not_taken_away_twice(forgetting, happen, records, archiver):
    first = event(1)
    happen(first)
    forgetting.forget(NUMBER, "alice", "")
    again = forgetting._announce("retention", "text", [first.id])

    with pytest.raises(RecordsDiffer, match="by another removal"):
        records.removal.remove(again.id, "text", [first.id])
    assert list(records.verifier.verify()) == []


def test_old_texts_that_asked_for_nothing_go_first(store, records, archiver, happen):
    now_ms = store.health.now_us() // 1000
    old, young = aged(now_ms, 91), aged(now_ms, 89)
    happen(
        event(old, text="lunch?", kind="help", consent_state=None),
        event(young, text="dinner?", kind="help", consent_state=None, message_id="b"),
        event(old - 1, OTHER, text="stop"),
    )
    archiver.move_all()

    sizes = list(Forgetting(archiver, Retention()).apply_retention())

    assert sizes == [1]
    assert texts(records) == ["", "dinner?"]
    assert texts(records, OTHER) == ["stop"]
    assert list(records.verifier.verify()) == []
    (said,) = records.reader.between(kinds=["retention"])
    assert "takes away the texts of 1 records" in said.event.note


def aged(now_ms: int, days: int) -> int:
    from tests.records.values import START_MS

    return now_ms - days * DAY_MS - START_MS


def test_old_events_go_but_for_what_holds_today_rests_on(
    store, records, archiver, happen, monkeypatch
):
    monkeypatch.setattr(removal, "BATCH", 2)
    now_ms = store.health.now_us() // 1000
    six = aged(now_ms, 6 * 366)
    consent = ConsentState(consents=frozenset({"alerts"}))
    happen(
        *(event(six + at, text=f"stop {at}", outcome="repeat") for at in range(2)),
        event(six + 2, text="stop 2"),  # opted out to this day
        event(six, OTHER, kind="opt_in", consent_state=consent),
        event(six + 1, OTHER, kind="help", consent_state=None),
        event(six, "+14155550188", consent_state=ConsentState(everywhere=True)),
        event(six + 1, "+14155550188", consent_state=ConsentState(), kind="opt_in"),  # came back
        event(aged(now_ms, 4 * 365), "+14155550188", kind="help", consent_state=None),
    )
    archiver.move_all()

    sizes = list(Forgetting(archiver, Retention()).apply_retention())

    assert sum(sizes) == 5 + 2  # events, and the texts of two of HELP
    assert texts(records) == ["stop 2"]
    assert [one.event.kind for one in records.reader.of_number(OTHER)] == ["opt_in"]
    assert [one.event.kind for one in records.reader.of_number("+14155550188")] == ["help"]
    (found,) = records.reader.numbers_of([NUMBER])
    assert found.consent_state == ConsentState(everywhere=True)
    assert list(records.verifier.verify()) == []
    assert sum(Forgetting(archiver, Retention()).apply_retention()) == 0


def test_what_must_stay_is_looked_at_once_and_a_batch_at_a_time(
    store, records, archiver, happen, monkeypatch
):
    """With each batch everything that stays was looked at again, and all of it in one question."""
    monkeypatch.setattr(removal, "BATCH", 4)
    six = aged(store.health.now_us() // 1000, 6 * 366)
    many = [f"+1415555{line:04}" for line in range(10)]
    for at, number in enumerate(many):
        happen(event(six + at // 4, number, id=f"{at}-goes", outcome="repeat"))
        happen(event(six + at // 4, number, message_id="stays"))  # opted out to this day
    archiver.move_all()
    asked = []
    rows_of = removal.rows_of
    monkeypatch.setattr(
        removal, "rows_of", lambda *given: asked.append(rows_of(*given)) or asked[-1]
    )

    gone = sum(Forgetting(archiver, Retention()).apply_retention())

    looked_at = [row.id for rows in asked for row in rows if hasattr(row, "may_go")]
    assert gone == 10
    assert len(looked_at) == len({*looked_at})
    assert max(map(len, asked)) == 4
    left = [*(one.event for number in many for one in records.reader.of_number(number))]
    assert [(one.number, one.outcome) for one in left] == [(one, "applied") for one in many]


def test_what_is_kept_for_ever_stays(store, records, archiver, happen):
    kept = replace(Retention(), opt_out_us=None, texts_us=None)
    old = aged(store.health.now_us() // 1000, 4_000)
    happen(event(old, consent_state=None))
    archiver.move_all()

    assert list(Forgetting(archiver, kept).apply_retention()) == []
    assert texts(records) == [f"Stop {old}"]


def test_the_opt_out_stays_although_something_newer_noted_how_the_number_stands(
    forgetting, happen, records, archiver, store
):
    """A HELP is noted in the number's state; the suppression rests on the STOP before it."""
    remembered = ConsentState(everywhere=True, state=NumberState(helped_us=(1,)))
    asked = entry(Intent.HELP, NUMBER, text="HELP", message_id="SM-help")
    years_ms = 6 * 366 * DAY_MS
    happen(
        event(-years_ms), event(5 - years_ms, kind="help", entry=asked, consent_state=remembered)
    )
    archiver.move_all()

    list(forgetting.apply_retention())

    assert "opt_out" in [one.event.kind for one in records.reader.of_number(NUMBER)]
    assert list(records.verifier.verify()) == []
