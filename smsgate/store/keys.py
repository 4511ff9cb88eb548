"""Every key name in Redis, and where a number belongs.

All keys of a partition carry the same hash tag (``{3}``), so that each script touches one slot and
the same code runs on one Redis, behind Sentinel and on Redis Cluster.

==================  ==========  ===========================================================
key of a partition  type        holds
==================  ==========  ===========================================================
marker              hash        store metadata: id, layout, bucket count, ready; and ``lease``,
                                ``opens`` and ``spooled``, see ``write_lease``
programs            hash        program name -> kind, scope (JSON)
inbox               stream      entries that await a worker
cursor              string      id of the newest applied entry
lists               string      id of the newest applied entry that carried numbers of a list
seen:ACCOUNT:ID     string      a message id, for 48 hours
last:ACCOUNT:NUMBER string      fingerprint of the last text without an id, for seconds
optins              set         ACCOUNT:ID of every opt-in ever, against replays
holds               hash        SCOPE:NUMBER -> inbox id of its newest unapplied opt-out
reviews             hash        PROGRAM:NUMBER -> inbox ids of the first text that waits and,
                                where there are more, of the newest (parted by a blank)
set:SCOPE:B         set         numbers opted out in that scope, as integers, bucket B
back:PROGRAM:B      set         numbers in ``all`` that came back to that program, bucket B
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
forwards            hash        forward id -> message for a program's application (JSON)
forwards:PROGRAM:NUMBER sorted set  ids of a number's forwards, in their order (all of score 0)
forwards-due:PROGRAM sorted set number -> when its oldest forward may be tried (ms)
forwards-since      sorted set  forward id -> since when it has waited (ms)
forwards-claims     hash        PROGRAM:NUMBER -> forward id : token of the sender that is at it
forwards-dead       hash        forward id -> a forward that was given up, and why (JSON)
wake:inbox          string      deadline (ms) until which a notified job for the inbox is expected
wake:outbox         string      the same for the outbox
trail               stream      sample log: the newest ordinary texts
==================  ==========  ===========================================================

Keys that belong to no partition are in ``shared_keys``.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass

PARTITIONS = 16
LAYOUT = 1
"""Version of everything on this page. Older code refuses a newer layout."""


def partition_of(number: str) -> int:
    """The partition of a number, always the same one."""
    return zlib.crc32(number.encode()) % PARTITIONS


@dataclass(frozen=True, slots=True)
class Keys:
    """The key names of one partition."""

    partition: int
    prefix: str
    """What stands before the rest of every name of this partition, for scripts that make names."""
    metadata: str
    programs: str
    inbox: str
    cursor: str
    lists: str
    optins: str
    holds: str
    reviews: str
    ledger: str
    kept: str
    outbox: str
    replies: str
    claims: str
    dead: str
    forwards: str
    forwards_since: str
    forwards_claims: str
    forwards_dead: str
    notify_inbox: str
    notify_outbox: str
    sample_log: str

    def seen(self, account: str, message_id: str) -> str:
        """Key that remembers one message id."""
        return f"smsgate:{{{self.partition}}}:seen:{account}:{message_id}"

    def sent(self, account: str, message_id: str) -> str:
        """Key under which a reply waits for the provider's receipt."""
        return f"{self.prefix}sent:{account}:{message_id}"

    def last(self, account: str, number: str) -> str:
        """Key that remembers the last text of a number whose provider gives no ids."""
        return f"smsgate:{{{self.partition}}}:last:{account}:{number}"

    def suppressed(self, scope: str, number: str, buckets: int) -> str:
        """The bucket of a scope's suppression set in which the number would be."""
        return f"smsgate:{{{self.partition}}}:set:{scope}:{int(number) % buckets}"

    def suppressed_all(self, scope: str, buckets: int) -> list[str]:
        """Every bucket of a scope's suppression set."""
        return [f"{self.prefix}set:{scope}:{bucket}" for bucket in range(buckets)]

    def back(self, program: str, number: str, buckets: int) -> str:
        """The bucket of a program's exceptions from ``all`` in which the number would be."""
        return f"smsgate:{{{self.partition}}}:back:{program}:{int(number) % buckets}"

    def locked(self, number: str, buckets: int) -> str:
        """The bucket in which a number would be that may never be texted again."""
        return f"smsgate:{{{self.partition}}}:lock:{int(number) % buckets}"

    def consents(self, program: str, number: str, buckets: int) -> str:
        """The bucket of a program's consents in which the number would be."""
        return f"smsgate:{{{self.partition}}}:consent:{program}:{int(number) % buckets}"

    def sets_of(self, number: str, programs: Iterable[str], buckets: int) -> list[str]:
        """The buckets of all sets in which a number could be that concern some programs.

        First of scope ``all`` and of locks, then for each program its own, back, and consents.
        """
        start, bucket = self.prefix, int(number) % buckets
        names = [f"{start}set:all:{bucket}", f"{start}lock:{bucket}"]
        for program in programs:
            names.append(f"{start}set:{program}:{bucket}")
            names.append(f"{start}back:{program}:{bucket}")
            names.append(f"{start}consent:{program}:{bucket}")
        return names

    def forwards_of(self, program: str, number: str) -> str:
        """Key of the forwards of a number for a program's application."""
        return f"{self.prefix}forwards:{program}:{number}"

    def forwards_due(self, program: str) -> str:
        """Key that says which numbers have forwards for a program's application."""
        return f"{self.prefix}forwards-due:{program}"

    def number(self, number: str) -> str:
        """Key of what is remembered of the number for 48 hours."""
        return f"smsgate:{{{self.partition}}}:number:{number}"


def _keys(partition: int) -> Keys:
    def name(rest: str) -> str:
        return f"smsgate:{{{partition}}}:{rest}"

    return Keys(
        partition=partition,
        prefix=name(""),
        metadata=name("marker"),
        programs=name("programs"),
        inbox=name("inbox"),
        cursor=name("cursor"),
        lists=name("lists"),
        optins=name("optins"),
        holds=name("holds"),
        reviews=name("reviews"),
        ledger=name("ledger"),
        kept=name("kept"),
        outbox=name("outbox"),
        replies=name("replies"),
        claims=name("claims"),
        dead=name("dead"),
        forwards=name("forwards"),
        forwards_since=name("forwards-since"),
        forwards_claims=name("forwards-claims"),
        forwards_dead=name("forwards-dead"),
        notify_inbox=name("wake:inbox"),
        notify_outbox=name("wake:outbox"),
        sample_log=name("trail"),
    )


PARTITION_KEYS = tuple(_keys(partition) for partition in range(PARTITIONS))
