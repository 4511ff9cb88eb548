"""Overrides by hand: entries like any other, so that one order rules all."""

from __future__ import annotations

from smsgate.errors import InvalidNumber, UnknownProgram
from smsgate.messages import ALL, Decision, Entry, Intent
from smsgate.phone import e164
from smsgate.settings import Settings

_INTENTS = {"suppress": Intent.OPT_OUT, "restore": Intent.OPT_IN}


def override_entry(
    settings: Settings, action: str, number: str, scope: str, actor: str, reason: str
) -> Entry:
    """The entry for ``suppress`` or ``restore`` of a number in a scope.

    Raises ``InvalidNumber``, ``UnknownProgram``.
    """
    if scope != ALL and settings.programs.get(scope) is None:
        names = ", ".join([ALL, *(program.name for program in settings.programs)])
        raise UnknownProgram(f"no program is called {scope!r}; there are: {names}")
    intent = _INTENTS.get(action)
    if intent is None:
        raise InvalidNumber(f"{action!r} is neither suppress nor restore")
    return Entry(
        number=e164(number),
        program=scope,
        decision=Decision(intent, rule="operator", note=reason),
        scope=scope if intent.stops else "",
        source="operator",
        actor=actor,
    )
