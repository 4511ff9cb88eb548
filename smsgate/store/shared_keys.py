"""Key names in Redis of what belongs to no partition.

======================== ==========  ======================================================
key                      type        holds
======================== ==========  ======================================================
clock, rebuild           string      the process that does it; expires
rebuild-progress         string      how far a rebuild has come (JSON); expires
retention                string      that old records were removed this day; expires
simulator                stream      texts to the simulator
quarantined:ACCOUNT      hash        refused requests, masked; below it how many, by minute
accepted:ACCOUNT         hash        when requests were last accepted
unblocked:ACCOUNT        sorted set  senders of opt-outs that blocked nobody -> when (s)
pace:ACCOUNT:SENDER      string      when a sender may text again
opt-out-list:ACCOUNT     string      how far a provider's list was compared (JSON)
opt-out-list-lease:…     string      by account, the process that compares; expires
answered:KEY:ID          string      the answer to a call with an Idempotency-Key, for a day
refusals                 stream      sends that the gate stopped
refused:DAY              hash        PROGRAM:REASON -> how many of them
refused:NUMBER           hash        HOUR:REASON:PROGRAM -> how many of them after its opt-out
limits:…                 string      counts of web/limits.py; expire
metrics, {metrics}:DAY   hash        counts of all processes, since ever and of a day
deliveries               string      how many deliveries are pending and failed (JSON)
spools                   hash        host (data directory) -> what its spool holds (JSON)
alerts, alert-lease      string      what was told to whom (JSON); the clock that tells
applied                  string      the configuration that was applied last (JSON)
processes                set         ids of processes
process:ID               string      heartbeat of one of them (JSON); expires
alert-test               string      the newest test of alerts and its results (JSON); expires
======================== ==========  ======================================================

Their names begin with ``smsgate:``; ``{smsgate:metrics}:DAY`` is in the slot of the other counts.
"""

from __future__ import annotations

REFUSALS = "smsgate:refusals"
LIMITS = "smsgate:limits"
METRICS = "smsgate:metrics"
SPOOLS = "smsgate:spools"
PROCESSES = "smsgate:processes"


def shared_key(kind: str, *parts: str) -> str:
    """The key of a kind with more parts, such as ``smsgate:refused:2026-11-24``."""
    return ":".join(("smsgate", kind, *parts))
