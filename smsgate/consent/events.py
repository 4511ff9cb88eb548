"""What is known of a number's consent, and what happened to it: values only."""

from __future__ import annotations

import functools
from hashlib import blake2b
from typing import Literal, NamedTuple

import msgspec

from smsgate.domain.entry_parts import SetMembership
from smsgate.domain.messages import ALL, Entry, Reply

OPTED_OUT, LOCKED, CONSENT, EXCEPTION = "opted_out", "locked", "consent", "exception"
"""States of a membership; ``exception``: the program may text although ``all`` is opted out."""


class MembershipKey(NamedTuple):
    """One set that a number is in."""

    state: str
    scope: str
    """A program's name, or ``all``."""


class PublishedProgram(msgspec.Struct, frozen=True):
    """What the gate in another process needs to know of a program."""

    kind: Literal["marketing", "service"] = "marketing"
    scope: Literal["all", "program"] = "all"
    title: str = ""
    require_consent: bool = False
    """Whether the gate lets it text only numbers with a consent on record."""
    double_opt_in: bool = False
    """Whether an opt-in by text is asked back: "Reply YES to confirm"."""
    formerly: tuple[str, ...] = ()
    """Names that it had: what nobody has moved from under them yet holds under its own."""
    now: str = ""
    """Of a name that a program had: the name that it has now. Who asks for one asks for the other,
    since the opt-outs have moved there."""


class Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that happened to a number's consent; a line of the ledger."""

    id: str
    """A UUID of version 7. Its time is when the text was received; the rest is derived from what it
    is about, so that the same thing, written down twice, has one id."""
    kind: str
    """``opt_out``, ``opt_in``, ``help``, ``review``, ``unrouted``, ``reply``, ``lock`` …"""
    outcome: str
    """``applied``, ``repeat``, ``stale``, ``tie`` (an opt-in with the very time of an opt-out),
    ``recorded``, ``asked``, ``refused``; of a reply ``sent``, ``late`` …"""
    number: str
    program: str = ""
    scope: str = ""
    before: str = ""
    """``allowed`` or ``blocked``: whether the program could text the number before."""
    after: str = ""
    consent_state: ConsentState | None = None
    """Where this event changed it: the number's consent state from now on."""
    listed: tuple[ListGroup, ...] = ()
    """Of an ``import``: what became of the numbers of its list; then ``number`` is empty."""
    inbox_id: str = ""
    """Of the entry that it tells of, or that the reply answers."""
    entry: Entry | None = None
    reply: Reply | None = None
    event_time_us: int = 0
    received_us: int = 0
    applied_us: int = 0
    note: str = ""
    """Why there was no reply, what the provider said …"""
    provider_id: str = ""
    """The provider's id of a reply that was sent."""
    software: str = ""
    v: int = 1


class ListGroup(msgspec.Struct, frozen=True, omit_defaults=True):
    """Numbers of an imported list with which the same happened."""

    numbers: tuple[str, ...]
    outcome: str
    before: str = ""
    after: str = ""
    consent_state: ConsentState | None = None
    previous: ConsentState | None = None
    """Where the list changed their consent state: the sets that they were in before."""
    note: str = ""
    since_us: tuple[int, ...] = ()
    """When the state of each began, if the list says so; 0 is unknown."""
    external_sources: tuple[str, ...] = ()
    """From where each came, if the list says so, such as ``Klaviyo``."""


def event_id(at_ms: int, *about: str) -> str:
    """The id of an event: a UUID of version 7 (RFC 9562) from a time and what it is about."""
    digest = blake2b("\n".join(about).encode(), digest_size=10).hexdigest()
    variant = "89ab"[int(digest[3], 16) & 3]
    ms = f"{at_ms:012x}"
    return f"{ms[:8]}-{ms[8:]}-7{digest[:3]}-{variant}{digest[4:7]}-{digest[7:19]}"


class DeadLetter(msgspec.Struct, frozen=True, omit_defaults=True):
    """A reply that was given up; kept until a person retries or dismisses it."""

    reply: Reply
    outcome: str
    """``refused``, ``late`` or ``unknown``."""
    note: str
    at_us: int
    v: int = 1


class Forward(msgspec.Struct, frozen=True, omit_defaults=True):
    """An applied text to forward to the application of its program."""

    entry: Entry
    inbox_id: str
    event: str
    """Id of the event that says what became of the text here; also that of the delivery."""
    outcome: str
    """Of that event: ``applied``, ``repeat``, ``recorded`` …"""
    event_time_us: int
    v: int = 1


class Mark(msgspec.Struct, frozen=True, omit_defaults=True):
    """The newest opt-out or opt-in of a number in one scope."""

    stops: bool
    event_time_us: int
    account: str
    id: str
    """Inbox id of the newest message that said so."""
    since_us: int = 0
    """Since when that state holds: the event time of the message that changed it."""
    changed: str = ""
    """Inbox id of the message that changed it; a reply to an older one is superseded."""
    spooled: bool = False
    """Whether that message had waited in a spool."""
    why: str = ""
    """Rule and keyword, for the gate's answer."""


class NumberState(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a partition remembers of a number for 48 hours."""

    marks: dict[str, Mark] = {}
    """By scope: ``all`` or a program's name."""
    helped_us: tuple[int, ...] = ()
    """When HELP was answered lately."""
    asked_us: dict[str, int] = {}
    """By program, when our question "Reply YES to confirm" was put to the number."""
    v: int = 1


class ConsentState(msgspec.Struct, frozen=True, omit_defaults=True):
    """In which sets a number is, and what its partition remembers of it."""

    everywhere: bool = False
    """Whether it is in the set of scope ``all``."""
    opted_out: frozenset[str] = frozenset()
    """Programs in whose own set it is."""
    exceptions: frozenset[str] = frozenset()
    """Programs to which it came back although it is in ``all``."""
    locked: bool = False
    """Whether it may never be texted again, whatever it texts us."""
    consents: frozenset[str] = frozenset()
    """Programs for which a consent is on record."""
    state: NumberState = NumberState()

    def blocked(self, program: str) -> bool:
        """Whether the sets say that the program may not text the number."""
        if self.locked or program in self.opted_out:
            return True
        return self.everywhere and program not in self.exceptions

    def memberships(self) -> frozenset[MembershipKey]:
        """The sets that it is in."""
        return _memberships(
            self.everywhere, self.locked, self.opted_out, self.exceptions, self.consents
        )

    def membership(self) -> SetMembership:
        """The same as a value that an entry can carry; without the lock and the marks."""
        return SetMembership(
            self.everywhere,
            tuple(sorted(self.opted_out)),
            tuple(sorted(self.exceptions)),
            tuple(sorted(self.consents)),
        )

    def with_membership(self, membership: SetMembership) -> ConsentState:
        """The same number in these sets instead, without a lock; what is remembered stays."""
        return ConsentState(
            everywhere=membership.everywhere,
            opted_out=frozenset(membership.opted_out),
            exceptions=frozenset(membership.exceptions),
            consents=frozenset(membership.consents),
            state=self.state,
        )


@functools.lru_cache(4096)  # most numbers share their consent state with many others
def _memberships(
    everywhere: bool,
    locked: bool,
    opted_out: frozenset[str],
    exceptions: frozenset[str],
    consents: frozenset[str],
) -> frozenset[MembershipKey]:
    sets = {
        OPTED_OUT: opted_out | {ALL} if everywhere else opted_out,
        LOCKED: [ALL] if locked else [],
        EXCEPTION: exceptions,
        CONSENT: consents,
    }
    return frozenset(MembershipKey(state, scope) for state, some in sets.items() for scope in some)
