"""Whether a claimed reply may leave: what the store knows of its number, and what the gate says."""

from __future__ import annotations

from smsgate.consent.send_check import APP, late, obstacle
from smsgate.domain.errors import InvalidNumber, Suppressed
from smsgate.pipeline.gate import Gate
from smsgate.store import Store
from smsgate.store.outbox import Claim

_OBSTACLES = {
    "": "",
    "late": "its deadline had passed",
    "superseded": "the number's state changed before it was sent",
}


def why_not(claim: Claim, store: Store, gate: Gate) -> tuple[str, str]:
    """The outcome of a reply that must not leave, and why in words; empty where it may.

    A text of the operator's own application is for the gate, as every text that its programs send.
    Raises ``StoreUnavailable``, ``StoreNotReady``, ``UnknownProgram``.
    """
    reply = claim.reply
    if reply.kind != APP:
        number = store.numbers.before_send(reply.number, reply.program)
        found = obstacle(reply, number.standing, held=number.is_held, now_us=claim.now_us)
        return found, _OBSTACLES[found]
    if late(reply, claim.now_us):
        return "late", _OBSTACLES["late"]
    try:
        gate.require([reply.number], program=reply.program, by=APP)
    except Suppressed as refused:
        return "blocked", f"the gate refused it: {refused.reason}"
    except InvalidNumber:
        return "blocked", "the gate refused it: invalid"
    return "", ""
