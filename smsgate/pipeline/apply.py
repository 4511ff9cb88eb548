"""Apply: from a partition's inbox to its sets, ledger and outbox.

Entries are read in batches. What they do to consent states, and the events and replies that come of
them, is committed once, however many workers are at it.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

from smsgate import __version__
from smsgate.consent.actions import apply_action
from smsgate.consent.events import ConsentState, Event, PublishedProgram, event_id
from smsgate.consent.renamed_programs import current_consent_state, entry_now
from smsgate.consent.rules import Transition, apply_text, closed_up_to, published_program
from smsgate.domain.messages import (
    ALL,
    REPLY_WINDOW_US,
    Batch,
    Entry,
    Intent,
    Reply,
    StoredEntry,
    ms_of,
)
from smsgate.metrics.counters import APPLIED_S, EVENTS
from smsgate.pipeline.forwards import forward_of, without_form
from smsgate.pipeline.list_entries import ListApplier
from smsgate.settings import Settings
from smsgate.store.inbox import JOB_S, JobQueue
from smsgate.store.keys import hold_field
from smsgate.store.numbers import Effects
from smsgate.store.store import Store

BATCH = 150
"""Entries in one commit, so that it holds Redis for less than 2 ms."""
THREADS = 4
"""Partitions that one job works on at once: rules run for one while Redis commits for others. Two
threads wait for each other half of the time, more than four bring nothing."""
IDLE_READS, IDLE_PAUSE_S = 3, 0.005
"""How often, and after which pauses, a job that found nothing reads again before it ends. Under a
steady load one job goes on and on; a new one for each message would cost ten times the message."""


class InboxApplier:
    """Applies what waits in inboxes. Two of them may work on one partition."""

    def __init__(self, settings: Settings, store: Store, job_queue: JobQueue) -> None:
        self._settings = settings
        self._store = store
        self._job_queue = job_queue
        self._note = store.metrics.noting()
        self._pause = threading.Event()
        self._published: Mapping[str, PublishedProgram] = {
            program.name: published_program(program) for program in settings.programs
        }
        self._renamed = settings.programs.renamed
        self.lists = ListApplier(store, self._published)
        self._threads = ThreadPoolExecutor(THREADS, "applier")

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown()

    def drain(self, partition: int) -> list[Event]:
        """Apply a partition's inbox, for two seconds at most.

        Returns the events that this call wrote, one for each entry. Raises ``StoreUnavailable``,
        ``StoreNotReady``.
        """
        events = [*chain.from_iterable(self._batches(partition, time.monotonic() + JOB_S))]
        self._mark_idle([partition])
        return events

    def work(self, partition: int) -> int:
        """Apply a partition's inbox, then whatever waits in others, until nothing more comes.

        For two seconds at most, then partitions with work have a new job. Return how many entries.
        Raises ``StoreUnavailable``, ``StoreNotReady``.
        """
        until = time.monotonic() + JOB_S
        applied, seen, idle = self._drain(partition, until), {partition}, 0
        while idle < IDLE_READS and time.monotonic() < until:
            busy = self._store.inbox.busy()
            applied += sum(self._threads.map(lambda one: self._drain(one, until), busy))
            seen.update(busy)
            idle = 0 if busy else idle + 1
            if not busy:
                self._pause.wait(IDLE_PAUSE_S)
        self._mark_idle(seen)
        return applied

    def _drain(self, partition: int, until: float) -> int:
        # The events of a backlog would take 50 MiB if they were kept until all are counted.
        return sum(map(len, self._batches(partition, until)))

    def _batches(self, partition: int, until: float) -> Iterator[list[Event]]:
        """Apply batch after batch, until the inbox is empty or the time is up; yield the events."""
        while time.monotonic() < until:
            batch = self._store.inbox.read(partition, BATCH)
            if not batch.entries:
                break
            yield self._apply(partition, batch)

    def _mark_idle(self, partitions: Iterable[int]) -> None:
        """Release partitions with an empty inbox; others get a new job."""
        mark_idle = self._store.inbox.mark_idle
        self._job_queue.notify_inboxes([one for one in partitions if not mark_idle(one)])

    def _apply(self, partition: int, batch: Batch) -> list[Event]:
        """Commit the beginning of a batch; return its events, none if another worker was faster.

        An entry that carries the numbers of a list is committed alone.
        """
        lists = [place for place, one in enumerate(batch.entries) if one.entry.numbers]
        if lists:
            batch = Batch(batch.cursor, batch.entries[: lists[0] or 1])
        entries: Sequence[StoredEntry] = batch.entries
        if self._renamed:
            entries = [entry_now(stored, self._renamed) for stored in entries]
        if entries[0].entry.numbers:
            effects = self.lists.effects(partition, entries[0])
        else:
            effects = self._effects(partition, entries)
        buckets = self._store.numbers.bucket_count()
        committed = self._store.commits.commit(partition, batch, effects, buckets)
        if committed.notify_outbox:
            self._job_queue.notify_outboxes([partition])
        if not committed.done:
            return []
        self._count(effects.events)
        return [*effects.events]

    def _count(self, events: Sequence[Event]) -> None:
        kinds: Counter[tuple[str, str, str]] = Counter()
        took_s: dict[str, list[float]] = defaultdict(list)
        for one in events:
            account = one.entry.account if one.entry else ""
            kinds[account, one.kind, one.outcome] += 1
            if account:  # a manual entry or a list was not received
                took_s[account].append((one.applied_us - one.received_us) / 1_000_000)
        for labels, times in kinds.items():
            self._note((EVENTS, labels, times))
        for account, seconds in took_s.items():
            self._note((APPLIED_S, (account,), seconds))

    def _effects(self, partition: int, batch: Sequence[StoredEntry]) -> Effects:
        entries = [stored.entry for stored in batch]
        numbers = [*dict.fromkeys(one.number for one in entries if one.phone and one.number)]
        named = {*self._published, *self._renamed, *(entry.program for entry in entries)}
        consent_states = self._store.numbers.consent_states(
            partition, numbers, sorted(named - {"", ALL})
        )
        # Senders that are no phones have no state, and so brought no time along.
        now_us = consent_states.now_us or self._store.health.now_us()
        before = consent_states.by_number()
        effects = Effects(before, {**before})
        if self._renamed:
            for number, one in before.items():
                effects.after[number] = current_consent_state(one, self._renamed)
        for stored in batch:
            self._add_effects(partition, stored, effects, now_us)
        return effects

    def _add_effects(
        self, partition: int, stored: StoredEntry, effects: Effects, now_us: int
    ) -> None:
        entry = stored.entry
        before = effects.after.get(entry.number, ConsentState())
        apply_rules = apply_action if entry.action else apply_text
        transition = apply_rules(stored, before, self._published, now_us)
        # What a provider reports of senders of no program is about texts that were not ours.
        is_ours = entry.source == "text" or (entry.source == "provider" and entry.program)
        if transition.outcome == "recorded" and entry.decision.intent.stops and is_ours:
            self._store.acceptance.note_unblocked(entry.account, entry.number)
        note = transition.note
        if transition.reply:
            note = self._answer(partition, stored, transition, effects, now_us)
        # An unanswered HELP does not count towards HELP_LIMIT, and only phones have a state.
        if not (note and transition.reply == "help") and entry.number in effects.after:
            effects.after[entry.number] = transition.after
        if transition.closes_review:
            ends = closed_up_to(entry, stored.id)
            effects.decided.extend(
                (hold_field(name, entry.number), ends) for name in self._concerned(entry)
            )
        event = applied_event(partition, stored, before, transition, note, now_us)
        effects.events.append(event)
        if entry.forward_content is not None:
            program = self._settings.programs.get(entry.program)
            application = program.forward if program is not None else None
            forward = forward_of(entry, event, application)
            if forward is not None:
                effects.forwards[event.id] = forward

    def _answer(
        self,
        partition: int,
        stored: StoredEntry,
        transition: Transition,
        effects: Effects,
        now_us: int,
    ) -> str:
        """Put a reply into the outbox, or return why there is no reply."""
        entry = stored.entry
        program = self._settings.programs.get(entry.program)
        silent = silence(entry, program.confirm if program else "auto")
        if silent:
            return silent
        if program is None and not entry.program:
            return "no program was texted, so nobody answers"
        reply = Reply(
            id=f"{partition}-{stored.id}",
            kind=transition.reply,
            account=entry.account,
            number=entry.number,
            sender=entry.sender,
            program=entry.program,
            text="",  # the sender words it
            deadline_us=stored.arrived_us + REPLY_WINDOW_US,
            service=entry.service,
            channel=entry.channel,
            language=entry.decision.language,
        )
        effects.replies.append((reply, now_us))
        return ""

    def _concerned(self, entry: Entry) -> list[str]:
        names = [*self._published] if entry.scope == ALL else [entry.scope or entry.program]
        return names + [old for old, name in self._renamed.items() if name in names]


def applied_event(
    partition: int,
    stored: StoredEntry,
    before: ConsentState,
    transition: Transition,
    note: str,
    now_us: int,
) -> Event:
    """The event of an entry. ``note``: why there is no reply, or empty."""
    entry = stored.entry
    after = transition.after
    names = (str(partition), stored.id, entry.number, entry.account, entry.message_id)
    return Event(
        id=event_id(ms_of(stored.id), *names),
        kind=_kind(entry),
        outcome=transition.outcome,
        number=entry.number,
        program=entry.program,
        scope=entry.scope,
        before=_state(before, entry),
        after=_state(after, entry),
        consent_state=after if entry.phone and after != before else None,
        inbox_id=stored.id,
        entry=without_form(entry) if entry.forward_content is not None else entry,
        event_time_us=stored.event_time_us,
        received_us=stored.received_us,
        applied_us=now_us,
        note=note,
        software=__version__,
    )


def _kind(entry: Entry) -> str:
    """What is no intent is called by its rule: ``unrouted``, ``unreachable``, ``unreadable``.

    An ordinary text is here only because it goes on to an application: ``text``.
    """
    if entry.action:
        return "restored" if entry.action == "restore" else entry.action
    if entry.program and entry.decision.intent is not Intent.NONE:
        return entry.decision.intent.value
    return "text" if entry.forward_content is not None else entry.decision.rule


def _state(consent_state: ConsentState, entry: Entry) -> str:
    if not entry.program or not entry.phone:
        return ""
    return "blocked" if consent_state.blocked(entry.program) else "allowed"


def silence(entry: Entry, confirm: str) -> str:
    """Why we do not answer a message, or nothing where we do.

    ``confirm`` is the program's setting. ``always`` is for accounts whose own answers are off.
    """
    if entry.source != "text":
        return "no text asked for it"
    if confirm == "never":
        return 'the program has confirm = "never"'
    if confirm == "auto" and entry.answered:
        whose = "your provider" if entry.answered == "provider" else f"the {entry.answered}"
        return f"{whose} sends this reply"
    return ""
