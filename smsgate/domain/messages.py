"""The values that travel through smsgate: frozen, named, and without side effects.

Times are integers in microseconds since 1970 (UTC) and end in ``_us``; event times and deadlines
are on Redis's clock. Values that are stored (``Entry``, ``Reply`` and those of
``consent/events.py``) are msgspec structs with short JSON, carry a schema version ``v``, and read
older and newer versions alike: unknown fields are ignored, new fields need defaults.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from smsgate.domain.entry_parts import Consent, ForwardContent, ListUndo, Restore, SetMembership
from smsgate.domain.errors import StoreUnavailable

REPLY_WINDOW_US = 300 * 1_000_000
"""A confirmation leaves within five minutes of receipt or not at all (47 CFR 64.1200(a)(12))."""
ALL = "all"
"""The scope of an opt-out that holds for every program."""


class Intent(StrEnum):
    """What a text asks for."""

    OPT_OUT = "opt_out"
    OPT_OUT_ALL = "opt_out_all"
    OPT_IN = "opt_in"
    HELP = "help"
    REVIEW = "review"
    NONE = "none"

    @property
    def stops(self) -> bool:
        """Whether the intent is an opt-out of either scope."""
        return self in (Intent.OPT_OUT, Intent.OPT_OUT_ALL)


HOW_TO_LEAVE = "how_to_leave"
"""The rule for questions how to leave: a review, and the help text answers it."""


class Decision(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a text was understood as, and everything that is needed to explain why.

    ``scope`` is ``""`` (the program's own scope holds), ``"program"`` or ``"all"``, where the
    text itself named one. ``condition`` is ``""`` or ``"question_open"``: an opt-in only if our
    own question to that number is open, which is settled when it is applied.
    """

    intent: Intent
    rule: str
    """The rule that decided, such as ``keyword``, ``quotation`` or ``provider_flag``."""
    keyword: str = ""
    """The entry of the keyword set that matched, as it is written there; where the model decided,
    the words that weighed most."""
    language: str = ""
    """Language of that entry (BCP 47); the reply goes out in it."""
    score: float | None = None
    """Where the model decided (rule ``model``): the log odds that the text is an opt-out,
    or for ``help`` and ``opt_in`` that it is one of those. None elsewhere."""
    confidence: float | None = None
    """The score as a probability, calibrated on texts that the model was not trained on."""
    scope: str = ""
    condition: str = ""
    steps: tuple[str, ...] = ()
    """What normalisation did, in order, such as ``width`` or ``edge punctuation``."""
    version: str = ""
    """Hash of the keyword sets that were in force."""
    note: str = ""
    """A sentence for the person who reads the explanation."""

    @property
    def wants_help(self) -> bool:
        """Whether the help text answers it, also where a person decides about the number."""
        asks_how = self.intent is Intent.REVIEW and self.rule == HOW_TO_LEAVE
        return asks_how or self.intent is Intent.HELP


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """One text from a subscriber, in our own form."""

    account: str
    message_id: str
    """The provider's id, unique within the account."""
    number: str
    """Who texts us: E.164, or what the provider sent where that is no phone number."""
    sender: str
    """The number or short code of ours that was texted."""
    text: str
    channel: str = "sms"
    """``sms``, ``mms``, ``whatsapp`` or ``rcs``."""
    service: str = ""
    """The provider's messaging service or profile, where one was named."""
    flag: Intent | None = None
    """What the provider itself took the text for, where it says so."""
    sent_us: int | None = None
    """The provider's signed event time."""
    media: tuple[str, ...] = ()
    doubt: str = ""
    """Why it may be an old text under a new id, or one whose letters are not known; then an opt-out
    counts, and everything else goes to a person."""


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that may change a number's state and awaits a worker in the inbox."""

    number: str
    program: str
    """Name of the program concerned; empty where the sender belongs to none (unrouted)."""
    decision: Decision
    scope: str = ""
    """Where an opt-out holds, or (of an ``undo_import``) held: ``all`` or a program's name; empty
    for what is no opt-out."""
    source: str = "text"
    """Where it comes from: ``text``, ``operator``, ``provider`` …"""
    actor: str = "subscriber"
    """Who acted, for the record: the subscriber, the provider, or a person by name."""
    account: str = ""
    message_id: str = ""
    sender: str = ""
    service: str = ""
    text: str = ""
    channel: str = "sms"
    answered: str = ""
    """Who already answered this very message: ``provider``, ``network`` or nobody."""
    phone: bool = True
    """Whether ``number`` is a phone number; anything else is recorded and never suppressed."""
    expired: bool = False
    """The signature was right and its time was not: too old, or too early."""
    action: str = ""
    """What is no text and no plain opt-out: ``lock``, ``unlock``, ``consent``, ``restore``,
    ``import``, ``undo_import`` or ``undo``."""
    consent: Consent | None = None
    restore: Restore | None = None
    """Of a ``restore``: what allows it."""
    membership_before: SetMembership | None = None
    """Of a person's opt-out, and of what takes it back: the memberships before it."""
    undoes: str = ""
    """Of an ``undo``: inbox id of the decision that it takes back; of an ``undo_import`` the id of
    the list."""
    list_undo: ListUndo | None = None
    """Of an ``undo_import``, whose numbers go back to ``membership_before``."""
    numbers: tuple[str, ...] = ()
    """Of an ``import`` and its undo: the numbers of a list that it is about, all of one partition;
    then ``number`` is empty, and there is no hold."""
    since_us: tuple[int, ...] = ()
    """Of an ``import``: since when each of them holds, where its list says it; 0 is unknown."""
    external_sources: tuple[str, ...] = ()
    """Of an ``import``: from where each of them came, where its list says it."""
    external_source: str = ""
    """Of the part of an ``import`` that is about one number: the same of it. It is what a list
    says, never the subscriber's own words."""
    outage_us: int = 0
    """Where the message waited in a spool: since when the store had been away by then."""
    forward_content: ForwardContent | None = None
    """Of a text whose program has an application: it may go on there once it is applied."""
    v: int = 1


