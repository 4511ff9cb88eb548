"""Messages that an application did not take for a day: a person retries or dismisses them."""

from __future__ import annotations

import msgspec

from smsgate.domain.errors import NoSuchForward
from smsgate.domain.messages import Forward, GivenUp
from smsgate.metrics.families import FORWARDS
from smsgate.pipeline.forward_events import DISMISSED, GIVEN_UP, RETRIED, forward_event
from smsgate.store import Store
from smsgate.store.keys import PARTITIONS

GIVEN_UP_US = 24 * 3600 * 1_000_000
SOME = 200
"""Messages of a partition that are given up at once."""


def give_up_old(store: Store) -> int:
    """Give up what has waited for a day; gives how much. Raises ``StoreUnavailable``."""
    now_us = store.health.now_us()
    given_up = 0
    for partition in range(PARTITIONS):
        for forward in store.forwards.overdue(partition, now_us - GIVEN_UP_US, SOME):
            note = forward.note or "its turn never came in a whole day"
            event = forward_event(forward, GIVEN_UP, now_us, note)
            if store.forwards.give_up(GivenUp(forward, note, now_us), event):
                store.metrics.count(FORWARDS, forward.entry.program, GIVEN_UP)
                given_up += 1
    return given_up


def find(store: Store, id_: str) -> GivenUp:
    """The message of that id that was given up. Raises ``NoSuchForward``."""
    partition = id_.partition("-")[0]
    if partition.isdigit() and int(partition) < PARTITIONS:
        for letter in store.forwards.dead(int(partition)):
            if letter.forward.id == id_:
                return letter
    raise NoSuchForward(
        f"no message {id_!r} was given up; `smsgate forward list --dead` shows those"
    )


def retry(store: Store, id_: str, actor: str) -> None:
    """Hand a message over again, for another day. Raises ``NoSuchForward``."""
    letter = find(store, id_)
    again = msgspec.structs.replace(letter.forward, tries=0)
    _take_out(store, letter, RETRIED, actor, again)


def dismiss(store: Store, id_: str, actor: str) -> None:
    """Forget a message that was given up. Raises ``NoSuchForward``."""
    _take_out(store, find(store, id_), DISMISSED, actor, None)


def _take_out(
    store: Store, letter: GivenUp, outcome: str, actor: str, again: Forward | None
) -> None:
    note = f"by {actor}; before: {letter.note}"
    event = forward_event(letter.forward, outcome, store.health.now_us(), note)
    if not store.forwards.bury(letter, event, again):
        raise NoSuchForward(
            f"message {letter.forward.id!r} was taken out by somebody else just now"
        )
