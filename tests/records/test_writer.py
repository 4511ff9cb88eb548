"""Keeping: what the ledgers hand in is kept once, whole, and in its order."""

from __future__ import annotations

import gc
import sqlite3
import warnings
from contextlib import closing

import msgspec
import pytest

from smsgate.consent.events import ConsentState
from smsgate.domain.entry_parts import Consent
from smsgate.domain.errors import RecordsNotReady, RecordsUnavailable
from smsgate.domain.messages import Intent
from smsgate.records import Records, writer
from tests.fakes.values import NUMBER, OTHER, entry
from tests.records.values import event, lines, reply_event


def of_number(records, number=NUMBER):
    return [one.event for one in records.reader.of_number(number)]


def test_what_is_kept_is_read_as_it_was_written(records):
    consent = Consent("I agree to get texts.", "web", "https://acme.example/form", 5)
    events = [
        event(1, note="the provider answered"),
        reply_event(2),
        event(3, entry=entry(Intent.OPT_IN, text="yes", consent=consent), kind="opt_in"),
    ]

    kept = records.writer.keep({4: lines(*events)})

    assert (kept.done, kept.new, kept.heads) == (True, 3, {4: 3})
    assert of_number(records) == events
    assert [one.seq for one in records.reader.of_number(NUMBER)] == [1, 2, 3]


def test_what_a_newer_smsgate_wrote_is_kept_whole(records, bare_records):
    raw = msgspec.to_builtins(event(1)) | {"hue": "red"}

    records.writer.keep({0: [msgspec.json.encode(raw)]})

    with records.database.reading() as connection:
        facts = connection.exec_driver_sql("SELECT facts FROM events").scalar_one()
    assert msgspec.json.decode(facts)["hue"] == "red"


def test_a_line_that_is_no_event_is_kept_and_does_not_stop_those_behind_it(records):
    kept = records.writer.keep({0: [b'{"kind": 5, "x": "\xff"}', b"\x00", *lines(event(1))]})

    assert kept.new == 3
    assert [one.event.kind for one in records.reader.between()][:2] == ["damaged", "damaged"]
    assert list(records.verifier.verify()) == []


def test_a_nul_and_a_number_without_end_do_not_stop_the_mover(records):
    odd = event(
        1, number="\0" + "9" * 5_000, text="nul \0, half \ud83d".encode(errors="replace").decode()
    )

    records.writer.keep({0: lines(odd)})

    assert [one.event for one in records.reader.between()] == [odd]
    assert of_number(records, odd.number) in ([odd], [])
    assert list(records.verifier.verify()) == []


def test_handed_in_again_nothing_is_kept_twice(records):
    first, second, third = lines(event(1), event(2), event(3))

    records.writer.keep({0: [first, second], 7: lines(event(9, OTHER))})
    again = records.writer.keep({0: [first, second, second, third, third]})

    assert (again.new, again.heads) == (1, {0: 3})
    assert records.writer.seqs() == {0: 3, 7: 1}


def test_the_newest_event_says_how_a_number_stands(records):
    later = ConsentState(opted_out=frozenset({"b", "a"}), locked=True, consents=frozenset({"c"}))
    records.writer.keep(
        {0: lines(event(1), event(2, consent_state=later), event(3, consent_state=None))}
    )

    (found,) = records.reader.numbers()

    assert (found.number, found.seq, found.consent_state) == (NUMBER, 2, later)
    assert records.reader.numbers_of([OTHER]) == []


def test_an_older_event_handed_in_again_does_not_change_how_a_number_stands(records):
    old, new = event(1), event(2, consent_state=ConsentState())
    records.writer.keep({0: lines(old, new)})
    records.writer.keep({0: lines(old)})

    (found,) = records.reader.numbers_of([NUMBER])
    assert found is not None
    assert found.consent_state == ConsentState()


@pytest.mark.full
@pytest.mark.parametrize(("step", "same"), [("recorded_ids", True), ("_advance", False)])
def test_a_mover_that_was_overtaken_writes_nothing_and_says_so(
    postgresql_url, monkeypatch, step, same
):
    """SQLite's writers take turns from their first question on."""
    records, other = Records(postgresql_url), Records(postgresql_url)
    records.migrate()
    records.writer.keep({0: lines(event(1))})
    real = getattr(writer, step)

    def overtaken(*arguments):
        monkeypatch.setattr(writer, step, real)
        found = real(*arguments) if same else None
        other.writer.keep({0: lines(event(3) if same else event(2))})
        return found if same else real(*arguments)

    monkeypatch.setattr(writer, step, overtaken)
    kept = records.writer.keep({0: lines(event(3)), 1: lines(event(4, OTHER))})
    seqs = records.writer.seqs()
    records.close()
    other.close()

    assert not kept.done
    assert seqs == {0: 2}


def test_where_no_file_was_made_there_is_nothing_and_nothing_is_made(bare_records, in_file):
    assert bare_records.database.absent
    assert list(bare_records.reader.between()) == []
    with pytest.raises(RecordsNotReady, match="smsgate records migrate"):
        bare_records.writer.keep({0: lines(event(1))})
    assert bare_records.database.absent


def test_a_database_that_is_away_is_said_without_what_was_to_be_written(tmp_path):
    records = Records("postgresql://somebody:secret@127.0.0.1:1/none")
    with pytest.raises(RecordsUnavailable) as caught:
        records.writer.keep({0: lines(event(1, text="my secret text"))})
    records.close()

    assert "secret" not in str(caught.value)


def test_a_file_that_is_no_database_is_unavailable(tmp_path):
    path = tmp_path / "records.sqlite3"
    path.write_bytes(b"no database at all, but more than a page of text " * 200)
    records = Records(f"sqlite:///{path}")
    with pytest.raises(RecordsUnavailable, match="not a database"):
        records.check()
    records.close()


def test_a_database_in_memory_is_refused():
    with pytest.raises(RecordsNotReady, match="keeps nothing"):
        Records("sqlite://").check()


def test_what_goes_in_after_the_file_was_exchanged_goes_into_the_new_one(
    records, tmp_path, in_file
):
    """A backup is put into the place of a file that is in use, and that file is thrown away."""
    file = records.database.file
    records.writer.keep({0: lines(event(1))})
    with closing(sqlite3.connect(file)) as one, closing(sqlite3.connect(tmp_path / "b")) as two:
        one.backup(two)
    for name in (file, *file.parent.glob(f"{file.name}-*")):
        name.unlink()
    (tmp_path / "b").rename(file)

    records.writer.keep({0: lines(event(2))})

    other = Records(str(f"sqlite:///{file}"))
    assert other.reader.count_events() == 2
    other.close()


def test_the_file_is_its_owner_s_alone(records):
    file = records.database.file
    assert file is None or file.stat().st_mode & 0o077 == 0


def test_a_reader_that_is_dropped_half_read_leaves_no_connection_open(tmp_path):
    records = Records(f"sqlite:///{tmp_path / 'records.sqlite3'}")
    records.migrate()
    records.remember_store("one", 8, 1)
    records.writer.keep({0: lines(*(event(place) for place in range(3)))})
    reader = records.reader.between()
    next(reader)
    records.close()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        del reader
        gc.collect()
    assert [str(one.message) for one in warned if one.category is ResourceWarning] == []
