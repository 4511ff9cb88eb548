"""Reads a provider's own list of opt-outs, and takes what is not known here."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import msgspec

from smsgate.domain.errors import Unreadable
from smsgate.domain.messages import ALL, Arrival, HttpReply
from smsgate.domain.phone import is_e164
from smsgate.features.provider_lists.agreement import ListClaim, claims
from smsgate.features.provider_lists.list_session import ListSession
from smsgate.metrics.counters import OPT_OUT_LIST
from smsgate.metrics.snapshot import ListComparison
from smsgate.pipeline.services import Services
from smsgate.providers import OPT_OUT_LISTS
from smsgate.providers.opt_out_lists import ListedOptOut, OptOutListPage
from smsgate.settings import Account
from smsgate.store.keys import PARTITIONS

READ_EVERY_S = 3600
"""From the beginning of one reading of the whole list to the next one, at least."""
_NUMBERS_AT_ONCE = 1_000


class ListReader:
    """Reads the list page by page, and compares each with what is known here."""

    def __init__(self, account: Account, services: Services) -> None:
        self._account = account
        self._services = services
        self._provider = OPT_OUT_LISTS[account.provider]
        self._names = [
            one.name for one in services.settings.programs if one.account == account.name
        ]

    def run(self, session: ListSession) -> bool:
        """Read a page of the list. False where it cannot be read, or is not to be read yet."""
        lists, state = self._services.store.opt_out_lists, session.state
        reading = state.reading
        if reading is None:
            last = state.comparison
            if last is not None and session.now_us / 1_000_000 < last.at_s + READ_EVERY_S:
                return False
            lists.clear_listed(self._account.name)
            reading = ListComparison(at_s=session.now_us / 1_000_000)
            session.change(reading=reading, page="")
            state = session.state
        call = self._provider.opt_out_list_call(self._account, state.page, session.now_us)
        answer = session.perform(call)
        page = self._page(answer, state.page, session) if answer is not None else None
        if page is None:
            return True
        reading, taken = self._compared(page, reading)
        if page.next_page:
            session.change(page=page.next_page, reading=reading, taken=state.taken + taken)
            return True
        comparison = msgspec.structs.replace(reading, here_only=self._count_here_only(session))
        lists.clear_listed(self._account.name)
        session.change(page="", reading=None, comparison=comparison, taken=state.taken + taken)
        return True

    def _page(self, answer: HttpReply, asked: str, session: ListSession) -> OptOutListPage | None:
        """The page in an answer; None where it has none, which is a failure of the turn."""
        if not 200 <= answer.status < 300:
            session.fail(self._provider.opt_out_list_problem(answer), answer)
            return None
        try:
            page = self._provider.opt_out_list_page(answer, self._account)
        except Unreadable as error:
            session.fail(f"its opt-out list cannot be read: {error}", answer)
            return None
        if page.next_page and page.next_page == asked:
            session.fail("its opt-out list does not end: one page is its own next", answer)
            return None
        return page

    def _compared(
        self, page: OptOutListPage, reading: ListComparison
    ) -> tuple[ListComparison, int]:
        """Compare a page; returns the comparison so far, and how many opt-outs were taken."""
        readable = [one for one in page.opt_outs if is_e164(one.number)]
        programs = self._services.settings.programs
        found = [(one, [*claims(one, self._account, programs)]) for one in readable]
        ours = [(one, some) for one, some in found if some]
        numbers = [*dict.fromkeys(one.number for one, _ in ours)]
        self._services.store.opt_out_lists.add_listed(self._account.name, numbers)
        states = self._services.store.numbers.consent_states_of(numbers, self._names)
        unknown = [
            (one, [claim for claim in some if not claim.is_known(states[one.number])])
            for one, some in ours
        ]
        unknown = [(one, some) for one, some in unknown if some]
        arrivals, there_only = self._arrivals(unknown)
        taken = self._add(arrivals)
        reading = msgspec.structs.replace(
            reading,
            listed=reading.listed + len(page.opt_outs),
            there_only=reading.there_only + there_only,
            foreign=reading.foreign + len(found) - len(ours),
            unreadable=reading.unreadable + len(page.opt_outs) - len(readable),
        )
        return reading, taken

    def _arrivals(
        self, unknown: Sequence[tuple[ListedOptOut, list[ListClaim]]]
    ) -> tuple[list[Arrival], int]:
        """The opt-outs to take, and of how many entries there are none: the number came back."""
        numbers = [*dict.fromkeys(one.number for one, _ in unknown)]
        histories = self._services.history.of_numbers(numbers) if numbers else {}
        arrivals: dict[tuple[str, str], Arrival] = {}
        there_only = 0
        for listed, some in unknown:
            news = [claim for claim in some if claim.is_news(histories[listed.number])]
            there_only += not news
            entries = [claim.entry(self._account) for claim in news]
            # One of scope ``all`` speaks for every program.
            for entry in [one for one in entries if one.scope == ALL][:1] or entries:
                arrival = Arrival(entry, sent_us=listed.at_us or None)
                arrivals.setdefault((listed.number, entry.scope), arrival)
        return [*arrivals.values()], there_only

    def _add(self, arrivals: Sequence[Arrival]) -> int:
        """Put opt-outs into the inbox; from then on they block. Returns how many were new."""
        if not arrivals:
            return 0
        added, partitions = self._services.store.inbox.add(arrivals)
        self._services.job_queue.notify_inboxes(partitions)
        taken = sum(not one.duplicate for one in added)
        self._services.store.metrics.count(OPT_OUT_LIST, self._account.name, "taken", times=taken)
        return taken

    def _count_here_only(self, session: ListSession) -> int | None:
        """Count the numbers that a program of the account may not text and the list lacks."""
        records, lists = self._services.records, self._services.store.opt_out_lists
        if records.absent:
            return None
        count = 0
        for partition in range(PARTITIONS):
            session.keep_lease()
            blocked = self._blocked_numbers(partition)
            while some := [*itertools.islice(blocked, _NUMBERS_AT_ONCE)]:
                count += lists.count_unlisted(self._account.name, some)
        return count

    def _blocked_numbers(self, partition: int) -> Iterator[str]:
        for one in self._services.records.reader.numbers(partition):
            if any(one.consent_state.blocked(name) for name in self._names):
                yield one.number
