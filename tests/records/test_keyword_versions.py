"""Keyword sets of the console, version by version, on both databases."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest
from sqlalchemy import literal

from smsgate.domain.errors import KeywordSetChanged, RecordsNotReady
from smsgate.records import KeywordVersion, keyword_versions
from smsgate.records.history import TextPlace
from tests.records.values import event, lines, reply_event


def version(number: int, name: str = "es", content: str = "x = 1\n", **rest) -> KeywordVersion:
    return KeywordVersion(
        name, number, content, rest.get("author", "ann"), 1_000_000 * number, rest.get("note", "")
    )


def test_the_newest_version_is_the_set(records):
    for made in (version(1), version(2, content="", note="given up"), version(1, "fr")):
        records.keyword_versions.save(made)
    assert records.keyword_versions.newest() == [
        version(2, content="", note="given up"),
        version(1, "fr"),
    ]


def test_the_history_is_paged_the_newest_first(records):
    for number in range(1, 6):
        records.keyword_versions.save(version(number, content=f"x = {number}\n"))
    of = records.keyword_versions.of
    assert [one.version for one in of("es", 2)] == [5, 4]
    assert [one.version for one in of("es", 9, before=4)] == [3, 2, 1]
    assert of("es", 1, before=3) == [version(2, content="x = 2\n")]
    assert of("fr", 9) == []
    assert len(of("es", 9, before=10**25)) == 5
    assert of("es", 9, before=-(10**25)) == []


@pytest.mark.parametrize("number", [1, 3])
def test_a_version_stands_on_the_newest_one_or_is_refused(records, number):
    records.keyword_versions.save(version(1))
    with pytest.raises(KeywordSetChanged, match="somebody else"):
        records.keyword_versions.save(version(number, content="mine"))
    assert records.keyword_versions.of("es", 9) == [version(1)]


def test_of_many_who_save_at_once_one_wins_and_the_others_are_told(records):
    refused, ready = [], threading.Barrier(6)

    def save(author: str) -> None:
        ready.wait()
        try:
            records.keyword_versions.save(version(1, author=author))
        except KeywordSetChanged:
            refused.append(author)

    threads = [threading.Thread(target=save, args=(f"op{at}",)) for at in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (kept,) = records.keyword_versions.of("es", 9)
    assert sorted([kept.author, *refused]) == [f"op{at}" for at in range(6)]


def test_a_version_that_came_in_the_same_moment_is_not_written_over(records, monkeypatch):
    records.keyword_versions.save(version(1))
    stale = SimpleNamespace(max=lambda _: literal(0))  # as it was seen a moment ago
    monkeypatch.setattr(keyword_versions, "func", stale)
    with pytest.raises(KeywordSetChanged):
        records.keyword_versions.save(version(1, content="mine", note="mine"))
    assert records.keyword_versions.of("es", 9) == [version(1)]


def test_odd_texts_are_kept(records):
    records.keyword_versions.save(version(1, content="🛑 ' \0 \\ ÿ\n" * 5_000, note="a\0b"))
    (kept,) = records.keyword_versions.newest()
    assert kept.content == "🛑 ' � \\ ÿ\n" * 5_000
    assert kept.note == "a�b"


def test_without_records_there_is_nothing_and_nothing_is_begun(bare_records):
    if bare_records.absent:
        assert bare_records.keyword_versions.newest() == []
        assert bare_records.keyword_versions.of("es", 9) == []
    with pytest.raises(RecordsNotReady):
        bare_records.keyword_versions.save(version(1))


def test_texts_are_read_the_newest_first_page_by_page(records):
    told = [event(at, text=f"text {at}") for at in range(4)]
    told.append(event(0, number="+14155550199", text="text 0b"))
    records.writer.keep({0: lines(*told, reply_event(9))})
    page = records.received_texts.page(None, 3)
    assert [one.event.entry.text for one in page] == ["text 3", "text 2", "text 1"]
    last = page[-1].event
    rest = records.received_texts.page(TextPlace(last.received_us, last.id), 9)
    assert {one.event.entry.text for one in rest} == {"text 0", "text 0b"}
    first = rest[0].event
    assert len(records.received_texts.page(TextPlace(first.received_us, first.id), 9)) == 1
