"""Sends applied messages to the operator's own application.

Each message is sent at least once (an id tells repeats apart), those of a number in the order in
which they came. A message that is not taken is sent again for a day and then waits for a person;
meanwhile later ones of its number wait behind it, and no others. The texts that the application
answers in TwiML go into the outbox in the same step that removes the message, so that each is sent
once.
"""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import msgspec
import structlog

from smsgate.consent.transitions import APP
from smsgate.domain.errors import CallFailed, StoreUnavailable
from smsgate.domain.forwards import Forward
from smsgate.domain.messages import REPLY_WINDOW_US, HttpReply, Reply, ms_of
from smsgate.features.forwarding.application_call import describe_call
from smsgate.features.forwarding.circuit_breaker import MAX_CALLS, CircuitBreaker
from smsgate.features.forwarding.twiml import read_twiml
from smsgate.metrics.counters import FORWARD_S, FORWARDED_S, FORWARDS
from smsgate.outbound import Outbound, PublicOutbound
from smsgate.pipeline.forwards import TAKEN, forward_event
from smsgate.providers import usable
from smsgate.providers.calls import retry_after_s
from smsgate.settings import Account, Application, Program, Settings
from smsgate.store import Store
from smsgate.store.forwards import ForwardClaim
from smsgate.store.inbox import JobQueue
from smsgate.store.keys import PARTITIONS

IDLE_S = 0.1
"""Pause before the next turn where nothing was due."""
BUSY_S = 0.01
_FIRST_RETRY_S, _RETRY_FACTOR, _MAX_RETRY_S = 5.0, 3.0, 600.0
_MAX_RETRY_AFTER_S = 3600.0
_MAX_LOGGED_VERBS = 10

_log = structlog.get_logger("smsgate.forward")


