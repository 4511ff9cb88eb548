"""The base class of all providers, and the text that a format promises.

Absent is not blank: what is not there may be a STOP. A field that is there and empty, or null, is
an empty text. One that is not there is refused with the names of those that are, unless messages
of that kind may come without words (pictures, locations).
"""

from __future__ import annotations

import codecs
import re
from abc import ABC, abstractmethod
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import ClassVar, TypeAlias, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from smsgate.domain.errors import AccountNotReady, Unreadable
from smsgate.domain.messages import (
    HttpCall,
    HttpReply,
    InboundMessage,
    Outcome,
    Reply,
    Verdict,
    WebhookRequest,
)
from smsgate.domain.phone import is_toll_free, with_plus
from smsgate.domain.signing import as_bytes
from smsgate.providers.calls import Meaning, coded, failed
from smsgate.providers.field_names import field_names
from smsgate.providers.fields import Field
from smsgate.providers.reading import readable
from smsgate.settings import Account

_BASE64 = re.compile(r"[A-Za-z0-9+/]{6,}={0,2}")
_MIN_BASE64_CHARS = 60
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_WORDS = re.compile(rb"[A-Za-z ]")
_NETWORK_ANSWERED = frozenset({"STOP", "START", "UNSTOP"})


@dataclass(frozen=True, slots=True)
class Report:
    """What a provider tells of a text of ours, after it took it."""

    message_id: str
    number: str
    """Whom it was for, E.164."""
    sender: str
    """The number of ours that it came from."""
    kind: str
    """What it says of the number: ``opted_out`` (will not be texted), ``unreachable`` (dead,
    unallocated, landline), or nothing."""
    code: str
    """The provider's own code of an error."""
    note: str
    """The provider's meaning of the code, in our words."""
    service: str = ""
    status: str = ""
    """The final delivery status: ``delivered``, ``undelivered`` (it left and did not arrive),
    ``failed`` (it did not leave), or nothing that is sure."""


@dataclass(frozen=True, slots=True)
class Handshake:
    """How an endpoint is confirmed to a provider that asks before it sends."""

    answer: HttpReply
    call: HttpCall | None = None
    """A call that is to be made first; its response is not looked at."""


Part = TypeVar("Part")
GivenText: TypeAlias = str | UnsetType | None
"""A member that may hold a text: ``UNSET`` where the request does not have it."""


class PartUnreadable(Unreadable):
    """One message of a genuine request cannot be read.

    ``others`` are those that can. They are stored, since a STOP among them cannot be asked for
    again; the request is refused all the same.
    """

    others: tuple[InboundMessage, ...] = ()


class TextMissing(PartUnreadable):
    """A genuine message does not have the field in which its format promises the text."""

    def __init__(self, field: str, names: tuple[str, ...]) -> None:
        """Say what is missing and what came instead, by names alone (see ``field_names``)."""
        came = f"it has {', '.join(names)}" if names else "it has no fields"
        super().__init__(f"The request lacks {field}, in which a text must stand; {came}.")
        self.names = names


def check_present(fields: Mapping[str, str]) -> None:
    """Return if each field with a name has a value. Raises ``Unreadable``, which says which not."""
    missing = [name for name, value in fields.items() if name and not value]
    if missing:
        raise Unreadable(f"The request lacks {', '.join(missing)}; every text has them all.")


def promised_text(
    given: GivenText, field: str, request: WebhookRequest, *, optional: bool = False
) -> str:
    """Return the text that is ``given`` in a field; an empty one where it is blank or null.

    Raises ``TextMissing`` where the field is not there, unless it is ``optional``: in pictures,
    locations, and where the provider itself says what it took the text for.
    """
    if given is not UNSET:
        return given or ""
    if optional:
        return ""
    raise TextMissing(field, field_names(request))


def decoded_body(body: str) -> tuple[str, str]:
    """Return the text of a body that is base64, else the body; and why it may be another text.

    Twilio hands over some long texts like that, and courier decodes them from 60 characters on
    (handlers/utils.go in github.com/nyaruka/courier). Words are base64, too: what is shorter, or
    not all UTF-8, stays as it is, and is in doubt where letters would come of it.
    """
    packed = body.strip().replace("\r", "").replace("\n", "")
    if len(packed) % 4 or not _BASE64.fullmatch(packed):
        return body, ""
    raw = b64decode(packed)
    if b64encode(raw) != as_bytes(packed):
        return body, ""
    if len(packed) >= _MIN_BASE64_CHARS:
        with suppress(UnicodeDecodeError):
            text = codecs.getincrementaldecoder("utf-8")().decode(raw)  # its end may be cut
            if not _CONTROL.search(text):
                return text, ""
    is_doubtful = packed[-1] == "=" or len(_WORDS.findall(raw)) >= 0.8 * len(raw)
    return body, "it may be base64, in which some long texts come" if is_doubtful else ""


