"""What people and other programs enter: entries like any other, so that one order rules all."""

from __future__ import annotations

from smsgate.domain.messages import Arrival, Consent, Entry
from smsgate.pipeline.entries import consent_entry, lock_entry, opt_out_entry
from smsgate.pipeline.restores import RestoreRequest, Restores
from smsgate.settings import Settings
from smsgate.store import Store
from smsgate.store.job_queue import JobQueue


class ManualEntries:
    """Puts manual changes into the inbox.

    Each method gives an inbox id and may raise ``StoreUnavailable``, ``InvalidNumber``,
    ``UnknownProgram``.
    """

    def __init__(
        self, settings: Settings, store: Store, job_queue: JobQueue, restores: Restores
    ) -> None:
        """``restores`` says which opt-outs may be lifted."""
        self._settings = settings
        self._store = store
        self._job_queue = job_queue
        self._restores = restores

    def add(self, entry: Entry) -> str:
        """Put an entry into the inbox; from here on it blocks, where it is an opt-out."""
        added, partitions = self._store.inbox.add([Arrival(entry)])
        self._job_queue.notify_inboxes(partitions)
        return added[0].id

    def opt_out(self, number: str, scope: str, actor: str, reason: str) -> str:
        """Opt a number out. ``scope`` is ``all`` or a program."""
        return self.add(opt_out_entry(self._settings, number, scope, actor, reason))

    def restore(self, request: RestoreRequest) -> str:
        """Lift an opt-out on a basis. Raises as ``Restores.entry``."""
        return self.add(self._restores.entry(request))

    def lock(self, number: str, actor: str, reason: str, *, locked: bool = True) -> str:
        """Lock a number against every text of ours and every START, or unlock it."""
        return self.add(lock_entry(number, actor, reason, locked=locked))

    def record_consent(
        self, number: str, program: str, consent: Consent, source: str, actor: str
    ) -> str:
        """Put a consent on record that was given elsewhere; it lifts no opt-out."""
        return self.add(consent_entry(self._settings, number, program, consent, source, actor))