class ForwardSender:
    """Sends the messages of one program. Its threads start with the first message."""

    def __init__(
        self,
        program: Program,
        application: Application,
        settings: Settings,
        store: Store,
        job_queue: JobQueue,
    ) -> None:
        self._name = program.name
        self._application = application
        self._accounts = settings.accounts
        self._account = program.account
        self._store = store
        self._job_queue = job_queue
        self._outbound = Outbound() if application.allow_private else PublicOutbound()
        self._breaker = CircuitBreaker()
        self._threads = ThreadPoolExecutor(MAX_CALLS, thread_name_prefix=f"forward {program.name}")
        self._lock = threading.Lock()
        self._busy = 0
        """Calls under way."""
        self._first = 0
        """The partition to which the next claims begin."""
        self._idle_claims = 0
        """Places in a row for which no message was due."""

    def run_once(self) -> float:
        """Begin the calls that are due; returns the pause before the next turn in seconds.

        Raises ``StoreUnavailable``.
        """
        now = time.monotonic()
        capacity = self._breaker.capacity(now) - self._busy
        if capacity <= 0:
            return min(max(self._breaker.pause_left_s(now), BUSY_S), IDLE_S)
        claims = self._store.forwards.claim(self._name, capacity, self._first)
        self._first = (self._first + capacity) % PARTITIONS
        if not claims:
            self._idle_claims += capacity
            return IDLE_S if self._idle_claims >= PARTITIONS else 0.0
        self._idle_claims = 0
        self._breaker.started(now)
        with self._lock:
            self._busy += len(claims)
        for claim in claims:
            self._threads.submit(self._run, claim)
        return BUSY_S

    def close(self) -> None:
        """Let the calls under way end and begin no other."""
        self._threads.shutdown(wait=True)
        self._outbound.close()

    def _run(self, claim: ForwardClaim) -> None:
        try:
            self._send(claim)
        except StoreUnavailable as error:
            # Nothing is lost: it is due again when the claim's lease ends.
            _log.warning("forward is not settled", id=claim.forward.id, problem=str(error))
        except Exception as error:  # noqa: BLE001 - a fault of ours; the same follows
            _log.error("forward failed", id=claim.forward.id, exc_info=error)
        finally:
            with self._lock:
                self._busy -= 1

    def _send(self, claim: ForwardClaim) -> None:
        account = self._signing_account(claim.forward)
        if account is None:
            problem = f"account {self._account!r} has no secret to sign with"
            self._note_failure(claim, problem, 0.0)
            return
        call = describe_call(claim.forward, self._application, account, claim.now_us // 1_000_000)
        began = time.monotonic()
        try:
            answer = self._outbound.perform(call)
        except CallFailed as error:
            self._note_failure(claim, str(error), 0.0)
            return
        took_s = time.monotonic() - began
        self._store.metrics.took(FORWARD_S, took_s, self._name)
        if 200 <= answer.status < 300:
            self._note_success(claim, answer, claim.now_us + int(took_s * 1_000_000))
        else:
            is_overloaded = answer.status in (429, 503)
            asked_s = (retry_after_s(answer) or 0.0) if is_overloaded else 0.0
            asked_s = min(asked_s, _MAX_RETRY_AFTER_S)
            self._note_failure(claim, f"answered {answer.status}", asked_s)

    def _signing_account(self, forward: Forward) -> Account | None:
        """The program's account, which also signs what the simulator posted; else the message's."""
        needs_secret = self._application.original and not self._application.secrets
        for name in (self._account, forward.entry.account):
            account = self._accounts.get(name)
            if account is not None and (usable(account) or not needs_secret):
                return account
        return None

    def _note_success(self, claim: ForwardClaim, answer: HttpReply, answered_us: int) -> None:
        self._breaker.succeeded()
        entry = claim.forward.entry
        twiml = read_twiml(answer, entry.number, entry.sender)
        if twiml.unsupported:
            verbs = [*dict.fromkeys(twiml.unsupported)][:_MAX_LOGGED_VERBS]
            _log.warning("not supported", program=self._name, id=claim.forward.id, verbs=verbs)
        replies = _replies(claim, twiml.texts, answered_us)
        event = forward_event(claim.forward, TAKEN, answered_us)
        was_ours, job_wanted = self._store.forwards.complete(claim, event, replies)
        if not was_ours:
            _log.warning("claim lost", program=self._name, id=claim.forward.id)
            return
        metrics, received_us = self._store.metrics, ms_of(claim.forward.inbox_id) * 1000
        metrics.count(FORWARDS, self._name, TAKEN)
        metrics.took(FORWARDED_S, (answered_us - received_us) / 1_000_000, self._name)
        if job_wanted:
            self._job_queue.notify_outboxes([claim.partition])

    def _note_failure(self, claim: ForwardClaim, problem: str, asked_s: float) -> None:
        forward = claim.forward
        retry_s = min(_FIRST_RETRY_S * _RETRY_FACTOR ** min(forward.tries, 10), _MAX_RETRY_S)
        retry_s *= random.uniform(0.9, 1.1)  # noqa: S311 - spreads messages that failed together
        pause_s = self._breaker.failed(forward.entry.number, time.monotonic(), asked_s)
        later = msgspec.structs.replace(forward, tries=forward.tries + 1, note=problem[:500])
        due_us = claim.now_us + int(max(retry_s, asked_s) * 1_000_000)
        if self._store.forwards.retry_later(claim, later, due_us):
            self._store.metrics.count(FORWARDS, self._name, "not_taken")
        _log.warning(
            "forward was not taken",
            program=self._name,
            id=forward.id,
            problem=problem,
            tries=later.tries,
            left_alone_s=round(pause_s),
        )


def _replies(claim: ForwardClaim, texts: list[str], answered_us: int) -> list[Reply]:
    """The application's texts, each to be sent within five minutes of its answer."""
    forward = claim.forward
    entry = forward.entry
    return [
        Reply(
            id=f"{claim.partition}-{forward.inbox_id}.{place}",
            kind=APP,
            account=entry.account,
            number=entry.number,
            sender=entry.sender,
            program=entry.program,
            text=text,
            deadline_us=answered_us + REPLY_WINDOW_US,
            service=entry.service,
            channel=entry.channel,
        )
        for place, text in enumerate(texts, 1)
    ]
