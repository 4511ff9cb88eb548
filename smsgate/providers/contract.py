"""What a provider's module must offer, as types. The table of them is in the package itself.

A provider is a module of pure functions: it describes calls and understands answers, and
never makes a call, reads a clock or looks at the environment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from smsgate.messages import HttpCall, HttpReply, InboundMessage, Outcome, Reply, WebhookRequest
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
    required: bool = True
    only_with: tuple[str, str] | None = None
    """Required only where another key has this value, such as ``("algorithm", "hmac-sha256")``."""


class Provider(Protocol):
    """The type of a provider's module."""

    NAME: str
    """The value of ``provider`` in an account, and the file's name."""
    ACK: HttpReply
    """The answer that tells the provider that its message is stored and that we send nothing."""
    FIELDS: tuple[Field, ...]

    def verify(self, request: WebhookRequest, account: Account, now_us: int) -> None:
        """Return if the request is genuine, every byte of it that ``parse`` will read.

        ``account`` is usable (all required fields are set). ``now_us`` is for schemes that sign
        a time. Raises ``SignatureRefused``; and ``Unreadable`` only for a request whose sender
        has proved to know a secret of the account.
        """

    def parse(self, request: WebhookRequest, account: Account) -> list[InboundMessage]:
        """Return the messages in a verified request; none where it is about something else.

        Raises ``Unreadable`` with a sentence that says what is missing or wrong.
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
