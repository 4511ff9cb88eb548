"""Confirmations that are missed although no process has said so: nobody was there to send them."""

from __future__ import annotations

from smsgate.consent.send_check import WINDOW_US
from smsgate.domain.messages import Entry
from smsgate.pipeline.confirmation import silence
from smsgate.settings import Settings
from smsgate.store import Store


def missed_waiting(store: Store, settings: Settings) -> tuple[int, bool]:
    """How many confirmations wait past their five minutes, and whether there may be more.

    Replies that no sender has taken, and opt-outs that no worker has applied; of those, a number
    that asked several times counts once. Raises ``StoreUnavailable``.
    """
    found = store.overdue.read(WINDOW_US)
    replies = sum(one.kind == "opt_out" for one in found.replies)
    messages = [one.entry for one in found.messages if _is_owed(one.entry, settings)]
    unanswered = {(entry.number, entry.program) for entry in messages}
    return replies + len(unanswered), found.is_partial


def _is_owed(entry: Entry, settings: Settings) -> bool:
    """Whether we confirm the opt-out that an entry is, if it changes anything."""
    program = settings.programs.get(entry.program)
    if program is None or not entry.phone or not entry.decision.intent.stops:
        return False
    return not silence(entry, program.confirm)
