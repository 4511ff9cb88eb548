"""Reading events behind a position: the same on every database."""

from __future__ import annotations

import threading

import pytest

from smsgate.domain.errors import CursorRefused
from tests.records.values import event, lines


def followed(records, position):
    found = []
    while page := records.reader.after(position, 7):
        found += page
        position = page[-1].position
    return found, position


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
    found, position = [], 0
    while any(thread.is_alive() for thread in threads):
        some, position = followed(records, position)
        found += some
    some, position = followed(records, position)
    found += some

    assert [one.position for one in found] == [*range(1, 81)]
    for partition, events in written.items():
        assert [one.event.id for one in found if one.partition == partition] == [
            one.id for one in events
        ]
    assert records.reader.newest_position() == position
    with pytest.raises(CursorRefused):
        records.reader.after(position + 1, 5)


def test_before_the_first_record_there_is_nothing_to_follow(bare_records):
    if bare_records.database.absent:
        assert bare_records.reader.after(0, 5) == []
        assert bare_records.reader.newest_position() == 0
