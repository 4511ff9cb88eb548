"""Send: claim one reply, describe its HTTP call, make it, and write its outcome to the ledger."""

from __future__ import annotations

import queue
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import replace

import msgspec
import structlog

from smsgate import __version__
from smsgate.classifier import reply_text
from smsgate.consent.events import DeadLetter, Event, event_id
from smsgate.consent.rules import APP, MAX_CALL_US, late, obstacle
from smsgate.content import CurrentContent
from smsgate.domain.errors import (
    CallFailed,
    InvalidNumber,
    StoreNotReady,
    StoreUnavailable,
    Suppressed,
    UnknownProgram,
)
from smsgate.domain.messages import REPLY_WINDOW_US, Arrival, Outcome, Reply, Verdict
from smsgate.metrics.counters import CALL_S, CALLS, CONFIRMED_S, REPLIES
from smsgate.outbound import Outbound
from smsgate.outbound.access_tokens import AccessTokens
from smsgate.pipeline.gate import Gate
from smsgate.pipeline.provider_reports import refusal_entry, take_early
from smsgate.providers import PROVIDERS, usable
from smsgate.settings import Settings
from smsgate.store.outbox import Claim
from smsgate.store.store import Store

SENDERS = 64
"""Calls under way at once: some 500 replies a second where the provider answers in 100 ms."""
_LONGEST_PAUSE_S = 60.0
_AT_ONCE_US = 20_000
"""A reserved moment that is this near counts as now."""
_FRESH_S = 2.5
"""How long after the store was asked a call may begin; longer than its answer may take."""
_GIVEN_UP = frozenset({"refused", "late", "unknown"})
"""Outcomes that a person should see."""

_OBSTACLES = {
    "late": "its deadline had passed",
    "superseded": "the number's state changed before it was sent",
}

_log = structlog.get_logger()


