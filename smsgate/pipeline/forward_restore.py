"""Restored: messages that applications had not taken when the store was lost, from the records.

Only the provider's request itself is not in the records; what goes on to an application that wants
it is put as that form anew. What was taken in the second that the records are behind goes on again,
under the id by which the application knows it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import msgspec

from smsgate.consent.events import Event
from smsgate.domain.messages import Forward, GivenUp, forward_id
from smsgate.pipeline.forward_events import DISMISSED, GIVEN_UP, KIND, RETRIED, TAKEN
from smsgate.pipeline.forwards import forward_of
from smsgate.pipeline.undelivered_forwards import GIVEN_UP_US
from smsgate.records import Recorded, Records
from smsgate.settings import Application
from smsgate.store import Store
from smsgate.store.keys import PARTITIONS

WINDOW_US = 2 * GIVEN_UP_US
"""How far back is looked: what came before is with the application, or was given up for long."""

_PAGE = 5_000


@dataclass(slots=True)
class Left:
    """What applications had not taken, by id, as far as the events have been looked at."""

    waiting: dict[str, tuple[Forward, int]] = field(default_factory=dict)
    """With since when each has waited (us)."""
    dead: dict[str, GivenUp] = field(default_factory=dict)
    over: set[str] = field(default_factory=set)
    """Of the ids that were asked about: what waits no more, for it was taken or dismissed."""


def restore_forwards(
    store: Store,
    records: Records,
    applications: Mapping[str, Application],
    renamed: Mapping[str, str],
    now_us: int,
    go_on: Callable[[], None],
) -> int:
    """Let wait what the records say is to wait, and nothing else; gives how many messages do.

    ``go_on`` is called before every some thousand events. Raises what it raises, and
    ``StoreUnavailable``, ``RecordsUnavailable``, ``RecordsNotReady``.
    """
    here = {
        one.id: one for partition in range(PARTITIONS) for one in store.forwards.waiting(partition)
    }
    if not (here or applications):
        return 0
    recorded = _paced(records.reading.between(now_us - WINDOW_US), go_on)
    left = left_of(recorded, applications, renamed, frozenset(here))
    for id_ in here.keys() & (left.over | left.dead.keys()):
        store.forwards.drop(here[id_])
    store.restoring.forward(left.waiting.values(), left.dead.values(), now_us)
    return len(left.waiting)


def _paced(recorded: Iterable[Recorded], go_on: Callable[[], None]) -> Iterator[Recorded]:
    for place, one in enumerate(recorded):
        if place % _PAGE == 0:
            go_on()
        yield one


def left_of(
    recorded: Iterable[Recorded],
    applications: Mapping[str, Application],
    renamed: Mapping[str, str],
    asked: frozenset[str],
) -> Left:
    """What the events, oldest first, leave for applications. Pure."""
    left = Left()
    for one in recorded:
        if one.event.kind == KIND:
            _settle(left, forward_id(one.partition, one.event.inbox_id), one.event, asked)
        elif not one.erased:
            forward = _forward(one, applications, renamed)
            if forward is not None:
                left.waiting[forward.id] = forward, one.event.applied_us
    return left


def _forward(
    one: Recorded, applications: Mapping[str, Application], renamed: Mapping[str, str]
) -> Forward | None:
    entry = one.event.entry
    if entry is None or entry.onward is None:
        return None
    program = renamed.get(entry.program, entry.program)
    entry = msgspec.structs.replace(entry, program=program)
    return forward_of(one.partition, entry, one.event, applications.get(program))


def _settle(left: Left, id_: str, event: Event, asked: frozenset[str]) -> None:
    if event.outcome in (TAKEN, DISMISSED):
        left.waiting.pop(id_, None)
        left.dead.pop(id_, None)
        if id_ in asked:
            left.over.add(id_)
    elif event.outcome == GIVEN_UP and id_ in left.waiting:
        forward, _ = left.waiting.pop(id_)
        left.dead[id_] = GivenUp(forward, event.note, event.applied_us)
    elif event.outcome == RETRIED and id_ in left.dead:
        left.waiting[id_] = left.dead.pop(id_).forward, event.applied_us
        left.over.discard(id_)
