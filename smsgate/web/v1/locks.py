"""``/v1/locks/<number>``: numbers that may never be texted again."""

from __future__ import annotations

from smsgate.pipeline.entries import lock_entry
from smsgate.web.v1.items import enter_one
from smsgate.web.v1.operations import Call, Operation, Outcome
from smsgate.web.v1.shapes import Accepted
from smsgate.web.v1.suppressions import Why


def lock(call: Call) -> Outcome:
    """Lock a number: no program may text it, whatever it texts us."""
    return _change(call, locked=True)


def unlock(call: Call) -> Outcome:
    """Unlock a number; it stays opted out until it texts START."""
    return _change(call, locked=False)


def _change(call: Call, *, locked: bool) -> Outcome:
    reason, actor = call.query.reason.strip(), call.actor(call.query.actor)
    return enter_one(call, lock_entry(call.path["number"], actor, reason, locked=locked))


OPERATIONS = (
    Operation(
        method="PUT",
        path="/locks/<number>",
        scope="admin",
        summary="Lock a number: never to be texted again",
        run=lock,
        query=Why,
        answers={202: Accepted},
    ),
    Operation(
        method="DELETE",
        path="/locks/<number>",
        scope="admin",
        summary="Unlock a number; it stays opted out",
        run=unlock,
        query=Why,
        answers={202: Accepted},
    ),
)
