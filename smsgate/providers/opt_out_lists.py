"""What a provider can be asked that keeps an opt-out list of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from smsgate.domain.messages import HttpCall, HttpReply, Verdict
from smsgate.providers.base import Provider
from smsgate.providers.calls import Meaning
from smsgate.settings import Account


@dataclass(frozen=True, slots=True)
class OptOutListAccess:
    """What a provider lets its customers do with the list."""

    is_readable: bool
    holds_for: Literal["", "sender", "account"]
    """For whom an opt-out that we add holds: for one sender of ours, or for all senders of the
    account. Empty where none can be added."""
    notices_per_call: int = 1
    """Opt-outs that one call can add."""
    calls_per_minute: int = 60
    """How often the list is called at most, in both directions together."""


@dataclass(frozen=True, slots=True)
class ListedOptOut:
    """An opt-out on a provider's list."""

    number: str
    sender: str = ""
    """Our number or short code that it holds for; empty where it holds for the whole account."""
    service: str = ""
    """The provider's messaging service or profile, where the list names one."""
    at_us: int = 0
    """Since when; 0 where the list does not say."""
    by_api: bool = False
    """Whether a program or a person of ours added it, and no text of the subscriber."""


@dataclass(frozen=True, slots=True)
class OptOutListPage:
    """One page of a provider's list."""

    opt_outs: tuple[ListedOptOut, ...]
    next_page: str = ""
    """What the call for the next page is given; empty after the last page."""


@dataclass(frozen=True, slots=True)
class OptOutNotice:
    """An opt-out that is to be added to a provider's list."""

    id: str
    """32 hexadecimal digits, the same for each try and for no other notice."""
    number: str
    sender: str
    """Our number, short code or messaging service; empty where the list is the account's."""
    at_us: int
    """Since when it holds."""
    source: str
    """As ``Entry.source``: ``text``, ``operator``, ``link``, ``import``, ``api`` …"""


class OptOutListProvider(Provider):
    """A provider whose documentation shows calls that read its list, or add to it.

    As all of a provider, the methods describe calls and understand responses. ``now_us`` is for
    schemes that sign a time.
    """

    opt_out_list: ClassVar[OptOutListAccess]
    """What it lets us do; the methods for the rest are never called."""

    def opt_out_list_call(self, account: Account, page: str, now_us: int) -> HttpCall:
        """Describe the call for one page of the list.

        ``page`` is empty for the first one, and then ``OptOutListPage.next_page``.
        """
        raise NotImplementedError

    def opt_out_list_page(self, response: HttpReply, account: Account) -> OptOutListPage:
        """Read a successful answer to that call. Raises ``Unreadable``."""
        raise NotImplementedError

    def opt_out_call(
        self, notices: Sequence[OptOutNotice], account: Account, now_us: int
    ) -> HttpCall:
        """Describe the call that adds opt-outs to the list, ``notices_per_call`` at most.

        Repeating it must add nothing twice and lift nothing.
        """
        raise NotImplementedError

    def opt_out_results(
        self, response: HttpReply, notices: Sequence[OptOutNotice]
    ) -> list[Meaning]:
        """Return what became of each notice, and that in our words.

        ``SENT``: it is on the list. ``REFUSED``: it never will be. ``NOT_ACCEPTED``: it may be
        tried again. ``UNKNOWN``: the call was refused as a whole, for what may be the fault of one
        of several notices. Here by the status alone.
        """
        status = response.status
        if 200 <= status < 300 or status == 409:  # a conflict: it is there already
            meaning = Verdict.SENT, ""
        elif status in (400, 422):
            verdict = Verdict.REFUSED if len(notices) == 1 else Verdict.UNKNOWN
            meaning = verdict, f"{self.label} answered {status}: it does not take the number"
        else:
            meaning = Verdict.NOT_ACCEPTED, self.opt_out_list_problem(response)
        return [meaning] * len(notices)

    def opt_out_list_problem(self, response: HttpReply) -> str:
        """Say why a call of the list was answered with no success, in our words."""
        words = {
            401: "the credentials are wrong",
            403: "these credentials may not use the opt-out list",
            404: "there is no such opt-out list",
            429: "too many requests",
        }.get(response.status, "the opt-out list cannot be used now")
        return f"{self.label} answered {response.status}: {words}"
