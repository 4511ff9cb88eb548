"""The key names of a partition, and where a number belongs.

All keys of a partition carry the same hash tag (``{3}``), so that each script touches one slot and
the same code runs on one Redis, behind Sentinel and on Redis Cluster.

==================  ==========  ===========================================================
key of a partition  type        holds
==================  ==========  ===========================================================
metadata            hash        store metadata: id, layout, bucket count, ready; and ``lease``,
                                ``opens``, ``spooled``, ``first``, ``compared``: ``write_lease``
programs            hash        program name -> kind, scope (JSON)
inbox               stream      entries that await a worker
cursor              string      id of the newest applied entry
lists               string      id of the newest applied entry that carried numbers of a list
seen:ACCOUNT:ID     string      a message id, for 48 hours
last:ACCOUNT:NUMBER string      fingerprint of the last text without an id, for seconds
optins              set         ACCOUNT:ID of every opt-in ever, against replays
holds               hash        SCOPE:NUMBER -> inbox id of its newest unapplied opt-out
reviews             hash        PROGRAM:NUMBER -> inbox ids of the first text that waits and,
                                where there are more, of the newest (after a blank)
set:SCOPE:B         set         numbers opted out in that scope, as integers, bucket B
exceptions:PROGRAM:B set    numbers in ``all`` that came back to that program, B
lock:B              set         numbers that may never be texted again, bucket B
consent:PROGRAM:B   set         numbers whose consent is on record, bucket B
number:NUMBER       string      the newest marks of a number (JSON), for 48 hours
ledger              stream      events that are not in the records yet
kept                string      how far the records have the partition: number of its newest link
outbox              sorted set  reply id -> when it is due (ms)
replies             hash        reply id -> reply (JSON)
claims              hash        reply id -> token of the sender that claimed it
dead                hash        reply id -> a reply that was given up, and why (JSON)
sent:ACCOUNT:ID     string      a reply that a provider took under that id (JSON), until it tells
                                what became of it, for 48 hours; behind a ``!`` a receipt that came
                                while a reply was being sent, for seconds
answered:EVENT      string      that what an application answered to that text is in the outbox,
                                for 48 hours
notify:inbox        string      deadline (ms) until which a notified job for the inbox is expected
notify:outbox       string      the same for the outbox
samples             stream      sample log: the newest ordinary texts
==================  ==========  ===========================================================

Their names begin with ``smsgate:`` and the tag. Those of no partition are in ``shared_keys.py``.
"""

from __future__ import annotations

import zlib

PARTITIONS = 16
LAYOUT = 2
"""Version of everything on this page; 1 was that of 0.1 and 0.2. Older code refuses a newer one."""


NOTIFY_MS = 2_000
"""How long a notified job may take to come before another one is enqueued."""


def partition_of(number: str) -> int:
    """The partition of a number, always the same one."""
    return zlib.crc32(number.encode()) % PARTITIONS


def hold_field(scope: str, number: str) -> str:
    """Field of the hash of holds (and, with a program, of review holds)."""
    return f"{scope}:{number}"


class PartitionKeys:
    """The key names of one partition."""

    def __init__(self, partition: int) -> None:
        self.partition = partition
        self.prefix = f"smsgate:{{{partition}}}:"
        """Start of every name of this partition, for scripts that make names."""
        self.metadata = f"{self.prefix}metadata"
        self.programs = f"{self.prefix}programs"
        self.inbox = f"{self.prefix}inbox"
        self.cursor = f"{self.prefix}cursor"
        self.lists = f"{self.prefix}lists"
        self.optins = f"{self.prefix}optins"
        self.holds = f"{self.prefix}holds"
        self.reviews = f"{self.prefix}reviews"
        self.ledger = f"{self.prefix}ledger"
        self.kept = f"{self.prefix}kept"
        self.outbox = f"{self.prefix}outbox"
        self.replies = f"{self.prefix}replies"
        self.claims = f"{self.prefix}claims"
        self.dead = f"{self.prefix}dead"
        self.notify_inbox = f"{self.prefix}notify:inbox"
        self.notify_outbox = f"{self.prefix}notify:outbox"
        self.sample_log = f"{self.prefix}samples"

    def seen(self, account: str, message_id: str) -> str:
        """Key that remembers one message id."""
        return f"{self.prefix}seen:{account}:{message_id}"

    def last(self, account: str, number: str) -> str:
        """Key that remembers the last text of a number whose provider gives no ids."""
        return f"{self.prefix}last:{account}:{number}"

    def buckets(self, stem: str, buckets: int) -> list[str]:
        """Every bucket of a set, such as those of ``set:alerts``."""
        return [f"{self.prefix}{stem}:{bucket}" for bucket in range(buckets)]

    def number(self, number: str) -> str:
        """Key of what is remembered of the number for 48 hours."""
        return f"{self.prefix}number:{number}"


PARTITION_KEYS = tuple(PartitionKeys(partition) for partition in range(PARTITIONS))
OLD_METADATA = tuple(f"{keys.prefix}marker" for keys in PARTITION_KEYS)
"""Where stores of smsgate 0.1 and 0.2 have their metadata."""
