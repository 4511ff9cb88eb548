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
reviews             hash        PROGRAM:NUMBER -> inbox ids of the first text that waits and,
                                where there are more, of the newest (parted by a blank)
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
sent:ACCOUNT:ID     string      a reply that a provider took under that id (JSON), until it tells
                                what became of it, for 48 hours; behind a ``!`` a receipt that came
                                while a reply was being sent, for seconds
forwards            hash        forward id -> message for a program's application (JSON)
forwards:PROGRAM:NUMBER sorted set  ids of a number's forwards, in their order (all of score 0)
forwards-due:PROGRAM sorted set number -> when its oldest forward may be tried (ms)
forwards-since      sorted set  forward id -> since when it has waited (ms)
forwards-claims     hash        PROGRAM:NUMBER -> forward id : token of the sender that is at it
forwards-dead       hash        forward id -> a forward that was given up, and why (JSON)
wake:inbox          string      deadline (ms) until which a job for the inbox is expected
wake:outbox         string      the same for the outbox
trail               stream      the newest ordinary texts
==================  ==========  ===========================================================

Outside the lanes, one key each: ``smsgate:clock`` and ``smsgate:rebuild`` (strings, who leads),
``smsgate:retention`` (string, old records were looked through this day), ``smsgate:simulator``
(stream), ``smsgate:quarantined:ACCOUNT`` (hash, refused requests, masked),
``smsgate:accepted:ACCOUNT`` (hash, when requests were last accepted),
``smsgate:pace:ACCOUNT:SENDER`` (string, when a sender may text again),
``smsgate:calls:KEY`` (string, how far an API key has used up its calls), ``smsgate:refusals``
(stream, sends that the gate stopped), ``smsgate:refused:DAY`` (hash, PROGRAM:REASON -> how many of
them), ``smsgate:guesses:ADDRESS`` (string, wrong opt-out links of the last minute),
``smsgate:sign-ins:ADDRESS`` (string, attempts to sign in to the console that were not right),
``smsgate:laters:OPERATOR`` (sorted set, texts that wait for a person and were put off -> when, ms),
``smsgate:metrics`` (hash, counts of all processes since the store began),
``{smsgate:metrics}:DAY`` (hash, those of a day), ``smsgate:spools``
(hash, host -> what its spool holds, JSON), ``smsgate:alerts`` (hash, what was told -> when),
``smsgate:applied`` (string, the configuration that was applied last, JSON), ``smsgate:processes``
(set, ids of processes) and ``smsgate:process:ID`` (string, what one of them runs, JSON; expires).
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
APPLIED = "smsgate:applied"
PROCESSES = "smsgate:processes"


def process_of(id_: str) -> str:
    """Key of what a process says of itself."""
    return f"smsgate:process:{id_}"


def refused_on(day: str) -> str:
    """Key of the counts of stopped sends of a day, such as ``2026-11-24``."""
    return f"smsgate:refused:{day}"


def counted_on(day: str) -> str:
    """Key of what was counted on a day, such as ``2026-11-24``; in the slot of ``METRICS``."""
    return f"{{{METRICS}}}:{day}"


def guesses_of(address: str) -> str:
    """Key that counts the wrong opt-out links of an address."""
    return f"smsgate:guesses:{address}"


def sign_ins_of(address: str) -> str:
    """Key that counts the attempts of an address to sign in to the console."""
    return f"smsgate:sign-ins:{address}"


def laters_of(operator: str) -> str:
    """Key of what an operator put off."""
    return f"smsgate:laters:{operator}"


def quarantine_of(account: str) -> str:
    """Key of the hash of an account's refused requests."""
    return f"smsgate:quarantined:{account}"


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
    forwards: str
    forwards_since: str
    forwards_claims: str
    forwards_dead: str
    wake_inbox: str
    wake_outbox: str
    trail: str

    def seen(self, account: str, message_id: str) -> str:
        """Key that remembers one message id."""
        return f"smsgate:{{{self.lane}}}:seen:{account}:{message_id}"

    def sent(self, account: str, message_id: str) -> str:
        """Key under which a reply waits for the provider's receipt."""
        return f"{self.prefix}sent:{account}:{message_id}"

    def last(self, account: str, number: str) -> str:
        """Key that remembers the last text of a number whose provider gives no ids."""
        return f"smsgate:{{{self.lane}}}:last:{account}:{number}"

    def suppressed(self, scope: str, number: str, buckets: int) -> str:
        """The bucket of a scope's suppression set in which the number would be."""
        return f"smsgate:{{{self.lane}}}:set:{scope}:{int(number) % buckets}"

    def suppressed_all(self, scope: str, buckets: int) -> list[str]:
        """Every bucket of a scope's suppression set."""
        return [f"{self.prefix}set:{scope}:{bucket}" for bucket in range(buckets)]

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

    def forwards_of(self, program: str, number: str) -> str:
        """Key of the forwards of a number for a program's application."""
        return f"{self.prefix}forwards:{program}:{number}"

    def forwards_due(self, program: str) -> str:
        """Key that says which numbers have forwards for a program's application."""
        return f"{self.prefix}forwards-due:{program}"

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
        forwards=name("forwards"),
        forwards_since=name("forwards-since"),
        forwards_claims=name("forwards-claims"),
        forwards_dead=name("forwards-dead"),
        wake_inbox=name("wake:inbox"),
        wake_outbox=name("wake:outbox"),
        trail=name("trail"),
    )


LANE_KEYS = tuple(_keys(lane) for lane in range(LANES))
