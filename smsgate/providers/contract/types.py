"""What a provider's module must offer, as types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from smsgate.domain.messages import (
    HttpCall,
    HttpReply,
    InboundMessage,
    Outcome,
    Reply,
    WebhookRequest,
)
from smsgate.settings import Account


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
    fate: str = ""
    """What became of the text for good: ``delivered``, ``undelivered`` (it left and did not
    arrive), ``failed`` (it did not leave), or nothing that is sure."""


@dataclass(frozen=True, slots=True)
class Handshake:
    """How an endpoint is confirmed to a provider that asks before it sends."""

    answer: HttpReply
    call: HttpCall | None = None
    """A call that is to be made first; its response is not looked at."""


class Provider(Protocol):
    """The type of a provider's module."""

    NAME: str
    """The value of ``provider`` in an account, and the file's name."""
    ACK: HttpReply
    """The answer that tells the provider that its message is stored and that we send nothing."""
    FIELDS: tuple[Field, ...]
    IDEMPOTENT: bool
    """Whether ``reply`` carries a key by which a repeated call sends nothing twice."""
    BATCHES: bool
    """Whether one request may hold many messages, and reports beside them."""

    def certificate(self, request: WebhookRequest, account: Account) -> HttpCall | None:
        """Describe the call whose body ``verify`` wants as ``request.certificate``, if any.

        Checks scheme, host and path of the URL first: raises ``SignatureRefused``.
        """

    def verify(self, request: WebhookRequest, account: Account, now_us: int) -> None:
        """Return if the request is genuine, every byte of it that ``parse`` will read.

        ``account`` is usable (all required fields are set). ``now_us`` is for schemes that sign
        a time. Raises ``SignatureRefused``, and ``SignatureExpired`` where all is right but the
        time; ``Unreadable`` only for a request whose sender has proved to know a secret.
        """

    def handshake(self, request: WebhookRequest, account: Account) -> Handshake | None:
        """Say how a verified request that asks whether we are here is confirmed, if it is one."""

    def parse(self, request: WebhookRequest, account: Account) -> list[InboundMessage]:
        """Return the messages in a verified request; none where it is about something else.

        Raises ``Unreadable`` with a sentence that says what is missing or wrong, and its kind
        ``TextMissing`` (by ``promised_text``) where the format promises a text and has none.
        """

    def reports(self, request: WebhookRequest, account: Account) -> list[Report]:
        """Return what a verified request tells of texts of ours, where that is final.

        Raises ``Unreadable``.
        """

    def answered(self, message: InboundMessage) -> str:
        """Say who answers this very message without us: ``provider``, ``network`` or ``""``."""

    def reply(self, reply: Reply, account: Account) -> HttpCall:
        """Describe the call that sends ``reply``, from the number that was texted."""

    def outcome(self, response: HttpReply) -> Outcome:
        """Say what the provider's response to such a call means. Never raises."""

    def inbound(self, message: InboundMessage, account: Account, url: str) -> WebhookRequest:
        """Return the correctly signed request by which the provider would hand over ``message``.

        ``account`` is usable; ``url`` is the public URL of its webhook. For the simulator, for
        ``smsgate text`` and for tests.
        """
