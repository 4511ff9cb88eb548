"""What the console changes of programs and accounts, version by version, on both databases."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest
from sqlalchemy import literal

from smsgate.domain.errors import ConfigurationChanged, RecordsNotReady
from smsgate.records import ConfigurationVersion, configuration_versions


def version(number: int, *changed: str, content: str = "", **rest) -> ConfigurationVersion:
    content = content or f'[programs.alerts]\ncontact = "{number}"\n'
    author, note = rest.get("author", "ann"), rest.get("note", "")
    return ConfigurationVersion(
        number, content, changed or ("programs.alerts",), author, number, note
    )


def test_the_newest_version_is_what_is_in_force(records):
    assert records.configuration_versions.newest() is None
    for number in (1, 2):
        records.configuration_versions.save(version(number, note="why"))
    assert records.configuration_versions.newest() == version(2, note="why")
    assert records.configuration_versions.find(1) == version(1, note="why")
    assert records.configuration_versions.find(3) is None
    assert records.configuration_versions.find(0) is None


def test_the_history_is_paged_and_of_one_table_where_one_is_asked_for(records):
    saved = [
        version(1, "programs.a_b"),
        version(2, "programs.acb"),
        version(3, "programs.a_b", "accounts.twilio"),
    ]
    for one in saved:
        records.configuration_versions.save(one)
    page = records.configuration_versions.page
    assert page(9) == saved[::-1]
    assert page(1, before=3) == [saved[1]]
    assert page(9, table="programs.a_b") == [saved[2], saved[0]]
    assert page(9, before=3, table="programs.a_b") == [saved[0]]
    assert page(9, table="accounts.twilio") == [saved[2]]
    assert page(9, table="programs.a") == []
    assert len(page(9, before=10**25)) == 3
    assert page(9, before=-(10**25)) == []


@pytest.mark.parametrize("number", [1, 3])
def test_a_version_stands_on_the_newest_one_or_is_refused(records, number):
    records.configuration_versions.save(version(1))
    with pytest.raises(ConfigurationChanged, match="Somebody else"):
        records.configuration_versions.save(version(number, content="x = 1\n"))
    assert records.configuration_versions.page(9) == [version(1)]


def test_of_many_who_save_at_once_one_wins_and_the_others_are_told(records):
    refused, ready = [], threading.Barrier(6)

    def save(author: str) -> None:
        ready.wait()
        try:
            records.configuration_versions.save(version(1, author=author))
        except ConfigurationChanged:
            refused.append(author)

    threads = [threading.Thread(target=save, args=(f"op{at}",)) for at in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (kept,) = records.configuration_versions.page(9)
    assert sorted([kept.author, *refused]) == [f"op{at}" for at in range(6)]


def test_a_version_that_came_in_the_same_moment_is_not_written_over(records, monkeypatch):
    records.configuration_versions.save(version(1))
    stale = SimpleNamespace(max=lambda _: literal(0))  # as it was seen a moment ago
    monkeypatch.setattr(configuration_versions, "func", stale)
    with pytest.raises(ConfigurationChanged):
        records.configuration_versions.save(version(1, content="x = 1\n"))
    assert records.configuration_versions.page(9) == [version(1)]


def test_odd_texts_are_kept(records):
    records.configuration_versions.save(version(1, content="🛑 ' \0 \\ ÿ\n" * 5_000, note="a\0b"))
    kept = records.configuration_versions.newest()
    assert kept.content == "🛑 ' � \\ ÿ\n" * 5_000
    assert kept.note == "a�b"


def test_without_records_there_is_nothing_and_nothing_is_begun(bare_records):
    if bare_records.absent:
        assert bare_records.configuration_versions.newest() is None
    with pytest.raises(RecordsNotReady):
        bare_records.configuration_versions.save(version(1))
