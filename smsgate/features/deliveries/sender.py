"""Posts the deliveries of one destination: at least once, in order per number, for a day.

A process that holds the destination's lease makes its calls, several at once. A delivery's row goes
once its call was accepted, so whatever happens to the process, the next one calls again, under the
same id. One that is not accepted holds back later ones of its number and nothing else. After a day
it has failed and waits for a person. How this fits together: docs/decisions/0021-deliveries.md.
"""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace

import structlog

from smsgate.domain.errors import AccountNotReady, CallFailed, StoreUnavailable
from smsgate.domain.messages import HttpCall, HttpReply
from smsgate.features.deliveries.pause import Pause
from smsgate.metrics.counters import DELIVERED_S, DELIVERIES, DELIVERY_S
from smsgate.outbound import Outbound
from smsgate.providers.calls import retry_after_s
from smsgate.providers.shared_schemes import standard_webhook_headers
from smsgate.records.deliveries import Delivery, DeliveryStorage, Destination
from smsgate.settings import Application, Feed, Program
from smsgate.store.metrics import Metrics

MAX_CALLS = {"text": 64, "change": 8}
"""Calls of a destination under way at once, by its kind."""
IDLE_S = 0.3
"""Pause before the next turn where nothing was due."""
FAILED_AFTER_S = 24 * 3600
LEASE_S = 30.0
_RENEW_S = 5.0
"""A call takes at most 22 s, so that none is under way when the lease ends."""
_FIRST_RETRY_S, _RETRY_FACTOR, _MAX_RETRY_S = 5.0, 3.0, 600.0
_MAX_ASKED_S = 3600.0

_log = structlog.get_logger("smsgate.deliveries")


class Source:
    """Where a destination's deliveries come from, and how they are posted."""

    def __init__(self, program: Program) -> None:
        self.program = program

    def start(self) -> int:
        """The position behind which a destination begins that is new."""
        return 0

    def read(self, now_us: int) -> bool:
        """Add deliveries; whether there are more to add now. Raises ``RecordsUnavailable``."""
        del now_us
        return False

    def call_for(self, delivery: Delivery, now_s: int) -> HttpCall:
        """The signed call. Raises ``AccountNotReady``."""
        raise NotImplementedError

    def accept(self, delivery: Delivery, answer: HttpReply, now_us: int) -> None:
        """Do what follows from an accepted call, once. Raises ``StoreUnavailable``."""


def signed_call(receiver: Feed | Application, id_: str, now_s: int, body: bytes) -> HttpCall:
    """The call that posts JSON to a receiver by Standard Webhooks, signed with each secret."""
    secrets = [one.get_secret_value() for one in receiver.secrets]
    headers = standard_webhook_headers(id_, str(now_s), body, secrets)
    return HttpCall("POST", receiver.url, headers, body)


@dataclass(frozen=True, slots=True)
class _Outcome:
    delivery: Delivery
    began: float
    problem: str = ""
    """Empty where it was accepted."""
    asked_s: float = 0.0
    """How long the receiver asks to be left alone."""


