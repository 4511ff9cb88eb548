"""How far a configuration that was applied has come: which processes run it by now."""

from __future__ import annotations

from dataclasses import dataclass

from smsgate.metrics.heartbeats import Process
from smsgate.store import Store


@dataclass(frozen=True, slots=True)
class RolloutProgress:
    """What became of one configuration."""

    version: str
    done: tuple[Process, ...]
    """Processes that run it."""
    missing: tuple[Process, ...]
    """Processes that do not yet, or keep what they have; their ``problem`` says why."""
    overtaken: bool = False
    """Whether another one was applied since."""

    @property
    def settled(self) -> bool:
        """Whether nothing more will come: all have dealt with it, or it was overtaken."""
        return self.overtaken or all(one.problem for one in self.missing)


def spread_of(store: Store, applied_id: str) -> RolloutProgress:
    """How far it has come now. Raises ``StoreUnavailable``."""
    applied = store.configurations.applied()
    if applied is None or applied.id != applied_id:
        return RolloutProgress("", (), (), overtaken=True)
    processes = store.heartbeats.running()
    done = tuple(one for one in processes if _runs(one, applied_id, applied.version))
    missing = tuple(one for one in processes if one not in done)
    return RolloutProgress(applied.version, done, missing)


def _runs(process: Process, applied_id: str, version: str) -> bool:
    return process.applied == applied_id and process.version == version and not process.problem
