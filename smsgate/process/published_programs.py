"""The programs as every gate knows them: published in the store, and never dropped by accident."""

from __future__ import annotations

from contextlib import suppress

import msgspec

from smsgate.consent.events import PublishedProgram
from smsgate.consent.rules import published_program
from smsgate.domain.errors import ConfigurationError, Fault, StoreNotReady, UnknownProgram
from smsgate.domain.messages import ALL
from smsgate.settings import Program, Settings
from smsgate.store.store import Store


def refuse_dropped(settings: Settings, store: Store) -> None:
    """Raise ``ConfigurationError`` where a program is gone of which numbers have opted out.

    Under another name it could text them. Raises ``StoreUnavailable``, ``StoreNotReady`` too.
    """
    going_on = {old for program in settings.programs for old in program.formerly}
    gone = [
        name
        for name in store.programs.published()
        if settings.programs.get(name) is None and name not in going_on
    ]
    lost = store.programs.suppressing(gone, store.numbers.bucket_count()) if gone else []
    if lost:
        problem = (
            "is gone, and numbers have opted out of it: keep it, or let the program that it has "
            'become say formerly = ["{name}"]'
        )
        place = str(settings.config_dir / "smsgate.toml")
        raise ConfigurationError(
            [Fault(place, f"programs.{name}", problem.format(name=name)) for name in lost]
        )


def publish_programs(settings: Settings, store: Store) -> None:
    """Make the configured programs known to every gate. Raises ``StoreUnavailable``.

    What stands under a former name is moved first, so that no gate knows a name before the
    opt-outs are under it.
    """
    renamed = settings.programs.renamed
    if renamed:
        with suppress(StoreNotReady):  # a rebuild does it before it makes the store ready
            buckets = store.numbers.bucket_count()
            store.programs.carry(renamed, buckets, frozenset(store.programs.published()))
    store.programs.publish(published_programs(settings))


def published_programs(settings: Settings) -> dict[str, PublishedProgram]:
    """By name, former ones too, what every gate knows of a program."""
    published = {one.name: published_program(one) for one in settings.programs}
    former = {
        old: msgspec.structs.replace(published[name], formerly=(), now=name)
        for old, name in settings.programs.renamed.items()
    }
    return published | former


def check_program(settings: Settings, name: str) -> Program:
    """The program of that name. Raises ``UnknownProgram`` unless it is configured.

    Of a former name that says only what it is now: an API key may be limited to that program.
    """
    if name in settings.programs.renamed:
        now = settings.programs.renamed[name]
        raise UnknownProgram(f"the program {name!r} is called {now!r} now: use that name")
    found = settings.programs.get(name)
    if found is None:
        names = ", ".join([ALL, *(program.name for program in settings.programs)])
        raise UnknownProgram(f"no program is called {name!r}; there are: {names}")
    return found
