"""Known again: the ids of messages, so that what a provider delivers twice counts once."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable

from smsgate.pipeline.write_behind import WriteBehind
from smsgate.records import Records
from smsgate.store import Store
from smsgate.store.inbox import REMEMBER_S

_PAGE = 20_000


def know_again(
    store: Store,
    records: Records,
    rebuild: str,
    now_us: int,
    progress: Callable[[str, int, int], None],
    go_on: Callable[[], None],
) -> int:
    """Remember the messages of the last 48 hours and every opt-in; gives how many of the former.

    ``rebuild`` is its name; ``go_on`` is called before each step. Raises what that raises,
    ``StoreNotReady`` where the store is not shut for it, and ``StoreUnavailable``,
    ``RecordsUnavailable``, ``RecordsNotReady``.
    """
    done = 0
    recent = records.reading.messages(now_us - REMEMBER_S * 1_000_000)
    kinds = ("opt_in", "restored")
    opt_ins = itertools.chain(*(records.reading.messages(0, kind=kind) for kind in kinds))
    with WriteBehind() as writer:
        while page := [*itertools.islice(recent, _PAGE)]:
            go_on()
            rows = [(one.partition, one.account, one.message_id, one.received_us) for one in page]
            writer.write(functools.partial(store.restoring.remember, rebuild, rows, now_us))
            done += len(page)
            progress("messages", done, 0)
        known = 0
        while page := [*itertools.islice(opt_ins, _PAGE)]:
            go_on()
            known += len(page)
            progress("opt-ins", known, 0)
            rows_in = [(one.partition, one.account, one.message_id) for one in page]
            writer.write(functools.partial(store.restoring.remember_opt_ins, rebuild, rows_in))
    return done
