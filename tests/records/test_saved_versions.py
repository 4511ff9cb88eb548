"""What holds for keyword sets and for changes of the configuration, on both databases."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from sqlalchemy import literal

from smsgate.domain.errors import ConfigurationChanged, KeywordSetChanged, RecordsNotReady
from smsgate.records import ConfigurationVersion, KeywordVersion, Records, saved_versions

Version = KeywordVersion | ConfigurationVersion


@dataclass(frozen=True)
class VersionKind:
    """One kind of versions: how one is made, saved and read, and what refuses one."""

    name: str
    make: Callable[..., Version]
    all: Callable[[Records], Sequence[Version]]
    refused: type[Exception]
    said: str

    def save(self, records: Records, version: Version) -> None:
        getattr(records, self.name).save(version)


def keyword_version(number, content="x = 1\n", author="ann", note=""):
    return KeywordVersion("es", number, content, author, 1_000_000 * number, note)


def configuration_version(number, content="x = 1\n", author="ann", note=""):
    return ConfigurationVersion(number, content, ("programs.alerts",), author, number, note)


KINDS = [
    VersionKind(
        "keyword_versions",
        keyword_version,
        lambda records: records.keyword_versions.of("es", 9),
        KeywordSetChanged,
        "someone else",
    ),
    VersionKind(
        "configuration_versions",
        configuration_version,
        lambda records: records.configuration_versions.page(9),
        ConfigurationChanged,
        "Someone else",
    ),
]


@pytest.fixture(params=KINDS, ids=[one.name for one in KINDS])
def kind(request):
    return request.param


@pytest.mark.parametrize("number", [1, 3])
def test_a_version_stands_on_the_newest_one_or_is_refused(records, kind, number):
    kind.save(records, kind.make(1))
    with pytest.raises(kind.refused, match=kind.said):
        kind.save(records, kind.make(number, content="mine"))
    assert kind.all(records) == [kind.make(1)]


def test_of_many_who_save_at_once_one_wins_and_the_others_are_told(records, kind):
    refused, ready = [], threading.Barrier(6)

    def save(author: str) -> None:
        ready.wait()
        try:
            kind.save(records, kind.make(1, author=author))
        except kind.refused:
            refused.append(author)

    threads = [threading.Thread(target=save, args=(f"op{at}",)) for at in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (kept,) = kind.all(records)
    assert sorted([kept.author, *refused]) == [f"op{at}" for at in range(6)]


def test_a_version_that_came_in_the_same_moment_is_not_written_over(records, kind, monkeypatch):
    kind.save(records, kind.make(1))
    stale = SimpleNamespace(max=lambda _: literal(0))  # as it was seen a moment ago
    monkeypatch.setattr(saved_versions, "func", stale)
    with pytest.raises(kind.refused):
        kind.save(records, kind.make(1, content="mine", note="mine"))
    assert kind.all(records) == [kind.make(1)]


def test_odd_texts_are_kept(records, kind):
    kind.save(records, kind.make(1, content="🛑 ' \0 \\ ÿ\n" * 5_000, note="a\0b"))
    (kept,) = kind.all(records)
    assert kept.content == "🛑 ' � \\ ÿ\n" * 5_000
    assert kept.note == "a�b"


def test_without_records_there_is_nothing_and_nothing_is_begun(bare_records, kind):
    if bare_records.absent:
        assert kind.all(bare_records) == []
        assert not getattr(bare_records, kind.name).newest()
    with pytest.raises(RecordsNotReady):
        kind.save(bare_records, kind.make(1))