class ReplySender:
    """Sends the replies of outboxes."""

    def __init__(
        self,
        settings: Settings,
        content: CurrentContent,
        store: Store,
        gate: Gate,
        outbound: Outbound,
    ) -> None:
        self._settings = settings
        self._programs = {
            name: one for one in settings.programs for name in (*one.formerly, one.name)
        }
        """By name, and by the former ones, which a worker of before a renaming wrote."""
        self._silent = {name for name, one in self._programs.items() if one.confirm == "never"}
        self._content = content
        accounts = settings.accounts.values()
        self._usable = {one.name for one in accounts if usable(one)}
        self._idempotent = {one.name for one in accounts if PROVIDERS[one.provider].idempotent}
        self._store = store
        self._note = store.metrics.noting()
        self._gate = gate
        self._outbound = outbound
        self._tokens = AccessTokens(outbound)
        self._threads = ThreadPoolExecutor(SENDERS, thread_name_prefix="sender")
        self._running: list[Future[None]] = []
        self._unfinished: set[int] = set()  # partitions with more than was sent
        self._ending = threading.Event()
        self._unsent: queue.SimpleQueue[Claim] = queue.SimpleQueue()

    def drain(self, partition: int, patience_s: float | None = None) -> None:
        """Send the due replies of a partition, until all are sent or for ``patience_s``.

        Calls that take longer go on in their threads. For one thread. Raises ``StoreUnavailable``.
        """
        self._give_back()
        self._unfinished.add(partition)
        self._running = [one for one in self._running if not one.done()]
        room = min(self._store.outbox.depth(partition), SENDERS - len(self._running))
        running = [self._threads.submit(self._send_due, partition) for _ in range(room)]
        self._running += running
        for one in wait(running, timeout=patience_s).done:
            one.result()

    def _send_due(self, partition: int | None) -> None:
        """Send what is due in a partition, then in those for which too few threads were free."""
        while partition is not None and not self._ending.is_set():
            if not self._send_one(partition):
                self._unfinished.discard(partition)
                partition = min(self._unfinished, default=None)

    def _give_back(self) -> None:
        while not self._unsent.empty():
            claim = self._unsent.get()
            self._store.outbox.put_back(claim, claim.reply, claim.now_us)

    def close(self) -> None:
        """Let the calls under way end and start no other; what surely was not sent goes back."""
        self._ending.set()
        self._threads.shutdown(wait=True)
        with suppress(StoreUnavailable):  # then it is taken for lost, as after a kill
            self._give_back()

    def _send_one(self, partition: int) -> bool:
        """Claim one reply, send it, and write down its outcome; whether there was one."""
        try:
            claim = self._store.outbox.claim(partition)
            if claim is not None:
                self._send(claim)
        except StoreUnavailable as error:
            # Nothing is lost: the reply stays, and the clock asks for another job.
            _log.warning("outbox waits", partition=partition, problem=str(error))
            return False
        return claim is not None

    def _send(self, claim: Claim) -> None:
        claim = replace(claim, reply=self._worded(claim.reply))
        if claim.abandoned and claim.reply.account not in self._idempotent:
            self._end(claim, "unknown", "its sender died; whether it left is not known")
            return
        began = time.monotonic()
        try:
            outcome, note = send_obstacle(claim, self._store, self._gate)
        except StoreUnavailable:
            self._unsent.put(claim)  # surely not sent: it goes back as soon as the store does
            raise
        except (StoreNotReady, UnknownProgram) as error:
            self._later(claim, Outcome(Verdict.NOT_ACCEPTED, note=str(error)))
            return
        if not outcome and claim.reply.kind != APP and claim.reply.program in self._silent:
            outcome, note = "superseded", 'the program has confirm = "never"'
        if outcome:
            self._end(claim, outcome, note)
            return
        if not claim.reply.text:  # only a newer configuration has its program
            note = f"program {claim.reply.program!r} is not known here: restart this process"
            self._later(claim, Outcome(Verdict.NOT_ACCEPTED, note=note))
            return
        if not self._in_turn(claim):
            return
        started = time.monotonic()
        if started - began > _FRESH_S:
            # This process stalled, so what it read may be outdated. Nothing was sent: check again.
            self._store.outbox.put_back(claim, claim.reply, claim.now_us)
            return
        result = self.perform(claim.reply)
        self._count(claim, result, time.monotonic() - started)
        self._settle(claim, result)

    def _worded(self, reply: Reply) -> Reply:
        """The reply with its text; without any where its program is not known here."""
        known = self._programs.get(reply.program)
        program = self._content.value.programs.get(known.name) if known else None
        if reply.text or program is None:
            return reply
        text, language = reply_text(program, reply.kind, reply.language)
        return msgspec.structs.replace(reply, text=text, language=language)

    def _count(self, claim: Claim, outcome: Outcome, took_s: float) -> None:
        reply = claim.reply
        self._note((CALLS, (reply.account, outcome.verdict.value), 1))
        self._note((CALL_S, (reply.account,), (took_s,)))
        if outcome.verdict is Verdict.SENT and reply.kind != APP:
            waited_s = (claim.now_us + REPLY_WINDOW_US - reply.deadline_us) / 1_000_000
            self._note((CONFIRMED_S, (reply.account,), (waited_s + took_s,)))

    def _in_turn(self, claim: Claim) -> bool:
        """Whether the sender's rate lets the reply leave now; if not, it waits for its moment.

        What the rate cannot carry before the deadline is dropped as ``late``.
        """
        reply = claim.reply
        account = self._settings.accounts.get(reply.account)
        if account is None or not account.rate or reply.slot_us:
            return True
        pause_us = int(1_000_000 / account.rate)
        slot_us = self._store.outbox.reserve_slot(reply, pause_us, reply.deadline_us - MAX_CALL_US)
        if not slot_us:
            self._end(claim, "late", f"more than {account.rate:g} texts a second were due")
            return False
        if slot_us <= claim.now_us + _AT_ONCE_US:
            return True
        self._store.outbox.put_back(claim, msgspec.structs.replace(reply, slot_us=slot_us), slot_us)
        return False

    def perform(self, reply: Reply) -> Outcome:
        """Make the call that sends it, whatever the gate says; nothing is settled by that."""
        account = self._settings.accounts.get(reply.account)
        if account is None or reply.account not in self._usable:
            note = f"account {reply.account!r} cannot send: it is gone or has no secret"
            return Outcome(Verdict.REFUSED, note=note)
        provider = PROVIDERS[account.provider]
        try:
            call = provider.reply(reply, account)
            response = (self._tokens if call.token_from else self._outbound).perform(call)
        except CallFailed as error:
            lost = error.left and not provider.idempotent
            verdict = Verdict.UNKNOWN if lost else Verdict.NOT_ACCEPTED
            return Outcome(verdict, note=str(error))
        return provider.outcome(response, account)

    def _settle(self, claim: Claim, outcome: Outcome) -> None:
        if outcome.verdict is Verdict.NOT_ACCEPTED:
            self._later(claim, outcome)
            return
        if outcome.verdict is Verdict.OPTED_OUT and claim.reply.kind != "opt_out":
            # The provider has an opt-out that we do not have.
            self._store.inbox.add([Arrival(refusal_entry(self._settings, claim.reply))])
        self._end(claim, outcome.verdict.value, outcome.note, outcome.provider_id)

    def _later(self, claim: Claim, outcome: Outcome) -> None:
        """Try again after a pause, unless the deadline would be past by then."""
        reply = claim.reply
        pause_s = outcome.retry_after_s or min(2.0**reply.tries, _LONGEST_PAUSE_S)
        due_us = claim.now_us + int(pause_s * 1_000_000)
        if due_us + MAX_CALL_US > reply.deadline_us:
            self._end(claim, "late", f"not accepted in time: {outcome.note}")
            return
        problem = outcome.note.rstrip(".").replace(reply.number[1:], "•••")
        again = msgspec.structs.replace(reply, tries=reply.tries + 1, problem=problem)
        self._store.outbox.put_back(claim, again, due_us)

    def _end(self, claim: Claim, outcome: str, note: str, provider_id: str = "") -> None:
        reply = msgspec.structs.replace(claim.reply, problem="")
        event = reply_event(reply, outcome, note, claim.now_us, claim.token, provider_id)
        dead = DeadLetter(reply, outcome, note, claim.now_us) if outcome in _GIVEN_UP else None
        is_done, receipt = self._store.outbox.done(claim, event, dead)
        if not is_done:
            _log.warning("claim lost", partition=claim.partition, id=reply.id, outcome=outcome)
            return
        self._note((REPLIES, (reply.account, reply.kind, outcome), 1))
        if receipt is not None:
            take_early(self._store, reply, receipt)


