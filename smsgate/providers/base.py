"""The base class of all providers, and what several of them share in sending."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, TypeVar
from urllib.parse import urlencode, urlsplit

import msgspec

from smsgate.domain.messages import (
    HttpCall,
    HttpReply,
    InboundMessage,
    OriginalRequest,
    Outcome,
    Reply,
    Verdict,
    WebhookRequest,
)
from smsgate.domain.phone import is_toll_free
from smsgate.providers.reading import check_path, read_answer
from smsgate.settings import Account

Meaning = tuple[Verdict, str]
"""What a response means, and that in our words."""
Code = TypeVar("Code", str, int)
FORM = "application/x-www-form-urlencoded"
_NETWORK_ANSWERED = frozenset({"STOP", "START", "UNSTOP"})


@dataclass(frozen=True, slots=True)
class Field:
    """One key of ``[accounts.X]`` that a provider reads."""

    name: str
    pattern: str
    """Regular expression that a whole value must match; of a secret, each of its values."""
    what: str
    """What would be right, to follow "must be": ``AC and 32 hexadecimal digits``."""
    secret: bool = False
    chosen: bool = False
    """Whether the operator makes the secret up, so that it must not be one that can be guessed."""
    required: bool = True
    only_with: tuple[str, str] | None = None
    """Required only where another key has this value, such as ``("algorithm", "hmac-sha256")``."""
    path_with: tuple[str, str] | None = None
    """Where another key has this value, it ends the webhook's address: ``PATH_SECRET`` then says
    what its values must be."""


def secret_field(
    name: str,
    what: str,
    pattern: str = r"[!-~]+",
    *,
    required: bool = True,
    only_with: tuple[str, str] | None = None,
    path_with: tuple[str, str] | None = None,
) -> Field:
    """Return the field of a secret, by default any text of visible ASCII characters."""
    return Field(
        name,
        pattern,
        what,
        secret=True,
        required=required,
        only_with=only_with,
        path_with=path_with,
    )


PATH_SECRET = Field(
    "secret",
    r"[A-Za-z0-9._~-]+",
    "a random text of letters, digits, -, _, . and ~, the last part of the webhook's address",
    secret=True,
    chosen=True,
)
REGION = Field("region", r"[A-Z]{2}", "two capital letters, such as US", required=False)


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


class _Answer(msgspec.Struct):
    id: str = ""


class Provider(ABC):
    """One kind of account that can text us; the docstring of its module names the vendor's pages.

    Every method is a pure function of its arguments: it describes calls and understands requests
    and responses, and never makes a call, reads a clock or looks at the environment. ``account`` is
    always usable (all required fields are set).
    """

    name: ClassVar[str]
    """The value of ``provider`` in an account, and the module's name."""
    label: ClassVar[str]
    """The provider's name in notes and errors."""
    fields: ClassVar[tuple[Field, ...]]
    ack: ClassVar[HttpReply] = HttpReply(200, "text/plain")
    """The answer that tells the provider that its message is stored and that we send nothing."""
    idempotent: ClassVar[bool] = False
    """Whether ``reply`` carries a key by which a repeated call sends nothing twice."""
    batches: ClassVar[bool] = False
    """Whether one request may hold many messages, and reports beside them."""
    forwards_original: ClassVar[bool] = False
    """Whether ``original_call`` can sign the provider's own request for another address."""
    refusal: ClassVar[str] = "it does not take the text"
    """The words for a refused call whose reason is not known."""
    refusals: ClassVar[Mapping[int, Meaning]] = {}
    """What the status of a response means that is no success, where it says enough."""
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

    @abstractmethod
    def parse(self, request: WebhookRequest, account: Account) -> list[InboundMessage]:
        """Return the messages in a verified request; none where it is about something else.

        Raises ``Unreadable`` with a sentence that says what is missing or wrong, and its kind
        ``TextMissing`` (by ``promised_text``) where the format promises a text and has none.
        """

    def reports(self, request: WebhookRequest, account: Account) -> list[Report]:
        """Return what a verified request tells of texts of ours, where that is final.

        Raises ``Unreadable``.
        """
        return []

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
        return [Report(message_id, number, sender, kind, code, note, service, final)]

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
        """Return the provider's id of the text that a call sent: ``id`` in its JSON, if any."""
        return read_answer(response, _Answer).id

    def error(self, response: HttpReply) -> Meaning | None:
        """Say what a response that is no success means by the provider's own code, if known."""
        return self.refusals.get(response.status)

    @abstractmethod
    def inbound(self, message: InboundMessage, account: Account, url: str) -> WebhookRequest:
        """Return the correctly signed request with which the provider would deliver ``message``.

        ``url`` is the public URL of the account's webhook; a time that is signed is the message's
        ``sent_us``. For the simulator, for ``smsgate text`` and for tests. Raises
        ``AccountNotReady`` where only the provider has the key.
        """

    def original_call(
        self, posted: OriginalRequest, url: str, account: Account, token: str
    ) -> HttpCall:
        """Describe the call by which the provider would post the same form to ``url``.

        Signed with ``token``, or where that is empty with the account's newest secret. Only where
        ``forwards_original``.
        """
        raise NotImplementedError


