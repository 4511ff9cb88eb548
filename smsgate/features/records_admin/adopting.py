"""Adopted: older records go on, and how numbers stand in the store is recorded anew.

Without that the opt-outs that the records lack would be in the store alone, and gone with it.
"""

from __future__ import annotations

from smsgate import __version__
from smsgate.consent.events import Event, Standing, event_id
from smsgate.domain.messages import Decision, Entry, Intent
from smsgate.features.records_admin.comparing import differences
from smsgate.pipeline.archive import Recording
from smsgate.records import Records
from smsgate.records.announcing import ADOPTED
from smsgate.store import Store
from smsgate.store.keys import partition_of

_NOTE = "as it stood in the store when the records went on without its events"
_ROUNDS = 3
"""What changes while it is noted is looked at again."""


def adopt(
    store: Store, records: Records, recording: Recording, actor: str, reason: str
) -> tuple[list[int], int]:
    """Go on with older records; gives their partitions, and how many numbers were noted in them.

    Raises as ``Recording.move``.
    """
    partitions, noted = recording.adopt(actor, reason), set[str]()
    for _ in range(_ROUNDS if partitions else 0):
        for one in differences(store, records, recording):
            if partition_of(one.number) in partitions:
                event = _noted(one.number, one.store, store.health.now_us(), actor, reason)
                store.ledger.append(partition_of(one.number), event)
                noted.add(one.number)
        recording.move_all()
    return partitions, len(noted)


def _noted(number: str, standing: Standing, now_us: int, actor: str, reason: str) -> Event:
    decision = Decision(Intent.NONE, rule=ADOPTED, note=reason)
    about = Entry(number=number, program="", decision=decision, source="operator", actor=actor)
    return Event(
        id=event_id(now_us // 1000, ADOPTED, number, str(now_us)),
        kind=ADOPTED,
        outcome="applied",
        number=number,
        standing=standing,
        entry=about,
        received_us=now_us,
        applied_us=now_us,
        note=_NOTE,
        software=__version__,
    )