def read_each(
    parts: Iterable[Part], read: Callable[[Part], InboundMessage | None]
) -> list[InboundMessage]:
    """Return the messages of a batch; ``read`` gives None for a part that is no text to us.

    Raises what ``read`` first raised, ``Unreadable`` or ``TextMissing``, after it has read every
    part. With it go the messages that can be read; where there are some, ``Unreadable`` becomes
    ``PartUnreadable``.
    """
    messages: list[InboundMessage] = []
    refused: Unreadable | None = None
    for part in parts:
        try:
            message = read(part)
        except Unreadable as error:
            refused = refused or error
        else:
            messages += [message] if message is not None else []
    if refused is None:
        return messages
    if messages and not isinstance(refused, PartUnreadable):
        refused = PartUnreadable(str(refused))
    if isinstance(refused, PartUnreadable):
        refused.others = tuple(messages)
    raise refused


def answer_text(response: HttpReply, path: str) -> str:
    """Return what a JSON response has at a path, as ``errors.0.code``; empty if that is no text."""
    try:
        value = msgspec.json.decode(response.body)
        for name in path.split("."):
            value = value[int(name) if isinstance(value, list) else name]
    except (msgspec.MsgspecError, ValueError, RecursionError, LookupError, TypeError):
        return ""
    return str(value) if isinstance(value, str | int) else ""


