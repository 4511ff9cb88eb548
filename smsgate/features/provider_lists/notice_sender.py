"""Tells a provider which numbers opted out here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import structlog

from smsgate.consent.events import Event
from smsgate.domain.errors import CursorRefused
from smsgate.domain.messages import Verdict
from smsgate.domain.phone import masked
from smsgate.features.provider_lists.agreement import is_settled, notices, opted_out_numbers
from smsgate.features.provider_lists.list_session import ListSession
from smsgate.metrics.counters import OPT_OUT_LIST
from smsgate.metrics.snapshot import OptOutListState
from smsgate.process.services import Services
from smsgate.providers import OPT_OUT_LISTS
from smsgate.providers.opt_out_lists import OptOutNotice
from smsgate.records.event_reader import EventReader, Position
from smsgate.settings import Account

_EVENTS_AT_ONCE = 500
_NUMBERS_AT_ONCE = 1_000
_log = structlog.get_logger("smsgate.opt_out_list")


@dataclass(frozen=True, slots=True)
class _Step:
    """A place in the records behind which reading goes on, and what to tell before it is left."""

    partition: int
    position: int
    """Number of the newest event that is done then."""
    within: int = 0
    """Of the event after it, how many numbers are done then."""
    event: Event | None = None
    number: str = ""


class NoticeSender:
    """Reads the records from where it stopped, and adds what they say to the provider's list."""

    def __init__(self, account: Account, services: Services) -> None:
        self._account = account
        self._services = services
        self._provider = OPT_OUT_LISTS[account.provider]
        self._access = self._provider.opt_out_list
        self._programs = [one for one in services.settings.programs if one.account == account.name]
        self._events = EventReader(services.records.database)

    def run(self, session: ListSession) -> bool:
        """Tell the provider what one or more calls hold. False where there is nothing to do."""
        if not self._access.holds_for or self._services.records.absent:
            return False
        steps, more = self._steps(session)
        told: list[OptOutNotice] = []
        done: list[_Step] = []
        states = self._services.store.numbers.consent_states_of(
            [step.number for step in steps if step.number], [one.name for one in self._programs]
        )
        for step in steps:
            wanted = list[OptOutNotice]()
            if step.event is not None:
                state = states[step.number]
                about = (step.event, step.number, state, self._access, self._account)
                wanted = notices(*about, self._programs)
            if told and len(told) + len(wanted) > self._access.notices_per_call:
                more = True
                break
            told += wanted
            done.append(step)
        sent = self._send(told, session)
        for step in done:
            if any(one.number == step.number and one.id not in sent for one in told):
                more = True
                break
            session.state = _moved(session.state, step)
        session.change(is_behind=more)
        session.is_busy = bool(done) and more
        return bool(done)

    def _steps(self, session: ListSession) -> tuple[list[_Step], bool]:
        """The next steps through the records, in order, and whether there are more behind them."""
        state = session.state
        position: Position = state.position
        try:
            batch = self._events.after(position, _EVENTS_AT_ONCE)
        except CursorRefused as error:
            _log.warning("list is told anew", account=self._account.name, problem=str(error))
            batch = self._events.after({}, _EVENTS_AT_ONCE)
            position, state = {}, msgspec.structs.replace(state, within={})
        steps: list[_Step] = []
        young: set[int] = set()
        for one in batch.events:
            if one.partition in young:
                continue
            if not is_settled(one.event, session.now_us):
                young.add(one.partition)
                continue
            numbers = opted_out_numbers(one.event, self._account)
            is_first = position.get(one.partition, 0) == one.seq - 1
            skipped = state.within.get(one.partition, 0) if is_first else 0
            for at, number in enumerate(numbers[skipped:], skipped + 1):
                steps.append(_Step(one.partition, one.seq - 1, at, one.event, number))
            steps.append(_Step(one.partition, one.seq))
        # Events that retention removed are passed over.
        for partition, seq in batch.position.items():
            if partition not in young and seq > position.get(partition, 0):
                steps.append(_Step(partition, seq))
        return steps[:_NUMBERS_AT_ONCE], batch.more or bool(young) or len(steps) > _NUMBERS_AT_ONCE

    def _send(self, wanted: Sequence[OptOutNotice], session: ListSession) -> set[str]:
        """Tell the provider; returns the ids of the notices that are settled."""
        settled: set[str] = set()
        size = self._access.notices_per_call
        chunks = [wanted[at : at + size] for at in range(0, len(wanted), size)]
        while chunks and not session.failure:
            chunk = chunks.pop(0)
            call = self._provider.opt_out_call(chunk, self._account, session.now_us)
            answer = session.perform(call)
            if answer is None:
                break
            results = self._provider.opt_out_results(answer, chunk)
            for notice, (verdict, note) in zip(chunk, results, strict=True):
                if verdict is Verdict.UNKNOWN:  # one of several may be at fault: find out which
                    chunks.append([notice])
                elif verdict is Verdict.NOT_ACCEPTED:
                    session.fail(note, answer)
                else:
                    settled.add(notice.id)
                    self._count_result(notice, verdict, note, session)
        return settled

    def _count_result(
        self, notice: OptOutNotice, verdict: Verdict, note: str, session: ListSession
    ) -> None:
        if verdict is Verdict.SENT:
            session.change(reported=session.state.reported + 1)
            self._services.store.metrics.count(OPT_OUT_LIST, self._account.name, "reported")
            return
        session.refuse(note)
        self._services.store.metrics.count(OPT_OUT_LIST, self._account.name, "refused")
        _log.warning(
            "provider does not take an opt-out",
            account=self._account.name,
            number=masked(notice.number),
            sender=notice.sender,
            problem=note,
        )


def _moved(state: OptOutListState, step: _Step) -> OptOutListState:
    """The state once a step is done."""
    position = {**state.position, step.partition: step.position}
    within = {key: value for key, value in state.within.items() if key != step.partition}
    if step.within:
        within[step.partition] = step.within
    return msgspec.structs.replace(
        state,
        position={key: value for key, value in position.items() if value},
        within=within,
    )
