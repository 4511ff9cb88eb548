"""What a key that is limited to programs is told of what happened to numbers."""

from __future__ import annotations

import msgspec

from smsgate.consent.events import Event
from smsgate.domain.messages import ALL
from smsgate.pipeline.api_keys import Caller
from smsgate.web.v1.shapes import Told, told

_FOR_ALL = frozenset({"opt_out", "opt_out_all", "restored", "import"})
"""Kinds of events that, in the scope ``all``, change every program's consent."""


def told_to(caller: Caller, event: Event, sequence: str = "") -> Told | None:
    """An event as the caller may see it; None where it concerns none of its programs.

    What happened in the scope ``all`` concerns every program. Where it was said to another one,
    which one and who noted what are left out.
    """
    found = told(event, sequence)
    if caller.may(event.program) or event.program == ALL:
        return found
    if event.scope == ALL and event.kind in _FOR_ALL:
        return msgspec.structs.replace(found, program="", before="", after="", actor="", note="")
    return None
