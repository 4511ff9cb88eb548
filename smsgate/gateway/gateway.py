"""The collaborators, and the doors' way to the movements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from smsgate.classifier import Classifier
from smsgate.consent.events import Event
from smsgate.domain.errors import InvalidNumber, SignatureRefused
from smsgate.domain.messages import Arrival, Consent, Entry, WebhookRequest
from smsgate.features.links.service import Linking
from smsgate.outbound import Outbound
from smsgate.pipeline import history, labelled_texts
from smsgate.pipeline.apply import Applying
from smsgate.pipeline.archive import Recording
from smsgate.pipeline.entries import consent_entry, lock_entry, opt_out_entry
from smsgate.pipeline.forgetting import Forgetting, Forgotten
from smsgate.pipeline.gate import Answer, Gate
from smsgate.pipeline.ingest import Receipt, Receiving
from smsgate.pipeline.lease_renewal import LeaseRenewal
from smsgate.pipeline.readiness import Readiness
from smsgate.pipeline.refused_requests import Refusing
from smsgate.pipeline.restores import RestoreRequest, Restores
from smsgate.pipeline.send import Replying
from smsgate.pipeline.spool import Spool
from smsgate.pipeline.spool_replay import Replaying
from smsgate.providers.reading import TextMissing
from smsgate.records import Records
from smsgate.settings import Settings
from smsgate.store import Store
from smsgate.store.job_queue import JOB_S, JobQueue
from smsgate.store.keys import partition_of


@dataclass(frozen=True)
class Gateway:
    """One smsgate: settings, classifiers, store, queue and the way out."""

    settings: Settings
    classifiers: Mapping[str, Classifier]
    """By program."""
    store: Store
    spool: Spool
    gate: Gate
    job_queue: JobQueue
    outbound: Outbound
    records: Records
    _receiving: Receiving = field(init=False)
    _applying: Applying = field(init=False)
    _replying: Replying = field(init=False)
    _replaying: Replaying = field(init=False)
    _refusing: Refusing = field(init=False)
    _readiness: Readiness = field(init=False)
    lease_renewal: LeaseRenewal = field(init=False)
    recording: Recording = field(init=False)
    forgetting: Forgetting = field(init=False)

    def __post_init__(self) -> None:
        """Hand each movement what it needs."""
        receiving = Receiving(
            self.settings, self.classifiers, self.store, self.spool, self.job_queue, self.outbound
        )
        object.__setattr__(self, "_receiving", receiving)
        object.__setattr__(self, "_applying", Applying(self.settings, self.store, self.job_queue))
        replying = Replying(self.settings, self.store, self.gate, self.job_queue, self.outbound)
        object.__setattr__(self, "_replying", replying)
        replaying = Replaying(self.spool, self.store, self.job_queue)
        object.__setattr__(self, "_replaying", replaying)
        object.__setattr__(self, "lease_renewal", LeaseRenewal(self.store, self.spool))
        object.__setattr__(self, "_refusing", Refusing(self.store, self.settings.accounts))
        recording = Recording(self.store, self.records)
        object.__setattr__(self, "recording", recording)
        readiness = Readiness(self.store, self.job_queue, self.spool, recording)
        object.__setattr__(self, "_readiness", readiness)
        forgetting = Forgetting(self.store, self.records, recording, self.settings.retention)
        object.__setattr__(self, "forgetting", forgetting)

    def ingest(self, account: str, request: WebhookRequest) -> Receipt:
        """Verify, understand and store what a provider posts; the receipt has the answer.

        Raises the family of ``WebhookError``, and ``StoreUnavailable``; nothing is acknowledged
        then.
        """
        try:
            receipt = self._receiving.ingest(account, request)
        except (SignatureRefused, TextMissing) as error:
            self._refusing.note(self.settings.accounts[account], request, error)
            raise
        self._refusing.accepted(self.settings.accounts[account], request)
        return receipt

    def apply(self, partition: int) -> int:
        """Apply a partition's inbox, for two seconds at most; gives how many entries."""
        return self._applying.drain(partition)

    def work(self, partition: int) -> int:
        """Apply a partition's inbox, then whatever waits in others, until nothing more comes.

        For two seconds at most, then partitions with work have a new job. Gives how many entries.
        """
        return self._applying.work(partition)

    def send_replies(self, partition: int, patience_s: float = JOB_S) -> int:
        """Send the due replies of a partition; gives how many were settled within ``patience_s``.

        Calls that take longer go on in their threads.
        """
        return self._replying.drain(partition, patience_s)

    def watch_spool(self) -> None:
        """Replay the spool in the background from now on; for processes that receive."""
        self._replaying.start()

    def replay_spool(self) -> int:
        """Replay the spool now; gives how many messages it had."""
        return self._replaying.replay()

    def override(self, action: str, number: str, scope: str, actor: str, reason: str) -> str:
        """Opt a number out by hand (``suppress``), or ``restore`` what was a mistake of ours.

        ``scope`` is ``all`` or a program; gives the inbox id. Raises ``InvalidNumber``,
        ``UnknownProgram``, ``StoreUnavailable``; of a restore what ``Restores.entry`` raises.
        """
        if action == "restore":
            return self.restore(RestoreRequest(number, scope, actor, reason))
        return self._enter(opt_out_entry(self.settings, number, scope, actor, reason))

    def restore(self, request: RestoreRequest) -> str:
        """Lift an opt-out on a basis; gives the inbox id. Raises as ``Restores.entry``."""
        return self._enter(self.restores().entry(request))

    def restores(self) -> Restores:
        """Who may lift which opt-out, on what basis."""
        return Restores(self.settings, self.store, self.records, self.apply)

    def lock(self, number: str, actor: str, reason: str, *, locked: bool = True) -> str:
        """Lock a number against every text of ours and every START, or unlock it.

        Gives the inbox id. Raises ``InvalidNumber``, ``StoreUnavailable``.
        """
        return self._enter(lock_entry(number, actor, reason, locked=locked))

    def record_consent(
        self, number: str, program: str, consent: Consent, source: str, actor: str
    ) -> str:
        """Put a consent on record that was given elsewhere; it lifts no opt-out.

        Gives the inbox id. Raises ``InvalidNumber``, ``UnknownProgram``, ``StoreUnavailable``.
        """
        return self._enter(consent_entry(self.settings, number, program, consent, source, actor))

    def linking(self) -> Linking:
        """Opt-out links: make one, read one, opt out by one."""
        return Linking(self.settings, self._enter)

    def status(self, number: str) -> dict[str, Answer]:
        """What the gate says of the number, by program.

        Raises ``InvalidNumber``, ``StoreUnavailable``, ``StoreNotReady``.
        """
        answers = {
            program.name: self.gate.check([number], program=program.name)[0]
            for program in self.settings.programs
        }
        for answer in answers.values():
            if answer.allowed is None:
                raise InvalidNumber(answer.why)
        return answers

    def history(self, number: str) -> list[Event]:
        """The events of a number (E.164), oldest first.

        Raises ``StoreUnavailable``, ``RecordsUnavailable``, ``RecordsNotReady``.
        """
        return history.of_number(self.store, self.records, number)

    def unrouted(self) -> list[Event]:
        """The texts to senders that no program has, oldest first."""
        return history.of_kind(self.store, self.records, "unrouted")

    def forget(self, number: str, actor: str, reason: str) -> Forgotten:
        """Erase the texts of a number (E.164, or as it was recorded); see ``Forgetting.forget``."""
        self.apply(partition_of(number))  # what still waits belongs to it
        done = self.forgetting.forget(number, actor, reason)
        return replace(
            done, cases=labelled_texts.forget(self.settings.data_dir, number, self.records)
        )

    def ready(self) -> dict[str, str]:
        """Each collaborator by name: what is wrong with it, or ``ok``.

        ``ok; …`` names what works but could lose acknowledged writes.
        """
        return self._readiness.ready()

    def retire(self) -> None:
        """End what is this gateway's own; another one goes on with the same collaborators."""
        self.lease_renewal.close()
        for movement in (self._replaying, self._refusing, self._replying, self._applying):
            movement.close()

    def close(self) -> None:
        """Write what is queued in memory and end the threads."""
        self.retire()
        self.store.sample_log.close()
        self.store.metrics.close()
        self.records.close()

    def _enter(self, entry: Entry) -> str:
        added, partitions = self.store.inbox.add([Arrival(entry)])
        self.job_queue.notify_inboxes(partitions)
        return added[0].id
