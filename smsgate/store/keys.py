"""Every key name in Redis, and where a number belongs.

All keys of a lane carry the same hash tag (``{3}``), so that each script touches one slot and
the same code runs on one Redis, behind Sentinel and on Redis Cluster.

==================  ==========  ===========================================================
key of a lane       type        holds
==================  ==========  ===========================================================
marker              hash        store id, layout, bucket count, ready
programs            hash        program name -> kind, scope (JSON)
inbox               stream      entries that await a worker
cursor              string      id of the newest applied entry
seen:ACCOUNT:ID     string      a message id, for 48 hours
last:ACCOUNT:NUMBER string      fingerprint of the last text without an id, for seconds
optins              set         ACCOUNT:ID of every opt-in ever, against replays
holds               hash        SCOPE:NUMBER -> inbox id of its newest unapplied opt-out
reviews             hash        PROGRAM:NUMBER -> inbox id of the text that waits
set:SCOPE:B         set         numbers opted out in that scope, as integers, bucket B
back:PROGRAM:B      set         numbers in ``all`` that came back to that program, bucket B
lock:B              set         numbers that may never be texted again, bucket B
consent:PROGRAM:B   set         numbers whose consent is on record, bucket B
number:NUMBER       string      the newest marks of a number (JSON), for 48 hours
ledger              stream      events that are not in the records yet
kept                string      how far the records have the lane: number of its newest link
outbox              sorted set  reply id -> when it is due (ms)
replies             hash        reply id -> reply (JSON)
claims              hash        reply id -> token of the sender that claimed it
dead                hash        reply id -> a reply that was given up, and why (JSON)
wake:inbox          string      deadline (ms) until which a job for the inbox is expected
wake:outbox         string      the same for the outbox
trail               stream      the newest ordinary texts
==================  ==========  ===========================================================

Outside the lanes, one key each: ``smsgate:clock`` and ``smsgate:rebuild`` (strings, who leads),
``smsgate:retention`` (string, old records were looked through this day), ``smsgate:simulator``
(stream), ``smsgate:quarantine:ACCOUNT`` (stream, refused requests, masked),
``smsgate:accepted:ACCOUNT`` (hash, when requests were last accepted),
``smsgate:pace:ACCOUNT:SENDER`` (string, when a sender may text again),
``smsgate:calls:KEY`` (string, how far an API key has used up its calls), ``smsgate:refusals``
(stream, sends that the gate stopped), ``smsgate:refused:DAY`` (hash, PROGRAM:REASON -> how many of
them), ``smsgate:guesses:ADDRESS`` (string, wrong opt-out links of the last minute),
``smsgate:metrics`` (hash, counts of all processes since the store began), ``smsgate:spools``
(hash, host -> what its spool holds, JSON) and ``smsgate:alerts`` (hash, what was told -> when).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass

LANES = 16
LAYOUT = 1
"""Version of everything on this page. Older code refuses a newer layout."""

CLOCK_LEASE = "smsgate:clock"
REBUILD_LEASE = "smsgate:rebuild"
RETENTION = "smsgate:retention"
SIMULATOR = "smsgate:simulator"
REFUSALS = "smsgate:refusals"
METRICS = "smsgate:metrics"
SPOOLS = "smsgate:spools"
ALERTS = "smsgate:alerts"


def refused_on(day: str) -> str:
    """Key of the counts of stopped sends of a day, such as ``2026-11-24``."""
    return f"smsgate:refused:{day}"


def guesses_of(address: str) -> str:
    """Key that counts the wrong opt-out links of an address."""
    return f"smsgate:guesses:{address}"


def quarantine_of(account: str) -> str:
    """Key of the stream of an account's refused requests."""
    return f"smsgate:quarantine:{account}"


def accepted_of(account: str) -> str:
    """Key of the hash that says when requests of an account were last accepted."""
    return f"smsgate:accepted:{account}"


def pace_of(account: str, sender: str) -> str:
    """Key that says when a sender of ours may text again; a sender serves all lanes."""
    return f"smsgate:pace:{account}:{sender}"


def calls_of(key: str) -> str:
    """Key that says how far an API key has used up its calls."""
    return f"smsgate:calls:{key}"


def lane_of(number: str) -> int:
    """The lane of a number, always the same one."""
    return zlib.crc32(number.encode()) % LANES


@dataclass(frozen=True, slots=True)
class Keys:
    """The key names of one lane."""

    lane: int
    prefix: str
    """What stands before the rest of every name of this lane, for scripts that make names."""
    marker: str
    programs: str
    inbox: str
    cursor: str
    optins: str
    holds: str
    reviews: str
    ledger: str
    kept: str
    outbox: str
    replies: str
    claims: str
    dead: str
    wake_inbox: str
    wake_outbox: str
    trail: str

    def seen(self, account: str, message_id: str) -> str:
        """Key that remembers one message id."""
        return f"smsgate:{{{self.lane}}}:seen:{account}:{message_id}"

    def last(self, account: str, number: str) -> str:
        """Key that remembers the last text of a number whose provider gives no ids."""
        return f"smsgate:{{{self.lane}}}:last:{account}:{number}"

    def suppressed(self, scope: str, number: str, buckets: int) -> str:
        """The bucket of a scope's suppression set in which the number would be."""
        return f"smsgate:{{{self.lane}}}:set:{scope}:{int(number) % buckets}"

    def back(self, program: str, number: str, buckets: int) -> str:
        """The bucket of a program's exceptions from ``all`` in which the number would be."""
        return f"smsgate:{{{self.lane}}}:back:{program}:{int(number) % buckets}"

    def locked(self, number: str, buckets: int) -> str:
        """The bucket in which a number would be that may never be texted again."""
        return f"smsgate:{{{self.lane}}}:lock:{int(number) % buckets}"

    def consents(self, program: str, number: str, buckets: int) -> str:
        """The bucket of a program's consents in which the number would be."""
        return f"smsgate:{{{self.lane}}}:consent:{program}:{int(number) % buckets}"

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

    def number(self, number: str) -> str:
        """Key of what is remembered of the number for 48 hours."""
        return f"smsgate:{{{self.lane}}}:number:{number}"


def _keys(lane: int) -> Keys:
    def name(rest: str) -> str:
        return f"smsgate:{{{lane}}}:{rest}"

    return Keys(
        lane=lane,
        prefix=name(""),
        marker=name("marker"),
        programs=name("programs"),
        inbox=name("inbox"),
        cursor=name("cursor"),
        optins=name("optins"),
        holds=name("holds"),
        reviews=name("reviews"),
        ledger=name("ledger"),
        kept=name("kept"),
        outbox=name("outbox"),
        replies=name("replies"),
        claims=name("claims"),
        dead=name("dead"),
        wake_inbox=name("wake:inbox"),
        wake_outbox=name("wake:outbox"),
        trail=name("trail"),
    )


LANE_KEYS = tuple(_keys(lane) for lane in range(LANES))
