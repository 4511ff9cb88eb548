"""The check finds whatever was done to the records behind smsgate's back, and says where."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smsgate.consent.events import ConsentState
from smsgate.domain.errors import RecordsNotReady, RecordsUnavailable
from smsgate.records import ChainLink, Records
from smsgate.records.verifier import check_chain
from smsgate.records.writer import FIRST, link_hash
from tests.fakes.values import NUMBER, OTHER
from tests.records.values import event, lines, reply_event

COUNT = 8


@pytest.fixture
def filled(records):
    """Partition 3 with eight events of one number, partition 5 with two of another."""
    mine = [event(at) for at in range(COUNT - 1)] + [reply_event(99)]
    records.writer.keep({3: lines(*mine), 5: lines(event(200, OTHER), event(201, OTHER))})
    return records


@pytest.fixture
def tamper(filled):
    """Changes the database as somebody would who may do everything to it."""

    def run(*statements: str) -> list[str]:
        with filled.database.writing() as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
            else:
                names = connection.exec_driver_sql(
                    "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
                ).all()
                for name, _ in names:
                    connection.exec_driver_sql(f"DROP TRIGGER {name}")
            for statement in statements:
                assert connection.exec_driver_sql(statement).rowcount
        return [str(one) for one in filled.verifier.verify()]

    return run


def id_at(seq: int) -> str:
    return event(seq - 1).id


def test_records_that_nobody_touched_are_sound(filled):
    checked = []
    assert list(filled.verifier.verify(checked.append)) == []
    assert sum(checked) == COUNT + 2


@pytest.mark.parametrize("table", ["links", "events", "texts", "stores"])
@pytest.mark.parametrize("action", ["UPDATE", "DELETE"])
def test_the_database_itself_refuses_changes(filled, table, action):
    filled.remember_store("s", 8, 1)
    columns = {"links": "hash", "events": "facts", "texts": "words", "stores": "id"}
    change = f"UPDATE {table} SET {columns[table]} = {columns[table]}"
    with pytest.raises(RecordsUnavailable, match=r"never changed|never removed|only after"):
        done_by_hand(filled, change if action == "UPDATE" else f"DELETE FROM {table}")


def done_by_hand(records: Records, statement: str) -> None:
    with records.database.writing() as connection:
        connection.exec_driver_sql(statement)


CHANGES = {
    "outcome": (
        "UPDATE events SET outcome = 'stale' WHERE seq = 4 AND partition = 3",
        4,
        "changed",
    ),
    "time": ("UPDATE events SET received_us = 7 WHERE seq = 4 AND partition = 3", 4, "changed"),
    "facts": (
        "UPDATE events SET facts = replace(facts, 'twilio', 'x') WHERE seq = 5 AND partition = 3",
        5,
        "contents were changed",
    ),
    "digest": (
        "UPDATE events SET text_digest = text_digest || 'x' WHERE seq = 5 AND partition = 3",
        5,
        "contents were changed",
    ),
    "place": (
        "UPDATE events SET seq = 44 WHERE seq = 4 AND partition = 3",
        4,
        "link 44 of partition 3",
    ),
    "words": (
        f"UPDATE texts SET words = replace(words, 'Stop', 'Stay') WHERE event_id = '{id_at(2)}'",
        2,
        "texts were changed",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_found_and_named(tamper, change):
    statement, seq, problem = CHANGES[change]

    (found,) = tamper(statement)

    assert f"partition 3, link {seq}, event {id_at(seq)}" in found
    assert problem in found


@pytest.mark.parametrize("seq", [1, 4, COUNT])
def test_a_missing_link_is_found_wherever_it_was(tamper, seq):
    found = tamper(f"DELETE FROM links WHERE partition = 3 AND seq = {seq}")

    assert any(f"partition 3, link {seq}: link {seq} is missing" in one for one in found)
    assert any("there is contents, and no link" in one for one in found)


def test_missing_contents_are_found(tamper):
    found = tamper(
        f"DELETE FROM texts WHERE event_id = '{id_at(4)}'",
        f"DELETE FROM events WHERE id = '{id_at(4)}'",
    )

    assert found == [
        (
            f"partition 3, link 4, event {id_at(4)}: its contents are missing, "
            "and no removal was recorded"
        )
    ]


def test_missing_texts_are_found(tamper):
    (found,) = tamper(f"DELETE FROM texts WHERE event_id = '{id_at(4)}'")
    assert "link 4" in found
    assert "its texts are missing" in found


def test_a_removal_that_nobody_announced_is_found(tamper):
    found = tamper(
        f"INSERT INTO removals VALUES ('{id_at(4)}', 'event', '{id_at(1)}')",
        f"DELETE FROM texts WHERE event_id = '{id_at(4)}'",
        f"DELETE FROM events WHERE id = '{id_at(4)}'",
    )
    assert len(found) == 1
    assert "does not announce" in found[0]


@pytest.mark.parametrize(("one", "two"), [(3, 4), (2, 6), (1, COUNT)])
def test_two_links_in_each_others_place_are_found(tamper, one, two):
    found = tamper(
        f"UPDATE links SET seq = 1000 WHERE partition = 3 AND seq = {one}",
        f"UPDATE links SET seq = {one} WHERE partition = 3 AND seq = {two}",
        f"UPDATE links SET seq = {two} WHERE partition = 3 AND seq = 1000",
    )
    for seq, other in ((one, two), (two, one)):
        of_link = [said for said in found if f"link {seq}, " in said]
        assert any("was changed" in said for said in of_link)
        assert any(f"belong to link {other} of partition 3" in said for said in of_link)


def test_events_that_changed_places_between_their_links_are_found(tamper):
    found = tamper(
        "UPDATE links SET event_id = 'x' WHERE partition = 3 AND seq = 3",
        f"UPDATE links SET event_id = '{id_at(3)}' WHERE partition = 3 AND seq = 5",
        f"UPDATE links SET event_id = '{id_at(5)}' WHERE partition = 3 AND seq = 3",
        "UPDATE links SET content_hash = (SELECT content_hash FROM links l "
        "WHERE l.partition = 3 AND l.seq = 4) WHERE partition = 3 AND seq = 3",
    )
    assert any("link 3" in one and "was changed" in one for one in found)
    assert any("link 5" in one and "was changed" in one for one in found)


@pytest.mark.parametrize("seq", [1, 4, COUNT])
def test_a_changed_hash_is_found_at_its_link(tamper, seq):
    found = tamper("UPDATE links SET hash = content_hash WHERE partition = 3 AND seq = " + str(seq))
    assert f"link {seq}, " in found[0]
    assert "the link, or the hash of the one before it, was changed" in found[0]
    assert len(found) == 2, "its own, and what follows from it"


def test_a_chain_that_was_cut_short_is_found(tamper):
    found = tamper(f"DELETE FROM links WHERE partition = 3 AND seq > {COUNT - 2}")
    assert f"links {COUNT - 1} to {COUNT} are missing at the end" in found[0]


def test_a_partition_that_is_gone_is_found(tamper):
    found = tamper("DELETE FROM links WHERE partition = 5")
    assert "partition 5, link 1: links 1 to 2 are missing at the end" in found[0]


def test_how_a_number_stands_cannot_be_changed_unseen(tamper):
    (found,) = tamper(f"UPDATE numbers SET consent_state = '{{}}' WHERE number = '{NUMBER}'")
    assert f"how {NUMBER} stands was changed" in found


def test_an_older_standing_cannot_be_put_back_unseen(filled, tamper):
    filled.writer.keep({3: lines(event(300, consent_state=ConsentState()))})
    filled.writer.keep({3: lines(event(301))})

    found = tamper(
        f"UPDATE numbers SET consent_state = '{{}}', seq = {COUNT + 1} WHERE number = '{NUMBER}'"
    )
    assert any("is not what is noted of the number" in one for one in found)


def test_a_number_that_is_gone_is_found(tamper):
    found = tamper(f"DELETE FROM numbers WHERE number = '{NUMBER}'")
    assert any(f"how {NUMBER} stands" in one for one in found)


@dataclass(repr=False)
class File:
    """A small SQLite file, its bytes, and what it says."""

    path: Path
    raw: bytes
    told: list[object]


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> File:
    path = tmp_path_factory.mktemp("file") / "records.sqlite3"
    records = Records(f"sqlite:///{path}")
    records.migrate()
    records.writer.keep({3: lines(*(event(at) for at in range(3)), reply_event(9))})
    told = everything(records)
    records.close()
    with closing(sqlite3.connect(path)) as plain:
        plain.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return File(path, path.read_bytes(), told)


def everything(records: Records) -> list[object]:
    return [
        *records.reader.between(),
        *records.reader.numbers(),
        *records.reader.links(3),
        *records.reader.heads().items(),
    ]


def test_any_changed_byte_of_the_file_is_found_or_changes_nothing(file):
    used = [at for at, byte in enumerate(file.raw) if byte]
    for at in random.sample(used, 60):
        bit = random.randrange(8)
        file.path.write_bytes(file.raw[:at] + bytes([file.raw[at] ^ 1 << bit]) + file.raw[at + 1 :])
        records = Records(f"sqlite:///{file.path}")
        try:
            found = list(records.verifier.verify())
            assert found or everything(records) == file.told, f"bit {bit} of byte {at}"
        except (RecordsUnavailable, RecordsNotReady):
            pass  # the database, or the tables, cannot be used at all
        finally:
            records.close()


def test_a_changed_byte_of_a_text_is_found_in_the_file(file):
    path, raw = file.path, file.raw
    assert raw.count(b"Stop 1") == 1
    path.write_bytes(raw.replace(b"Stop 1", b"Stop\xff1"))
    records = Records(f"sqlite:///{path}")

    (found,) = records.verifier.verify()
    records.close()

    assert found.event_id == id_at(2)
    assert "texts were changed" in found.problem


Links = list[tuple[str, bytes, bytes]]


def chained(count: int) -> Links:
    previous, links = FIRST, []
    for seq in range(1, count + 1):
        content = bytes([seq]) * 32
        previous = link_hash(previous, 0, seq, f"e{seq}", content)
        links.append((f"e{seq}", content, previous))
    return links


def findings(links: list[tuple[int, tuple[str, bytes, bytes]]], head: tuple[int, bytes]):
    return [*check_chain(0, (ChainLink(0, seq, *link) for seq, link in links), head)]


def flipped(raw: bytes, bit: int) -> bytes:
    at = bit // 8 % len(raw)
    return raw[:at] + bytes([raw[at] ^ (1 << bit % 8)]) + raw[at + 1 :]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), count=st.integers(1, 30))
def test_any_change_to_a_chain_is_found_at_its_place(data, count):
    links = chained(count)
    rows = [*enumerate(links, 1)]
    head = (count, links[-1][2])
    assert findings(rows, head) == []
    at = data.draw(st.integers(0, count - 1))
    what = data.draw(st.sampled_from(["id", "content", "hash", "gone", "pair"]))
    seq, (id_, content, hash_) = rows[at]
    bit = data.draw(st.integers(0, 255))
    if what == "id":
        rows[at] = (seq, (id_ + "x", content, hash_))
    elif what == "content":
        rows[at] = (seq, (id_, flipped(content, bit), hash_))
    elif what == "hash":
        rows[at] = (seq, (id_, content, flipped(hash_, bit)))
    elif what == "gone":
        del rows[at]
    else:
        other = data.draw(st.integers(0, count - 1))
        if other == at:
            return
        rows[at], rows[other] = (at + 1, links[other]), (other + 1, links[at])
        seq = min(at, other) + 1

    found = findings(rows, head)

    assert found
    assert found[0].seq == seq


def test_records_are_checked_on_a_file_that_another_one_opened(filled, database_url):
    other = Records(database_url)
    assert list(other.verifier.verify()) == []
    other.close()
