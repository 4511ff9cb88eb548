"""Which opt-outs a provider is told, and which of its list are taken. Pure.

Opt-outs flow in both directions, and nothing else does: a START is told to no provider, and an
entry that a list lacks lifts nothing here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from smsgate.consent.events import ConsentState, Event
from smsgate.consent.list_import import event_for
from smsgate.domain.messages import ALL, REPLY_WINDOW_US, Decision, Entry, Intent
from smsgate.providers.opt_out_lists import ListedOptOut, OptOutListAccess, OptOutNotice
from smsgate.settings import ANY_SENDER, Account, Program, Programs

RULE = "provider_list"
"""The rule of opt-outs that were taken from a provider's list."""
_TELLING_US = 600 * 1_000_000
"""How long an opt-out may take at most from the look at its number until the provider has it."""


# --- what the provider is told --------------------------------------------------------------------


def is_settled(event: Event, now_us: int) -> bool:
    """Whether the confirmation of an opt-out by text has left, or never will.

    A provider that had the opt-out before would refuse the confirmation.
    """
    entry = event.entry
    by_text = entry is not None and entry.source == "text"
    return not by_text or event.applied_us + REPLY_WINDOW_US <= now_us


def opted_out_numbers(event: Event, account: Account) -> tuple[str, ...]:
    """The numbers that an event opted out, unless this account's provider said so itself."""
    entry = event.entry
    if entry is None or event.reply is not None or not entry.decision.intent.stops:
        return ()
    if entry.source == "provider" and entry.account == account.name:
        return ()
    if event.listed:
        changed = [group for group in event.listed if group.outcome == "applied"]
        return tuple(number for group in changed for number in group.numbers)
    return (event.number,) if event.outcome == "applied" and event.number and entry.phone else ()


def notices(
    event: Event,
    number: str,
    consent_state: ConsentState,
    access: OptOutListAccess,
    account: Account,
    programs: Iterable[Program],
) -> list[OptOutNotice]:
    """What the provider is told of an opt-out, as far as it still holds.

    Args:
        event: the opt-out.
        number: one of those that it opted out.
        consent_state: how the number stands now.
        access: for whom an opt-out on the list holds. Where that is the whole account, it is told
            only once no program of the account may text the number.
        account: whose list it is.
        programs: those of the account.
    """
    part = event_for(event, number) or event
    blocked = [one for one in programs if consent_state.blocked(one.name)]
    if access.holds_for == "account":
        senders = [""] if blocked and len(blocked) == len([*programs]) else []
    else:
        named = [sender for one in blocked for sender in one.senders if sender != ANY_SENDER]
        senders = [*dict.fromkeys(named)]
    entry, answered = event.entry, set[str]()
    if entry is not None and entry.account == account.name and entry.answered:
        # The provider answered this very text, and so has it.
        answered = {"", entry.sender, entry.service}
    return [
        OptOutNotice(
            id=_digest(account.name, event.id, number, sender),
            number=number,
            sender=sender,
            at_us=part.event_time_us or part.received_us or part.applied_us,
            source=entry.source if entry is not None else "",
        )
        for sender in senders
        if sender not in answered
    ]


# --- what is taken from its list ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ListClaim:
    """What an entry of a provider's list says of one program."""

    listed: ListedOptOut
    program: Program

    @property
    def message_id(self) -> str:
        """The same for the same entry, however often the list is read."""
        one = self.listed
        about = (one.number, one.sender, one.service, str(one.at_us), self.program.name)
        return f"listed-{_digest(*about)}"

    def is_news(self, history: Sequence[Event]) -> bool:
        """Whether it opts the number out, which the program may text.

        Not where the number came back after it, nor where it was taken before. ``history``: the
        events of the number.
        """
        return not any(self._is_settled_by(event) for event in history)

    def _is_settled_by(self, event: Event) -> bool:
        entry = event.entry
        if entry is None or event.reply is not None:
            return False
        if entry.source == "provider" and entry.message_id == self.message_id:
            return True
        came_back = (
            entry.decision.intent is Intent.OPT_IN
            and entry.action in ("", "restore")
            and event.program in (ALL, self.program.name)
            and event.after == "allowed"
        )
        # What we told the provider just before a START came is no newer than that START.
        at_us = self.listed.at_us - (_TELLING_US if self.listed.by_api else 0)
        return came_back and self.listed.at_us > 0 and event.event_time_us > at_us

    def entry(self, account: Account) -> Entry:
        """The opt-out, for the inbox."""
        return Entry(
            number=self.listed.number,
            program=self.program.name,
            decision=Decision(
                Intent.OPT_OUT, rule=RULE, note="it is on the provider's own opt-out list"
            ),
            scope=self.program.stop_scope,
            source="provider",
            actor="provider",
            account=account.name,
            message_id=self.message_id,
            sender=self.listed.sender,
            service=self.listed.service,
        )


def claims(listed: ListedOptOut, account: Account, programs: Programs) -> Iterator[ListClaim]:
    """What an entry of the list says of programs: of that of its sender, or of all of the account.

    Nothing where no program has the sender.
    """
    if listed.sender or listed.service:
        program = programs.route(account, listed.sender, listed.service)
        if program is not None:
            yield ListClaim(listed, program)
        return
    yield from (ListClaim(listed, one) for one in programs if one.account == account.name)


def _digest(*about: str) -> str:
    return blake2b("\n".join(about).encode(), digest_size=16).hexdigest()
