"""Forwarded: messages that were applied, handed to the operator's own application.

At least once each (an id tells repeats apart), of a number in the order in which they came. A
message that is not taken is handed over again for a day and then waits for a person; meanwhile
later ones of its number wait behind it, and no others. What the application answers in TwiML goes
into the outbox in the same step that takes its message out, so that it is said once.
"""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import msgspec
import structlog

from smsgate.consent.send_check import APP, WINDOW_US
from smsgate.domain.errors import CallFailed, StoreUnavailable
from smsgate.domain.messages import Forward, HttpReply, Reply, ms_of
from smsgate.features.forwarding.application_call import call_of
from smsgate.features.forwarding.pauses import CALLS, Pauses
from smsgate.features.forwarding.twiml import read_twiml
from smsgate.metrics.families import FORWARD_S, FORWARDED_S, FORWARDS
from smsgate.outbound import Outbound
from smsgate.pipeline.forward_events import TAKEN, forward_event
from smsgate.providers import usable
from smsgate.providers.base import retry_after_s
from smsgate.settings import Account, Application, Program, Settings
from smsgate.store import Store
from smsgate.store.forwards import ForwardClaim
from smsgate.store.job_queue import JobQueue
from smsgate.store.keys import PARTITIONS

IDLE_S = 0.1
"""How long to wait before the next look where nothing was due."""
BUSY_S = 0.01
_FIRST_S, _FACTOR, _LONGEST_S = 5.0, 3.0, 600.0
_LONGEST_ASKED_S = 3600.0
_SHOWN = 10

_log = structlog.get_logger("smsgate.forward")


class Forwarding:
    """Hands the messages of one program over."""

    def __init__(
        self,
        program: Program,
        application: Application,
        settings: Settings,
        store: Store,
        job_queue: JobQueue,
    ) -> None:
        """Use these collaborators; threads start with the first message."""
        self._name = program.name
        self._application = application
        self._accounts = settings.accounts
        self._account = program.account
        self._store = store
        self._job_queue = job_queue
        self._outbound = Outbound(public_only=not application.allow_private)
        self._pauses = Pauses()
        self._threads = ThreadPoolExecutor(CALLS, thread_name_prefix=f"forward {program.name}")
        self._lock = threading.Lock()
        self._busy = 0
        self._first = 0
        self._looked = 0

    def turn(self) -> float:
        """Begin the calls that are due; gives for how many seconds to wait before the next turn.

        Raises ``StoreUnavailable``.
        """
        now = time.monotonic()
        room = self._pauses.room(now) - self._busy
        if room <= 0:
            return min(max(self._pauses.left_s(now), BUSY_S), IDLE_S)
        claims = self._store.forwards.claim(self._name, room, self._first)
        self._first = (self._first + room) % PARTITIONS
        if not claims:
            self._looked += room
            return IDLE_S if self._looked >= PARTITIONS else 0.0
        self._looked = 0
        self._pauses.begun(now)
        with self._lock:
            self._busy += len(claims)
        for claim in claims:
            self._threads.submit(self._see_through, claim)
        return BUSY_S

    def close(self) -> None:
        """Let the calls under way end and begin no other."""
        self._threads.shutdown(wait=True)
        self._outbound.close()

    def _see_through(self, claim: ForwardClaim) -> None:
        try:
            self._hand_over(claim)
        except StoreUnavailable as error:
            # Nothing is lost: it is due again when the claim's lease ends.
            _log.warning("forward is not settled", id=claim.forward.id, problem=str(error))
        except Exception as error:  # noqa: BLE001 - a fault of ours; the same follows
            _log.error("forward failed", id=claim.forward.id, exc_info=error)
        finally:
            with self._lock:
                self._busy -= 1

    def _hand_over(self, claim: ForwardClaim) -> None:
        account = self._signing_account(claim.forward)
        if account is None:
            self._not_taken(claim, f"account {self._account!r} has no secret to sign with", 0.0)
            return
        call = call_of(claim.forward, self._application, account, claim.now_us // 1_000_000)
        began = time.monotonic()
        try:
            answer = self._outbound.perform(call)
        except CallFailed as error:
            self._not_taken(claim, str(error), 0.0)
            return
        took_s = time.monotonic() - began
        self._store.metrics.took(FORWARD_S, took_s, self._name)
        if 200 <= answer.status < 300:
            self._taken(claim, answer, claim.now_us + int(took_s * 1_000_000))
        else:
            self._not_taken(claim, f"answered {answer.status}", _asked_for(answer))

    def _signing_account(self, forward: Forward) -> Account | None:
        """Whose request it was; what the simulator posted is signed as the program's account's."""
        for name in (self._account, forward.entry.account):
            account = self._accounts.get(name)
            if account is not None and (usable(account) or not self._needs_secret):
                return account
        return None

    @property
    def _needs_secret(self) -> bool:
        return self._application.original and not self._application.secrets

    def _taken(self, claim: ForwardClaim, answer: HttpReply, answered_us: int) -> None:
        self._pauses.taken()
        entry = claim.forward.entry
        said = read_twiml(answer, entry.number, entry.sender)
        if said.not_done:
            shown = [*dict.fromkeys(said.not_done)][:_SHOWN]
            _log.warning("not supported", program=self._name, id=claim.forward.id, verbs=shown)
        replies = _replies(claim, said.texts, answered_us)
        event = forward_event(claim.forward, TAKEN, answered_us)
        ours, wanted = self._store.forwards.taken(claim, event, replies)
        if not ours:
            _log.warning("claim lost", program=self._name, id=claim.forward.id)
            return
        metrics, received_us = self._store.metrics, ms_of(claim.forward.inbox_id) * 1000
        metrics.count(FORWARDS, self._name, TAKEN)
        metrics.took(FORWARDED_S, (answered_us - received_us) / 1_000_000, self._name)
        if wanted:
            self._job_queue.notify_outboxes([claim.partition])

    def _not_taken(self, claim: ForwardClaim, note: str, asked_s: float) -> None:
        forward = claim.forward
        wait_s = min(_FIRST_S * _FACTOR ** min(forward.tries, 10), _LONGEST_S)
        wait_s *= random.uniform(0.9, 1.1)  # noqa: S311 - so that messages do not keep step
        pause_s = self._pauses.failed(forward.entry.number, time.monotonic(), asked_s)
        later = msgspec.structs.replace(forward, tries=forward.tries + 1, note=note[:500])
        due_us = claim.now_us + int(max(wait_s, asked_s) * 1_000_000)
        if self._store.forwards.again(claim, later, due_us):
            self._store.metrics.count(FORWARDS, self._name, "not_taken")
        _log.warning(
            "forward was not taken",
            program=self._name,
            id=forward.id,
            problem=note,
            tries=later.tries,
            left_alone_s=round(pause_s),
        )


def _replies(claim: ForwardClaim, texts: list[str], answered_us: int) -> list[Reply]:
    """What the application said, each within five minutes of its answer."""
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
            deadline_us=answered_us + WINDOW_US,
            service=entry.service,
            channel=entry.channel,
        )
        for place, text in enumerate(texts, 1)
    ]


def _asked_for(answer: HttpReply) -> float:
    """Retry-After in seconds, where the application says that it has too much to do."""
    if answer.status not in (429, 503):
        return 0.0
    return min(retry_after_s(answer) or 0.0, _LONGEST_ASKED_S)
