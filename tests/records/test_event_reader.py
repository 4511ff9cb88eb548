"""Reading events behind a position: the same on every database."""

from __future__ import annotations

import threading

import pytest

from smsgate.domain.errors import CursorRefused
from smsgate.records.event_reader import EventReader, format_position, parse_position
from tests.records.values import event, lines


def followed(records, place, limit):
    found, more = [], True
    while more:
        page = EventReader(records.database).after(place, limit)
        assert len(page.events) <= limit
        found += page.events
        place, more = page.position, page.more
    return found, place


def test_nothing_is_skipped_while_several_movers_write(records):
    """A reader goes on from place to place while four writers fill the partitions."""
    written = {partition: [event(partition * 100 + n) for n in range(20)] for partition in range(4)}

    def write(partition: int) -> None:
        for one in written[partition]:
            while not records.writer.keep({partition: lines(one)}).done:
                pass

    threads = [threading.Thread(target=write, args=(partition,)) for partition in written]
    for thread in threads:
        thread.start()
    found, place = [], {}
    while any(thread.is_alive() for thread in threads):
        some, place = followed(records, place, 7)
        found += some
    some, place = followed(records, place, 7)
    found += some

    ids = [one.event.id for one in found]
    assert len(ids) == len(set(ids)) == 80
    for partition, events in written.items():
        assert [one.event.id for one in found if one.partition == partition] == [
            one.id for one in events
        ]
    assert EventReader(records.database).newest() == place
    with pytest.raises(CursorRefused):
        EventReader(records.database).after({**place, 9: 1}, 5)


def test_a_short_page_gives_every_partition_its_turn(records):
    records.writer.keep(
        {partition: lines(*(event(partition * 10 + n) for n in range(3))) for partition in (0, 7)}
    )
    place, partitions = {}, []
    for _ in range(4):
        page = EventReader(records.database).after(place, 1)
        place = page.position
        partitions += [one.partition for one in page.events]
    assert {*partitions} == {0, 7}


def test_before_the_first_record_there_is_nothing_to_follow(bare_records):
    if bare_records.absent:
        assert EventReader(bare_records.database).after({}, 5).events == []
        assert EventReader(bare_records.database).newest() == {}


def test_a_place_survives_being_text() -> None:
    for place in ({}, {0: 1}, {3: 7, 15: 10**12}):
        assert parse_position(format_position(place)) == place
    assert format_position({4: 0}) == format_position({}) == "0"