class Provider(ABC):
    """One kind of account that can text us; the docstring of its module names the vendor's pages.

    Every method is a pure function of its arguments: it describes calls and understands requests
    and responses, and never makes a call, reads a clock or looks at the environment. ``account`` is
    always usable (all required fields are set).
    """

    name: ClassVar[str]
    """The value of ``provider`` in an account, and the module's name."""
    label: ClassVar[str]
    """The provider's name in notes and errors, such as "Sinch answered 500"."""
    title: ClassVar[str] = ""
    """Its name in lists, where several share a label; empty: the label."""
    fields: ClassVar[tuple[Field, ...]]
    needed: ClassVar[tuple[str, str, str]] = ("id", "from", "to")
    """What it calls the id of a text, who sent it and who was texted; empty where a text may come
    without."""
    ack: ClassVar[HttpReply] = HttpReply(200, "text/plain")
    """The answer that tells the provider that its message is stored and that we send nothing."""
    idempotent: ClassVar[bool] = False
    """Whether ``reply`` carries a key by which a repeated call sends nothing twice."""
    batches: ClassVar[bool] = False
    """Whether one request may hold many messages, and reports beside them."""
    refusal: ClassVar[str] = "it does not take the text"
    """The words for a refused call whose reason is not known."""
    refusals: ClassVar[Mapping[int, Meaning]] = {}
    """What the status of a response means that is no success, where it says enough."""
    errors: ClassVar[Mapping[str, Meaning]] = {}
    """What the provider's own codes mean in such a response."""
    error_at: ClassVar[str] = ""
    """Where the code stands, see ``answer_text``; in a text with a ``#``, it is what follows."""
    sent_id_at: ClassVar[str] = "id"
    """Where a success has the provider's id of the text."""
    delivery_statuses: ClassVar[Mapping[str, str]] = {}
    """The provider's words for the final statuses of a text of ours, see ``Report``."""
    report_codes: ClassVar[Mapping[str, tuple[str, str]]] = {}
    """Codes in reports which say something of the number: its kind, see ``Report``, and our words.
    All others are about us, the text or the moment."""
    code_is_final: ClassVar[bool] = False
    """Whether a code in ``report_codes`` says that a text did not arrive, whatever its status."""

    @abstractmethod
    def verify(self, request: WebhookRequest, account: Account, now_us: int) -> None:
        """Return if the request is genuine, every byte of it that ``parse`` will read.

        ``now_us`` is for schemes that sign a time. Raises ``SignatureRefused``, and
        ``SignatureExpired`` where all is right but the time; ``Unreadable`` only for a request
        whose sender has proved to know a secret.
        """

    def problems(self, account: Account) -> Iterator[tuple[str, str]]:
        """Yield key and problem of what is wrong with several keys together.

        Only asked where each value has the shape that ``fields`` wants. A value is not shown.
        """
        yield from ()

    def path_secret_key(self, options: Mapping[str, str]) -> str:
        """Return the key whose secret ends the webhook's address; empty where none does.

        ``options`` are the account's keys that are not secret.
        """
        for field in self.fields:
            key, value = field.path_with or ("", "")
            if field.chosen or (key and options.get(key, "") == value):
                return field.name
        return ""

    def certificate(self, request: WebhookRequest, account: Account) -> HttpCall | None:
        """Describe the call whose body ``verify`` needs as ``request.certificate``, if any.

        Checks scheme, host and path of the URL first: raises ``SignatureRefused``.
        """
        return None

    def handshake(self, request: WebhookRequest, account: Account) -> Handshake | None:
        """Say how a verified request that asks whether we are here is confirmed, if it is one."""
        return None

    def acknowledgement(self, account: Account) -> HttpReply:
        """Return the answer to a request that is stored: ``ack``, or what the account says."""
        return self.ack

    def parse(self, request: WebhookRequest, account: Account) -> list[InboundMessage]:
        """Return the messages in a verified request; none where it is about something else.

        Raises ``Unreadable`` with a sentence that says what is missing or wrong, and its kind
        ``TextMissing`` (by ``promised_text``) where the format promises a text and has none.
        """
        parts = [replace(request, body=part) for part in self.parts(request)]
        if len(parts) > 1:
            return read_each(parts, lambda part: self._whole_message(part, account))
        found = [self._whole_message(part, account) for part in parts]
        return [message for message in found if message is not None]

    def parts(self, request: WebhookRequest) -> list[bytes]:
        """Return the bodies that a request is made of: of a batch its members."""
        return [request.body]

    def message(self, request: WebhookRequest, account: Account) -> InboundMessage | None:
        """Return the message in a request, or in a part of a batch; None if it is something else.

        Only ``parse`` calls it, and refuses a message that lacks what is ``needed``.
        """
        raise NotImplementedError

    def _whole_message(self, part: WebhookRequest, account: Account) -> InboundMessage | None:
        message = self.message(part, account)
        if message is not None:
            given = (message.message_id, message.number, message.sender)
            check_present(dict(zip(self.needed, given, strict=True)))
        return message

    def reports(self, request: WebhookRequest, account: Account) -> list[Report]:
        """Return what a verified request tells of texts of ours, where that is final.

        Raises ``Unreadable``; of a batch, only what can be read counts: ``parse`` refuses the rest.
        """
        parts = [replace(request, body=part) for part in self.parts(request)]
        if len(parts) == 1:
            return [*self.reported(parts[0], account)]
        found = readable(parts, lambda part: [*self.reported(part, account)])
        return [report for reports in found for report in reports]

    def reported(self, request: WebhookRequest, account: Account) -> Iterator[Report]:
        """Yield the reports in a request, or in a part of a batch; only ``reports`` calls it."""
        yield from ()

    def answered(self, message: InboundMessage) -> str:
        """Say who answers this very message without us: ``provider``, ``network`` or ``""``.

        By default the provider answers no keyword of its own.
        """
        return "network" if answered_by_network(message) else ""

    def report(
        self, status: str, code: str, message_id: str, number: str, sender: str, service: str = ""
    ) -> list[Report]:
        """Return the report on a text of ours, by the provider's own status and code.

        None where the status is not final.
        """
        undelivered = self.code_is_final and code in self.report_codes
        final = self.delivery_statuses.get(status, "undelivered" if undelivered else "")
        if not final:
            return []
        kind, note = self.report_codes.get(code, ("", ""))
        ours, theirs = with_plus(sender), with_plus(number)
        return [Report(message_id, theirs, ours, kind, code, note, service, final)]

    @abstractmethod
    def reply(self, reply: Reply, account: Account) -> HttpCall:
        """Describe the call that sends ``reply``, from the number that was texted."""

    def outcome(self, response: HttpReply, account: Account | None = None) -> Outcome:
        """Say what the provider's response to such a call means. Never raises.

        ``account`` made the call; only options may say what a success looks like.
        """
        if 200 <= response.status < 300:
            return Outcome(Verdict.SENT, provider_id=self.sent_id(response))
        known = self.error(response)
        return failed(self.label, response, known, self.refusal, idempotent=self.idempotent)

    def sent_id(self, response: HttpReply) -> str:
        """Return the provider's id of the text that a call sent, if any."""
        return answer_text(response, self.sent_id_at)

    def error_code(self, response: HttpReply) -> str:
        """Return the provider's own code in a response that is no success, if any."""
        return answer_text(response, self.error_at).rpartition("#")[2]

    def error(self, response: HttpReply) -> Meaning | None:
        """Say what such a response means by the provider's own code or by its status, if known."""
        return coded(self.error_code(response), self.errors) or self.refusals.get(response.status)

    def inbound(self, message: InboundMessage, account: Account, url: str) -> WebhookRequest:
        """Return the correctly signed request with which the provider would deliver ``message``.

        ``url`` is the public URL of the account's webhook; a time that is signed is the message's
        ``sent_us``. For the simulator, for ``smsgate text`` and for tests. Raises
        ``AccountNotReady`` where only the provider can make one, as here.
        """
        raise AccountNotReady(
            f"Only {self.label} itself can post to account {account.name!r}: text the number."
        )


def answered_by_network(message: InboundMessage) -> bool:
    """Whether the US toll-free network answers this very text, whatever anybody sets.

    Blanks around the word do not matter to it (help.twilio.com, article 360058144374).
    """
    word = message.text.strip().upper()
    return word in _NETWORK_ANSWERED and is_toll_free(message.sender)
