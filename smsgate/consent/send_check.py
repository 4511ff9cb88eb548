"""Whether a claimed reply may still leave: asked just before its bytes do."""

from __future__ import annotations

from smsgate.consent.events import Standing
from smsgate.domain.messages import ALL, Reply

APP = "app"
"""Kind of a reply that is a text of the operator's own application."""
WINDOW_US = 300 * 1_000_000
"""A confirmation leaves within five minutes of receipt or not at all (47 CFR 64.1200(a)(12))."""
CALL_US = 13 * 1_000_000
"""The longest that a call may take; it must have ended before the deadline."""


def obstacle(reply: Reply, standing: Standing, *, held: bool, now_us: int) -> str:
    """Why the reply must not leave: ``late``, ``superseded``, or nothing.

    Only the confirmation of an opt-out and HELP pass while the number is blocked. A reply is
    superseded by any change that came after the message it answers. What an application says is
    for the gate to judge, not for this.
    """
    if late(reply, now_us):
        return "late"
    if reply.kind == "help":
        return ""
    blocked = held or standing.blocked(reply.program)
    if blocked != (reply.kind == "opt_out") or _changed_since(reply, standing):
        return "superseded"
    return ""


def late(reply: Reply, now_us: int) -> bool:
    """Whether a call that begins now could end after the deadline."""
    return now_us + CALL_US > reply.deadline_us


def _changed_since(reply: Reply, standing: Standing) -> bool:
    marks = (standing.state.marks.get(scope) for scope in (reply.program, ALL))
    changes = [_order(mark.changed) for mark in marks if mark is not None and mark.changed]
    answered = _order(reply.answers)
    return any(change > answered for change in changes)


def _order(id_: str) -> tuple[int, int]:
    """Ids of a Redis stream in their order."""
    ms, _, seq = id_.partition("-")
    return int(ms), int(seq or 0)