class PathSecretProvider(Provider):
    """A provider that signs nothing: knowing the URL with its secret is the only proof."""

    def verify(self, request: WebhookRequest, account: Account, now_us: int) -> None:
        """Return if the address ends with a ``secret`` of the account (``PATH_SECRET``).

        Nothing else vouches for a text. Raises ``SignatureRefused``.
        """
        check_path(request, account, "secret")


def answered_by_network(message: InboundMessage) -> bool:
    """Whether the US toll-free network answers this very text, whatever anybody sets.

    Blanks around the word do not matter to it (help.twilio.com, article 360058144374).
    """
    word = message.text.strip().upper()
    return word in _NETWORK_ANSWERED and is_toll_free(message.sender)


# --- calls ----------------------------------------------------------------------------------------


def json_call(
    url: str,
    content: object,
    *,
    headers: Mapping[str, str] | None = None,
    auth: tuple[str, str] | None = None,
    token_from: HttpCall | None = None,
) -> HttpCall:
    """Describe a POST of ``content`` as JSON (in ASCII, so that no half of an emoji breaks it)."""
    named = {"Accept": "application/json", "Content-Type": "application/json", **(headers or {})}
    body = json.dumps(content).encode("ascii")
    return HttpCall("POST", url, named, body, auth, token_from)


def form_call(
    url: str,
    form: Mapping[str, str],
    *,
    headers: Mapping[str, str] | None = None,
    auth: tuple[str, str] | None = None,
) -> HttpCall:
    """Describe a POST of a form."""
    body = urlencode(form, errors="replace").encode("ascii")
    return HttpCall("POST", url, {"Content-Type": FORM, **(headers or {})}, body, auth)


def token_call(url: str, client: str, secret: str) -> HttpCall:
    """Describe the call that gets an access token by client credentials (RFC 6749, 4.4.2).

    Client and secret go in the header (2.3.1). Set it as ``token_from`` of the call that needs it.
    """
    headers = {"Accept": "application/json", "Content-Type": FORM}
    return HttpCall("POST", url, headers, b"grant_type=client_credentials", (client, secret))


def idempotency_text(reply: Reply) -> str:
    """Return what is the same for each try of a reply, and of no other one."""
    return f"{reply.account} {reply.number} {reply.id} {reply.kind}"


def idempotency_key(reply: Reply) -> str:
    """Return the hash of ``idempotency_text``, 64 hexadecimal digits."""
    return hashlib.sha256(idempotency_text(reply).encode()).hexdigest()


def send_url(account: Account) -> str:
    """Return the ``send_url`` of an account whose operator runs the API; on ``api_url``, if set."""
    parts = urlsplit(account.options["send_url"])
    path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
    return f"{account.api_url or f'{parts.scheme}://{parts.netloc}'}{path}"


# --- responses ------------------------------------------------------------------------------------


def failed(
    who: str, response: HttpReply, known: Meaning | None, other: str, *, idempotent: bool = False
) -> Outcome:
    """Return the outcome of a call that was answered with no success.

    ``known`` is what the provider's own code means, where it gave one, ``other`` the words for a
    refusal without. A code counts only where the call was refused: after a 5xx nobody knows whether
    the text was sent, which matters unless the call is ``idempotent``.
    """
    meaning = known or (Verdict.REFUSED, other)
    if response.status >= 500 and idempotent:
        meaning = (Verdict.NOT_ACCEPTED, "the key makes it safe to try again")
    elif response.status >= 500:
        meaning = (Verdict.UNKNOWN, "the text may have been sent")
    elif response.status == 429:
        meaning = (Verdict.NOT_ACCEPTED, "too many requests")
    return not_sent(who, response, meaning)


def not_sent(who: str, response: HttpReply, meaning: Meaning) -> Outcome:
    """Return the outcome of a call that sent nothing, with the wish when to try again."""
    note = f"{who} answered {response.status}: {meaning[1]}"
    return Outcome(meaning[0], note=note, retry_after_s=retry_after_s(response))


def coded(code: Code, codes: Mapping[Code, Meaning]) -> Meaning | None:
    """Return what a provider's own code means, with the code before the words."""
    if code not in codes:
        return None
    verdict, words = codes[code]
    return verdict, f"{code}, {words}"


def retry_after_s(response: HttpReply) -> float | None:
    """Return ``Retry-After`` in seconds; nothing for its other form, a date, or without one."""
    text = response.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() and len(text) < 7 else None
