"""Rollout of a changed configuration to every running process; a faulty one is refused."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import msgspec

from smsgate import __version__
from smsgate.consent.events import PublishedProgram
from smsgate.consent.transitions import published_program
from smsgate.domain.errors import ConfigurationError, Fault, StoreNotReady
from smsgate.metrics.snapshot import Process
from smsgate.pipeline.configuration import Configuration, load_configuration
from smsgate.settings import Settings
from smsgate.store import Store
from smsgate.store.processes import FORGOTTEN_S, AppliedConfiguration

WAIT_S = FORGOTTEN_S + 1.0
"""How long the processes are waited for; one that was killed is forgotten by then."""
_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Rollout:
    """The progress of an applied configuration."""

    applied: AppliedConfiguration
    processes: Sequence[Process]
    """Those that run, with what each of them runs now."""
    took_s: float = 0.0
    """How long it was waited for the last of them."""

    @property
    def missing(self) -> list[Process]:
        """Processes that do not run it yet, or keep what they have; their ``problem`` says why."""
        taken = (self.applied.id, self.applied.version, "")
        return [one for one in self.processes if (one.applied, one.version, one.problem) != taken]

    @property
    def is_settled(self) -> bool:
        """Whether nothing more will come."""
        return all(one.problem for one in self.missing)


def apply_configuration(environ: Mapping[str, str], store: Store, by: str) -> AppliedConfiguration:
    """Read the configuration again and make every process use it within a second.

    ``by`` says who, for people to read. Raises ``ConfigurationError`` with every fault, and
    ``StoreUnavailable``, ``StoreNotReady``; nothing is changed then.
    """
    return hand_over(load_configuration(environ), store, by)


def hand_over(configuration: Configuration, store: Store, by: str) -> AppliedConfiguration:
    """Like ``apply_configuration``, with a configuration that was already read."""
    refuse_dropped(configuration.settings, store)
    publish_programs(configuration.settings, store)
    applied = AppliedConfiguration(
        id=uuid.uuid4().hex,
        version=configuration.version,
        by=by,
        at_us=time.time_ns() // 1000,
        software=__version__,
    )
    store.configurations.apply(applied)
    return applied


def refuse_dropped(settings: Settings, store: Store) -> None:
    """Raise ``ConfigurationError`` where a program is gone of which numbers have opted out.

    Under another name it could text them. Raises ``StoreUnavailable``, ``StoreNotReady`` too.
    """
    going_on = {old for program in settings.programs for old in program.formerly}
    gone = [
        name
        for name in store.programs.published()
        if name not in settings.programs and name not in going_on
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


def wait_for_rollout(
    applied: AppliedConfiguration, store: Store, wait_s: float = WAIT_S
) -> Rollout:
    """Wait until every process has dealt with what was applied. Raises ``StoreUnavailable``."""
    began, pause = time.monotonic(), threading.Event()
    while True:
        processes = store.heartbeats.running()
        took_s = time.monotonic() - began
        if took_s > wait_s or all(one.applied == applied.id for one in processes):
            return Rollout(applied, processes, took_s)
        pause.wait(_POLL_S)


def read_rollout(store: Store, applied_id: str) -> Rollout | None:
    """Return its present progress; None once another was applied. Raises ``StoreUnavailable``."""
    applied = store.configurations.applied()
    if applied is None or applied.id != applied_id:
        return None
    return Rollout(applied, store.heartbeats.running())


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
