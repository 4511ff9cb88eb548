"""Keeps the opt-outs of an account in agreement with its provider's own list.

What was done is remembered after each turn, so that a process that ends in between repeats the
calls of one turn at most; they change nothing twice.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog
from msgspec.structs import replace

from smsgate.consent.events import Event
from smsgate.domain.errors import CallFailed, CursorRefused, Unreadable
from smsgate.domain.messages import ALL, Arrival, HttpCall, HttpReply, Verdict
from smsgate.domain.phone import is_e164, masked
from smsgate.features.provider_lists.agreement import claims, is_settled, notices, opted_out_numbers
from smsgate.metrics.counters import OPT_OUT_LIST
from smsgate.metrics.snapshot import ListComparison, OptOutListState
from smsgate.outbound import Outbound
from smsgate.pipeline.history import History
from smsgate.providers import OPT_OUT_LISTS
from smsgate.providers.calls import retry_after_s
from smsgate.providers.opt_out_lists import OptOutListPage, OptOutNotice
from smsgate.records import Records
from smsgate.settings import Account, Settings
from smsgate.store.store import Store

READ_EVERY_S = 3600
"""From the beginning of one reading of the whole list to the next one, at least."""
IDLE_S = 10.0
"""Pause where there is nothing to tell and nothing to read."""
STANDBY_S = 10.0
"""A sixth of the time that the lease lasts."""
_FIRST_RETRY_S, _MAX_RETRY_S = 5.0, 900.0
_EVENTS_AT_ONCE = 500
_NUMBERS_AT_ONCE = 1_000
_log = structlog.get_logger("smsgate.opt_out_list")


class LeaseLost(Exception):
    """Another process has the list by now."""


@dataclass(frozen=True, slots=True)
class _Step:
    """A place in the records behind which reading goes on, and what to tell before it is left."""

    position: int
    """Of the newest event that is done then."""
    within: int = 0
    """Of the event after it, how many numbers are done then."""
    event: Event | None = None
    number: str = ""


@dataclass
class OptOutListSync:
    """Works on one account's list. Only one process at a time has its lease."""

    account: Account
    """It is usable, and its provider one of ``OPT_OUT_LISTS``."""
    now: Callable[[], float]
    """Gives seconds since 1970."""
    settings: Settings
    store: Store
    records: Records
    history: History
    outbound: Outbound

    def __post_init__(self) -> None:
        self._provider = OPT_OUT_LISTS[self.account.provider]
        self._access = self._provider.opt_out_list
        self._programs = [one for one in self.settings.programs if one.account == self.account.name]
        self._names = [one.name for one in self._programs]
        self._id = uuid.uuid4().hex
        self._before = self._state = OptOutListState()
        self._calls, self._has_failed = 0, False
        self._works = [self._tell] if self._access.holds_for else []
        self._works += [self._read] if self._access.is_readable else []

    def run_once(self) -> float:
        """Make the calls of one turn; returns the pause before the next one, in seconds.

        Raises ``StoreUnavailable``, ``StoreNotReady`` or ``RecordsUnavailable``: nothing is lost.
        """
        lists, name = self.store.opt_out_lists, self.account.name
        if not self.store.opt_out_list_lease.hold(self._id, name):
            return STANDBY_S
        found = lists.read(name)
        self._before = found or OptOutListState()
        wait_s = self._before.due_us / 1_000_000 - self.now()
        if wait_s > 0:
            return min(STANDBY_S, wait_s)
        self._state = replace(self._before, due_us=0)
        self._calls, self._has_failed = 0, False
        # By turns, so that neither a long list of theirs nor one of ours holds up the other.
        self._works.reverse()
        try:
            has_worked = any(work() for work in self._works)
        except LeaseLost:
            return STANDBY_S
        if self._calls and not self._has_failed:  # a turn without a call says nothing
            self._change(problem="", failing_since_us=0, failures=0)
        if self._state != found:
            lists.write(self._state, name)
        if self._has_failed:
            return min(STANDBY_S, self._state.due_us / 1_000_000 - self.now())
        if self._calls:
            return self._calls * 60.0 / self._access.calls_per_minute
        return 0.0 if has_worked and self._state.is_behind else IDLE_S

    def release(self) -> None:
        """Give up the lease, when no turn is under way. Raises ``StoreUnavailable``."""
        self.store.opt_out_list_lease.release(self._id, self.account.name)

    @property
    def _now_us(self) -> int:
        return int(self.now() * 1_000_000)

    def _change(self, **changed: object) -> None:
        self._state = replace(self._state, **changed)

    def _perform(self, call: HttpCall) -> HttpReply | None:
        """Make a call; None where no answer came, which is a failure of the turn."""
        if not self.store.opt_out_list_lease.hold(self._id, self.account.name):
            raise LeaseLost
        self._calls += 1
        try:
            return self.outbound.perform(call)
        except CallFailed as error:
            self._fail(str(error))
            return None

    def _fail(self, problem: str, answer: HttpReply | None = None) -> None:
        """Note a failure: the next turn waits, longer each time, or as long as it was asked to."""
        before = self._before
        asked_s = retry_after_s(answer) if answer is not None else None
        own_s = min(_FIRST_RETRY_S * 2.0 ** min(before.failures, 10), _MAX_RETRY_S)
        retry_s = max(own_s, min(asked_s or 0.0, _MAX_RETRY_S))
        if problem != before.problem:
            _log.warning("opt-out list waits", account=self.account.name, problem=problem)
        self._has_failed = True
        self._change(
            problem=problem,
            failing_since_us=before.failing_since_us or self._now_us,
            failures=before.failures + 1,
            due_us=self._now_us + int(retry_s * 1_000_000),
        )

    # --- the provider's list, read page by page ---------------------------------------------------

    def _read(self) -> bool:
        """Read a page of the list, if it is time. False where it is not."""
        reading, last = self._state.reading, self._state.comparison
        if reading is None:
            if last is not None and self.now() < last.at_s + READ_EVERY_S:
                return False
            reading = ListComparison(at_s=self.now())
            self._change(reading=reading, page="")
        page = self._page()
        if page is not None:
            reading = self._compare(page, reading)
            self._change(page=page.next_page, reading=reading if page.next_page else None)
            if not page.next_page:
                self._change(comparison=reading)
        return True

    def _page(self) -> OptOutListPage | None:
        """The next page; None where it cannot be read, which is a failure of the turn."""
        asked, page = self._state.page, None
        call = self._provider.opt_out_list_call(self.account, asked, self._now_us)
        answer = self._perform(call)
        if answer is None:
            return None
        problem = self._provider.opt_out_list_problem(answer)
        if 200 <= answer.status < 300:
            try:
                page = self._provider.opt_out_list_page(answer, self.account)
            except Unreadable as error:
                problem = f"its opt-out list cannot be read: {error}"
        if page is not None and page.next_page and page.next_page == asked:
            problem, page = "its opt-out list does not end: one page is its own next", None
        if page is None:
            self._fail(problem, answer)
        return page

    def _compare(self, page: OptOutListPage, reading: ListComparison) -> ListComparison:
        """Take what is not known here of a page; returns the comparison so far."""
        readable = [one for one in page.opt_outs if is_e164(one.number)]
        found = [(one, [*claims(one, self.account, self.settings.programs)]) for one in readable]
        ours = [(one, some) for one, some in found if some]
        numbers = [*dict.fromkeys(one.number for one, _ in ours)]
        states = self.store.numbers.consent_states_of(numbers, self._names)
        unknown = [
            (one, open_)
            for one, some in ours
            if (open_ := [it for it in some if not states[one.number].blocked(it.program.name)])
        ]
        numbers = [*dict.fromkeys(one.number for one, _ in unknown)]
        histories = self.history.of_numbers(numbers) if numbers else {}
        arrivals: dict[tuple[str, str], Arrival] = {}
        came_back = 0
        for listed, some in unknown:
            news = [one for one in some if one.is_news(histories[listed.number])]
            came_back += not news
            entries = [claim.entry(self.account) for claim in news]
            # One of scope ``all`` speaks for every program.
            for entry in [one for one in entries if one.scope == ALL][:1] or entries:
                arrival = Arrival(entry, sent_us=listed.at_us or None)
                arrivals.setdefault((listed.number, entry.scope), arrival)
        if arrivals:  # from here on they block
            added = self.store.inbox.add([*arrivals.values()])
            taken = sum(not one.duplicate for one in added)
            self._change(taken=self._state.taken + taken)
            self.store.metrics.count(OPT_OUT_LIST, self.account.name, "taken", times=taken)
        return replace(
            reading,
            listed=reading.listed + len(page.opt_outs),
            there_only=reading.there_only + came_back,
            foreign=reading.foreign + len(found) - len(ours),
            unreadable=reading.unreadable + len(page.opt_outs) - len(readable),
        )

    # --- opt-outs of ours, told from the records --------------------------------------------------

    def _tell(self) -> bool:
        """Tell the provider what one or more calls hold. False where there is nothing to do."""
        if self.records.database.absent:
            return False
        steps, is_behind = self._steps()
        numbers = [step.number for step in steps if step.number]
        states = self.store.numbers.consent_states_of(numbers, self._names)
        asked: list[tuple[_Step, list[OptOutNotice]]] = []
        told: list[OptOutNotice] = []
        for step in steps:
            wanted = list[OptOutNotice]()
            if step.event is not None:
                about = (step.event, step.number, states[step.number], self._access, self.account)
                wanted = notices(*about, self._programs)
            if told and len(told) + len(wanted) > self._access.notices_per_call:
                is_behind = True
                break
            told += wanted
            asked.append((step, wanted))
        settled = self._send(told)
        for step, wanted in asked:
            if not settled.issuperset(one.id for one in wanted):
                is_behind = True
                break
            self._change(position=step.position, within=step.within)
        self._change(is_behind=is_behind)
        return bool(asked)

    def _steps(self) -> tuple[list[_Step], bool]:
        """The next steps through the records, in order, and whether there are more behind them."""
        reader, begin, steps = self.records.reader, self._state.position, list[_Step]()
        try:
            events = reader.after(begin, _EVENTS_AT_ONCE)
        except CursorRefused as error:
            _log.warning("list is told anew", account=self.account.name, problem=str(error))
            self._change(position=0, within=0)
            events = reader.after(0, _EVENTS_AT_ONCE)
        is_behind = len(events) == _EVENTS_AT_ONCE
        for one in events:
            if not is_settled(one.event, self._now_us):
                is_behind = True
                break
            numbers = opted_out_numbers(one.event, self.account)
            skipped = self._state.within if one.position == begin + 1 else 0
            for at, number in enumerate(numbers[skipped:], skipped + 1):
                steps.append(_Step(one.position - 1, at, one.event, number))
            steps.append(_Step(one.position))
        return steps[:_NUMBERS_AT_ONCE], is_behind or len(steps) > _NUMBERS_AT_ONCE

    def _send(self, wanted: Sequence[OptOutNotice]) -> set[str]:
        """Tell the provider; returns the ids of the notices that are settled."""
        settled, size = set[str](), self._access.notices_per_call
        chunks = [wanted[at : at + size] for at in range(0, len(wanted), size)]
        while chunks and not self._has_failed:
            chunk = chunks.pop(0)
            answer = self._perform(self._provider.opt_out_call(chunk, self.account, self._now_us))
            if answer is None:
                break
            results = self._provider.opt_out_results(answer, chunk)
            for notice, (verdict, note) in zip(chunk, results, strict=True):
                if verdict is Verdict.UNKNOWN:  # one of several may be at fault: find out which
                    chunks.append([notice])
                elif verdict is Verdict.NOT_ACCEPTED:
                    self._fail(note, answer)
                else:
                    settled.add(notice.id)
                    self._count_result(notice, verdict, note)
        return settled

    def _count_result(self, notice: OptOutNotice, verdict: Verdict, note: str) -> None:
        name = self.account.name
        if verdict is Verdict.SENT:
            self._change(reported=self._state.reported + 1)
            self.store.metrics.count(OPT_OUT_LIST, name, "reported")
            return
        refusals = self._state.refusals
        self._change(refusals={**refusals, note: refusals.get(note, 0) + 1})
        self.store.metrics.count(OPT_OUT_LIST, name, "refused")
        _log.warning(
            "provider does not take an opt-out",
            account=name,
            number=masked(notice.number),
            sender=notice.sender,
            problem=note,
        )
