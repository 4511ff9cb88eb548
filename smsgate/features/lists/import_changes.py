"""What an import changes, said by name before and after: which state, scope and programs. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from smsgate.domain.messages import ALL
from smsgate.settings import Settings

State = Literal["opted_out", "subscribed"]


class ImportChange(msgspec.Struct, frozen=True):
    """What the rows of one state do, or did."""

    state: State
    scope: str
    """``all``, or the program in which alone it holds."""
    programs: tuple[str, ...]
    """The programs that are concerned, of those that there are."""
    numbers: int
    """How many change, or changed."""


def import_change(settings: Settings, program: str, state: State, numbers: int) -> ImportChange:
    """What rows of a state do in a list for a program (or ``all``)."""
    scope = scope_of(settings, program) if state == "opted_out" else program
    names = [one.name for one in settings.programs] if scope == ALL else [program]
    return ImportChange(state, scope, tuple(names), numbers)


def scope_of(settings: Settings, program: str) -> str:
    """Where an opt-out of a list for a program (or ``all``) holds."""
    found = settings.programs.get(program)
    return ALL if found is None or found.scope == "all" else found.name


def change_text(change: ImportChange, titles: Mapping[str, str], *, done: bool) -> str:
    """The change in a sentence. ``titles``: by program, as people know it."""
    count = "1 number" if change.numbers == 1 else f"{change.numbers:,} numbers"
    named = ", ".join(f"{titles.get(name, name)} ({name})" for name in change.programs)
    if change.state == "subscribed":
        verb, lifted = ("Recorded", "was") if done else ("Would record", "would be")
        return f"{verb} the consent of {count} to {named}. No opt-out {lifted} lifted."
    verb = "Opted" if done else "Would opt"
    if change.scope == ALL:
        return (
            f"{verb} {count} out of every program (scope all): {named}, and programs that are "
            "made later."
        )
    return f"{verb} {count} out of {named} only (scope {change.scope})."


def titles_of(settings: Settings) -> dict[str, str]:
    """By program, as people know it."""
    return {one.name: one.title for one in settings.programs}
