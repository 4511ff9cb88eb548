"""Many changes of one call: each becomes an entry or a refusal, and all go in at once."""

from __future__ import annotations

from collections.abc import Sequence

from smsgate.domain.errors import SmsGateError
from smsgate.domain.messages import Added, Arrival, Entry
from smsgate.store import Store
from smsgate.store.job_queue import JobQueue


def enter(
    store: Store, job_queue: JobQueue, changes: Sequence[Entry | SmsGateError]
) -> list[Added | SmsGateError]:
    """Put entries into the inbox, in one round trip; gives what became of each, in order.

    A refusal stays in its place. Raises ``StoreUnavailable`` where nothing at all could be stored.
    """
    places = [at for at, one in enumerate(changes) if isinstance(one, Entry)]
    entries = [one for one in changes if isinstance(one, Entry)]
    found: list[Added | SmsGateError] = [
        one if isinstance(one, SmsGateError) else Added("") for one in changes
    ]
    if entries:
        added, partitions = store.inbox.add_each([Arrival(entry) for entry in entries])
        job_queue.notify_inboxes(partitions)
        for at, one in zip(places, added, strict=True):
            found[at] = one
    return found


def once_id(caller: str, number: str, scope: str, correlation_id: str) -> str:
    """The message id of an entry that counts once, however often the call is repeated.

    For opt-ins, and only for them: one that came again after the subscriber's own STOP would lift
    it, and a second opt-out does no harm. The number and the scope belong to the id, so that an
    id that was used for another number hinders nothing.
    """
    return f"{caller} {number} {scope} {correlation_id}"