def numbers_in(entry: Entry) -> tuple[str, ...]:
    """The numbers that an entry is about."""
    return entry.numbers or (entry.number,)


@dataclass(frozen=True, slots=True)
class Arrival:
    """An entry that is to be added to an inbox, with what its event time is computed from."""

    entry: Entry
    sent_us: int | None = None
    """The provider's signed event time."""
    fingerprint: str = ""
    """Of the text, where the provider gives no message id."""
    age_us: int = 0
    """How long ago it arrived, where it had to wait before it could be stored."""


def inbox_place(id_: str) -> tuple[int, int]:
    """An inbox id's place in its partition, for comparing; an empty one is before all."""
    ms, _, seq = id_.partition("-")
    return int(ms or 0), int(seq or 0)


def ms_of(id_: str) -> int:
    """The time in an id of a stream: ms since 1970 on Redis's clock."""
    return int(id_.partition("-")[0])


class StoredEntry(msgspec.Struct, frozen=True):
    """An entry as it was read from a partition's inbox."""

    id: str
    """The id in the inbox stream; its first part is when it was received, in ms."""
    event_time_us: int
    entry: Entry

    @property
    def received_us(self) -> int:
        """When it was received, on Redis's clock."""
        return ms_of(self.id) * 1000

    @property
    def arrived_us(self) -> int:
        """When it arrived: as it was received, unless the message waited in a spool before."""
        return (
            min(self.received_us, self.event_time_us) if self.entry.outage_us else self.received_us
        )


@dataclass(frozen=True, slots=True)
class Batch:
    """What a worker read from a partition's inbox, and the cursor from which it read."""

    cursor: str
    entries: tuple[StoredEntry, ...]


@dataclass(frozen=True, slots=True)
class AddResult:
    """What became of an entry that was to be added to an inbox."""

    id: str
    """Empty where the message was stored before."""
    duplicate: bool = False
    error: StoreUnavailable | None = None
    """Why it was not stored."""


class Reply(msgspec.Struct, frozen=True, omit_defaults=True):
    """One text of ours that waits in the outbox."""

    id: str
    """Partition and inbox id of the message that it answers: ``3-1764003600123-0``; of several
    texts of an application, a dot and which one follow."""
    kind: str
    """``opt_out``, ``opt_in``, ``help``, ``question`` ("Reply YES to confirm") or ``app``: a text
    of the operator's own application."""
    account: str
    number: str
    sender: str
    program: str
    text: str
    deadline_us: int
    """After this it may not leave any more."""
    service: str = ""
    channel: str = "sms"
    language: str = ""
    tries: int = 0
    slot_us: int = 0
    """The moment that was reserved for it where its sender's rate is limited."""
    problem: str = ""
    """Why the provider did not accept it at the newest attempt."""
    v: int = 1

    @property
    def answers(self) -> str:
        """Inbox id of the message that it answers."""
        return self.id.partition("-")[2].partition(".")[0]

    @property
    def event_kind(self) -> str:
        """Kind of the events that tell of it: what applications say is no evidence of consent."""
        return "app" if self.kind == "app" else "reply"


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """A provider's request as it arrived, free of any web framework."""

    method: str
    url: str
    """The public URL that the provider was given: configured origin, raw path and raw query."""
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    certificate: bytes = b""
    """What the URL that the provider asked for gave (see ``Provider.certificate``)."""
    address: str = ""
    """Where it came from, as far as that can be known (see ``web/wsgi_request.py``)."""

    @property
    def query(self) -> str:
        """The raw query, without the question mark."""
        return self.url.partition("?")[2]


@dataclass(frozen=True, slots=True)
class HttpCall:
    """An outgoing HTTP call, described but not made."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    auth: tuple[str, str] | None = field(default=None, repr=False)
    token_from: HttpCall | None = field(default=None, repr=False)
    """The call that gives the access token which this one needs (OAuth 2.0), if it needs one."""


@dataclass(frozen=True, slots=True)
class HttpReply:
    """An HTTP response: a provider's to our call, or ours to a provider's webhook."""

    status: int
    content_type: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Verdict(StrEnum):
    """What a provider's response to our call means."""

    SENT = "sent"
    OPTED_OUT = "opted_out"
    """The provider will not text that number: it has its opt-out already."""
    REFUSED = "refused"
    """Will never work: a bad number, bad credentials."""
    NOT_ACCEPTED = "not_accepted"
    """Surely not sent; may be tried again."""
    UNKNOWN = "unknown"
    """May have been sent; must not be repeated."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A provider's response, understood."""

    verdict: Verdict
    provider_id: str = ""
    note: str = ""
    retry_after_s: float | None = None
