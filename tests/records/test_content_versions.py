"""Keyword sets of the console, version by version, on both databases."""

from __future__ import annotations

from functools import partial

import pytest

from smsgate.content_versions import ContentChanged, ContentVersions, read_history
from smsgate.domain.errors import NotFound
from tests.records.values import event, lines, reply_event


def test_the_newest_version_is_the_set(records):
    add = ContentVersions(records, "keywords").add
    add("es", "x = 1", 0, "ann")
    newest = [add("es", "", 1, "ann", "given up"), add("fr", "x = 1", 0, "ann")]
    assert ContentVersions(records, "keywords").newest() == newest
    with pytest.raises(ContentChanged, match="version 1"):
        add("es", "x = 2", 1, "bob")


def test_versions_are_read_the_newest_first_with_what_each_changed(records):
    for number in range(1, 6):
        ContentVersions(records, "keywords").add("es", f"x = {number}", number - 1, "ann")
    of = ContentVersions(records, "keywords").of
    assert [one.version for one in of("es", 2)] == [5, 4]
    assert of("fr", 9) == []
    content_of = ContentVersions(records, "keywords").content_of
    assert (content_of("es", 2), content_of("es", 0)) == ("x = 2\n", "")
    for number in (6, 10**25):
        with pytest.raises(NotFound):
            content_of("es", number)
    newest, changes = read_history(ContentVersions(records, "keywords"), "es")[0]
    assert [newest.version, *changes] == [5, ("removed", "x = 4"), ("added", "x = 5")]


def test_texts_are_read_the_newest_first_page_by_page(records):
    told = [event(at, text=f"text {at}") for at in range(4)]
    told.append(event(0, number="+14155550199", text="text 0b"))
    records.writer.keep({0: lines(*told, reply_event(9))})
    newest = partial(records.reader.newest, source="text")
    page = newest(3)
    assert [one.event.entry.text for one in page] == ["text 3", "text 2", "text 1"]
    rest = newest(9, before=page[-1].place)
    assert {one.event.entry.text for one in rest} == {"text 0", "text 0b"}
    assert len(newest(9, before=rest[0].place)) == 1
