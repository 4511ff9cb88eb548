"""From the records to a feed's calls: what people said at once, what lists did when there is room.

A list of a million numbers is a million calls, and the STOP that comes meanwhile must not wait for
them. So the records are read twice: up to their end for what happened to numbers one by one, and
behind that, a few hundred numbers at a time, for what lists did. Of one number the order stays:
where it was in a list whose turn has not come, the list's call goes before its own, and is left out
when the turn comes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import structlog

from smsgate.domain.errors import CursorRefused
from smsgate.features.feeds.changes import calls_of, calls_of_lists
from smsgate.records import Recorded, Records
from smsgate.records.feeds import FeedCall, FeedPlace
from smsgate.records.following import START, Followed, Place
from smsgate.settings import Program

PAGE = 200
"""Events that are looked at in one step; and calls of lists that are noted in one, at least."""
ENOUGH = 1_000
"""Calls that wait; while there are as many, the records keep the rest."""
HEAD_START_US = 24 * 3600 * 1_000_000
"""By how much a call about one number is due before those of lists: as long as any may wait."""
_log = structlog.get_logger("smsgate.feed")


class FeedReading:
    """Reads the records for one program's feed."""

    def __init__(self, program: Program, records: Records) -> None:
        """Read these records; nothing is asked yet."""
        self._program = program
        self._records = records

    def read(self, now_us: int) -> bool:
        """Turn some events into calls; gives whether there was more than was read.

        Raises ``RecordsUnavailable``, ``RecordsNotReady``.
        """
        feeds, name = self._records.feeds, self._program.name
        waiting = feeds.waiting(name)
        if waiting >= ENOUGH:
            return False
        place = feeds.place(name) or FeedPlace(START, START)
        try:
            place, more = self._read_changes(place, now_us)
            if waiting < PAGE and place.lists != place.changes:
                self._read_lists(place, now_us)
                more = True
        except CursorRefused as error:
            _log.warning("feed begins anew", program=name, problem=str(error))
            newest = self._records.following.newest()
            feeds.advance(name, place, FeedPlace(newest, newest), [])
            return False
        return more

    def _read_changes(self, place: FeedPlace, now_us: int) -> tuple[FeedPlace, bool]:
        found = self._records.following.after(place.changes, PAGE)
        if found.place == place.changes:
            return place, False
        alone = [one for one in found.events if not one.event.listed]
        apart = place.lists != place.changes or len(alone) < len(found.events)
        new = self._calls(alone, place.lists if apart else None, now_us)
        moved = FeedPlace(found.place, place.lists if apart else found.place)
        self._records.feeds.advance(self._program.name, place, moved, new)
        return moved, found.more

    def _calls(
        self, alone: Iterable[Recorded], lists: Place | None, now_us: int
    ) -> Iterator[FeedCall]:
        """What people said, and before it what lists that have to wait did to them."""
        due_us = now_us - HEAD_START_US
        for one in alone:
            found = calls_of(self._program, one, self._records, now_us)
            if lists is not None:
                after = lists.get(one.partition, 0)
                told = calls_of_lists(self._program, one, self._records, after, now_us)
                yield from (replace(call, due_us=due_us) for call in told)
            yield from (replace(call, due_us=due_us) for call in found)

    def _read_lists(self, place: FeedPlace, now_us: int) -> None:
        found = self._records.following.after(place.lists, PAGE, place.changes)
        new: list[FeedCall] = []
        read = 0
        for one in found.events:
            if len(new) >= PAGE:
                break
            read += 1
            if one.event.listed:
                new += self._of_list(one, place.changes, now_us)
        moved = FeedPlace(place.changes, _behind(found, read))
        self._records.feeds.advance(self._program.name, place, moved, new)

    def _of_list(self, one: Recorded, changes: Place, now_us: int) -> list[FeedCall]:
        """The calls of a list, without those that went before a number's own already."""
        calls = [*calls_of(self._program, one, self._records, now_us)]
        until = changes.get(one.partition, 0)
        told = self._records.following.spoken_of(
            one.partition, one.seq, until, [call.number for call in calls]
        )
        return [call for call in calls if call.number not in told]


def _behind(found: Followed, read: int) -> Place:
    """The place behind the first events of a page."""
    place = dict(found.place)
    for one in reversed(found.events[read:]):
        place[one.partition] = one.seq - 1
    return place