class DeliverySender:
    """Sends to one destination. One thread calls its methods; the calls run in others."""

    def __init__(
        self,
        where: Destination,
        source: Source,
        storage: DeliveryStorage,
        outbound: Outbound,
        metrics: Metrics,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._where = where
        self._source = source
        self._storage = storage
        self._outbound = outbound
        self._metrics = metrics
        self._now = now
        self._id = uuid.uuid4().hex
        self._lease_until = 0.0
        self._pause = Pause(MAX_CALLS[where.kind])
        self._threads = ThreadPoolExecutor(MAX_CALLS[where.kind], f"{where.program} {where.kind}")
        self._under_way: dict[str, Future[_Outcome]] = {}
        """Calls whose outcome the table does not have yet, by id of the delivery."""

    def run_once(self) -> float:
        """Note how calls ended and begin others; returns the pause before the next turn.

        Raises ``RecordsUnavailable``.
        """
        self._note_outcomes()
        if not self._has_lease():
            return LEASE_S / 6
        more = self._source.read(_us(self._now()))
        begun = self._begin_calls()
        if self._under_way:
            self._note_outcomes(wait_s=IDLE_S)
            return 0.0
        return 0.0 if more or begun else IDLE_S

    def close(self) -> None:
        """Let the calls under way end, note how, and let another process have the destination.

        Raises as ``run_once``.
        """
        self._threads.shutdown(wait=True)
        self._outbound.close()
        self._note_outcomes()
        if self._lease_until:
            self._storage.acquire(self._where, self._id, _us(self._now()), 0, 0)
            self._lease_until = 0.0

    def _has_lease(self) -> bool:
        now = self._now()
        if now < self._lease_until - (LEASE_S - _RENEW_S):
            return True
        if formerly := self._source.program.formerly:
            self._storage.take_over(self._where, formerly)
        start = self._source.start() if self._storage.position(self._where) is None else 0
        until = now + LEASE_S
        acquired = self._storage.acquire(self._where, self._id, _us(now), _us(until), start)
        self._lease_until = until if acquired else 0.0
        return acquired

    def _begin_calls(self) -> int:
        now = self._now()
        free = self._pause.capacity(now) - len(self._under_way)
        if free <= 0:
            return 0
        due = self._storage.due(self._where, _us(now), free + len(self._under_way))
        begun = [one for one in due if one.id not in self._under_way][:free]
        self._under_way |= {one.id: self._threads.submit(self._call, one) for one in begun}
        return len(begun)

    def _call(self, delivery: Delivery) -> _Outcome:
        """Make a call, in a thread of its own."""
        began = self._now()
        try:
            call = self._source.call_for(delivery, int(began))
            answer = self._outbound.perform(call)
            took_s = self._now() - began
            self._metrics.took(DELIVERY_S, took_s, delivery.program, delivery.kind)
            if 200 <= answer.status < 300:
                self._source.accept(delivery, answer, _us(began + took_s))
                return _Outcome(delivery, began)
        except (AccountNotReady, CallFailed, StoreUnavailable) as error:
            return _Outcome(delivery, began, str(error))
        except Exception as error:  # noqa: BLE001 - a fault of ours must not stop the others
            _log.error("delivery failed", id=delivery.id, exc_info=error)
            return _Outcome(delivery, began, "smsgate could not make the call; its log says why")
        asked_s = (retry_after_s(answer) or 0.0) if answer.status in (429, 503) else 0.0
        problem = f"answered {answer.status}"
        return _Outcome(delivery, began, problem, min(asked_s, _MAX_ASKED_S))

    def _note_outcomes(self, wait_s: float = 0.0) -> None:
        """Write how calls ended to the table, after waiting for one.

        Where the table cannot be written, the next turn does it.
        """
        wait(self._under_way.values(), wait_s, FIRST_COMPLETED)
        outcomes = [one.result() for one in self._under_way.values() if one.done()]
        if not outcomes:
            return
        now = self._now()
        later = {one.delivery.id: _later(one, now) for one in outcomes if one.problem}
        accepted = [one.delivery.id for one in outcomes if not one.problem]
        self._storage.settle(accepted, later.values())
        for one in outcomes:
            del self._under_way[one.delivery.id]
            self._report(one, later.get(one.delivery.id), now)

    def _report(self, outcome: _Outcome, later: Delivery | None, now: float) -> None:
        """Tell the pause, the metrics and the log how a call ended."""
        delivery = outcome.delivery
        labels = delivery.program, delivery.kind
        if later is None:
            self._pause.succeeded()
            self._metrics.count(DELIVERIES, *labels, "accepted")
            self._metrics.took(DELIVERED_S, max(now - delivery.made_us / 1_000_000, 0.0), *labels)
            return
        self._pause.failed(delivery.number or delivery.id, outcome.began, now, outcome.asked_s)
        self._metrics.count(DELIVERIES, *labels, "failed" if later.failed else "not_accepted")
        _log.warning(
            "delivery was not accepted",
            program=delivery.program,
            kind=delivery.kind,
            id=delivery.id,
            problem=outcome.problem,
            tries=later.tries,
            failed=later.failed,
        )


def _later(outcome: _Outcome, now: float) -> Delivery:
    """A delivery that was not accepted, to be tried again or failed after a day."""
    delivery = outcome.delivery
    retry_s = min(_FIRST_RETRY_S * _RETRY_FACTOR ** min(delivery.tries, 10), _MAX_RETRY_S)
    retry_s *= random.uniform(0.9, 1.1)  # noqa: S311 - spreads what failed together
    return replace(
        delivery,
        tries=delivery.tries + 1,
        due_us=_us(now + max(retry_s, outcome.asked_s)),
        failed=now - delivery.made_us / 1_000_000 >= FAILED_AFTER_S,
        note=outcome.problem,
    )


def _us(seconds: float) -> int:
    return int(seconds * 1_000_000)
