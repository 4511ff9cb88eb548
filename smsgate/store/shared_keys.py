"""Every key name in Redis outside the partitions (see ``keys``).

One key each: ``smsgate:clock`` and ``smsgate:rebuild`` (strings, who leads),
``smsgate:rebuild-progress`` (string, how far a rebuild has come, JSON; expires),
``smsgate:retention`` (string, old records were looked through this day), ``smsgate:simulator``
(stream), ``smsgate:quarantined:ACCOUNT`` (hash, refused requests, masked),
``smsgate:accepted:ACCOUNT`` (hash, when requests were last accepted),
``smsgate:pace:ACCOUNT:SENDER`` (string, when a sender may text again),
``smsgate:calls:KEY`` (string, how far an API key has used up its calls), ``smsgate:refusals``
(stream, sends that the gate stopped), ``smsgate:refused:DAY`` (hash, PROGRAM:REASON -> how many of
them), ``smsgate:guesses:ADDRESS`` (string, wrong opt-out links of the last minute),
``smsgate:sign-ins:ADDRESS`` (string, attempts to sign in to the console that were not right),
``smsgate:attempts:HASH`` (string, attempts of a place at a name that were not right),
``smsgate:laters:OPERATOR`` (sorted set, texts that wait for a person and were put off -> when, ms),
``smsgate:metrics`` (hash, counts of all processes since the store began),
``{smsgate:metrics}:DAY`` (hash, those of a day), ``smsgate:spools``
(hash, host -> what its spool holds, JSON), ``smsgate:alerts`` (hash, what was told -> when),
``smsgate:applied`` (string, the configuration that was applied last, JSON), ``smsgate:processes``
(set, ids of processes), ``smsgate:process:ID`` (string, heartbeat of one of them, JSON; expires),
``smsgate:last-seen:KIND`` (string, host of the newest heartbeat of a kind; expires),
``smsgate:alert-test`` (string, id of the test of the alerts that is asked for; expires) and
``smsgate:alert-test:ID`` (hash, clock -> what came of it, JSON; expires).
"""

from __future__ import annotations

CLOCK_LEASE = "smsgate:clock"
REBUILD_LEASE = "smsgate:rebuild"
REBUILD_PROGRESS = "smsgate:rebuild-progress"
RETENTION = "smsgate:retention"
SIMULATOR = "smsgate:simulator"
REFUSALS = "smsgate:refusals"
METRICS = "smsgate:metrics"
SPOOLS = "smsgate:spools"
ALERTS = "smsgate:alerts"
ALERT_TEST = "smsgate:alert-test"
APPLIED = "smsgate:applied"
PROCESSES = "smsgate:processes"


def process_of(id_: str) -> str:
    """Key of a process's heartbeat."""
    return f"smsgate:process:{id_}"


def last_seen_of(kind: str) -> str:
    """Key that says where a process of a kind gave its newest heartbeat."""
    return f"smsgate:last-seen:{kind}"


def alert_test_of(id_: str) -> str:
    """Key of what came of a test of the alerts."""
    return f"{ALERT_TEST}:{id_}"


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


def attempts_of(hashed: str) -> str:
    """Key that counts the attempts of a place to sign in under a name, by a keyed hash of both."""
    return f"smsgate:attempts:{hashed}"


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
    """Key that says when a sender of ours may text again; a sender serves all partitions."""
    return f"smsgate:pace:{account}:{sender}"


def calls_of(key: str) -> str:
    """Key that says how far an API key has used up its calls."""
    return f"smsgate:calls:{key}"
