"""Reads a provider's own list of opt-outs, and takes what is not known here."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from smsgate.domain.errors import Unreadable
from smsgate.domain.messages import ALL, Arrival, HttpReply
from smsgate.domain.phone import is_e164
from smsgate.features.provider_lists.agreement import ListClaim, claims
from smsgate.features.provider_lists.list_session import ListSession
from smsgate.metrics.counters import OPT_OUT_LIST
from smsgate.metrics.snapshot import ListComparison
from smsgate.process.services import Services
from smsgate.providers import OPT_OUT_LISTS
from smsgate.providers.opt_out_lists import ListedOptOut, OptOutListPage
from smsgate.settings import Account

READ_EVERY_S = 3600
"""From the beginning of one reading of the whole list to the next one, at least."""


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
        state = session.state
        reading = state.reading
        if reading is None:
            last, now_s = state.comparison, session.now_us / 1_000_000
            if last is not None and now_s < last.at_s + READ_EVERY_S:
                return False
            reading = ListComparison(at_s=now_s)
            session.change(reading=reading, page="")
        asked = session.state.page
        call = self._provider.opt_out_list_call(self._account, asked, session.now_us)
        answer = session.perform(call)
        page = self._page(answer, asked, session) if answer is not None else None
        if page is None:
            return True
        reading, taken = self._compared(page, reading)
        session.change(page=page.next_page, taken=state.taken + taken)
        if page.next_page:
            session.change(reading=reading)
        else:
            session.change(reading=None, comparison=reading)
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
        store, programs = self._services.store, self._services.settings.programs
        readable = [one for one in page.opt_outs if is_e164(one.number)]
        found = [(one, [*claims(one, self._account, programs)]) for one in readable]
        ours = [(one, some) for one, some in found if some]
        numbers = [*dict.fromkeys(one.number for one, _ in ours)]
        states = store.numbers.consent_states_of(numbers, self._names)
        unknown = [
            (one, news)
            for one, some in ours
            if (news := [claim for claim in some if not claim.is_known(states[one.number])])
        ]
        arrivals, there_only = self._arrivals(unknown)
        taken = 0
        if arrivals:  # from here on they block
            added = store.inbox.add(arrivals)
            taken = sum(not one.duplicate for one in added)
            store.metrics.count(OPT_OUT_LIST, self._account.name, "taken", times=taken)
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