def reply_event(
    reply: Reply, outcome: str, note: str, now_us: int, attempt: str, provider_id: str = ""
) -> Event:
    """What became of a reply. ``attempt`` tells it from what became of it at another time."""
    return Event(
        id=event_id(now_us // 1000, reply.id, outcome, attempt),
        kind=reply.event_kind,
        outcome=outcome,
        number=reply.number,
        program=reply.program,
        inbox_id=reply.answers,
        reply=reply,
        applied_us=now_us,
        note=note,
        provider_id=provider_id,
        software=__version__,
    )


def send_obstacle(claim: Claim, store: Store, gate: Gate) -> tuple[str, str]:
    """The outcome of a reply that must not leave, and why in words; empty where it may.

    A text of the operator's own application is for the gate, as every text that its programs send.
    Raises ``StoreUnavailable``, ``StoreNotReady``, ``UnknownProgram``.
    """
    reply = claim.reply
    if reply.kind != APP:
        number = store.numbers.before_send(reply.number, reply.program)
        found = obstacle(reply, number.consent_state, held=number.is_held, now_us=claim.now_us)
        return found, _OBSTACLES.get(found, "")
    if late(reply, claim.now_us):
        return "late", _OBSTACLES["late"]
    try:
        gate.require([reply.number], program=reply.program, by=APP)
    except Suppressed as refused:
        return "blocked", f"the gate refused it: {refused.reason}"
    except InvalidNumber:
        return "blocked", "the gate refused it: invalid"
    return "", ""
