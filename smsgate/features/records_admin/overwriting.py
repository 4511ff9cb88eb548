"""May a store be made anew from these records? Only from its own, and from the newest of them."""

from __future__ import annotations

from smsgate.domain.errors import RecordsDiffer, StoreNotReady
from smsgate.records import Records
from smsgate.store import Store


def refuse_overwriting(store: Store, records: Records) -> None:
    """Raise ``RecordsDiffer`` where a store may hold opt-outs that the records never had.

    It belongs to others, or was told that the records have more than they do: ``DATABASE_URL``
    names another database, or an older copy. Raises ``StoreUnavailable``, ``RecordsUnavailable``.
    """
    known = {one.id for one in records.reading.stores()}
    try:
        id_ = store.marker.store_id()
    except StoreNotReady:
        id_ = ""
    if id_ and id_ not in known:
        whose = "are those of another one" if known else "know of no store yet"
        raise RecordsDiffer(
            f"the store (Redis) is {id_}, and the records {whose}; "
            "`smsgate rebuild --adopt` overwrites it"
        )
    seqs = records.reading.seqs()
    if any(told > seqs.get(partition, 0) for partition, told in store.ledger.kept().items()):
        raise RecordsDiffer(
            "the records lack what the store was told they have: this is another database, or an "
            "older copy; `smsgate rebuild --adopt` overwrites the store all the same, and loses "
            "the opt-outs that are missing"
        )
