"""The ways by which conditions are told: a webhook, e-mail, a text through an account."""

from __future__ import annotations

import smtplib
import ssl
import time
import uuid
from collections.abc import Iterator, Sequence
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Protocol

from smsgate.consent.send_check import WINDOW_US
from smsgate.errors import CallFailed, StoreNotReady, StoreUnavailable, UnknownProgram
from smsgate.features.alerts.message_text import Notice, as_json, body, short, subject
from smsgate.gate import Gate
from smsgate.gateway.accounts.tokens import Tokens
from smsgate.gateway.gateway import Gateway
from smsgate.messages import HttpCall, Reply, Verdict
from smsgate.outbound import Outbound
from smsgate.providers import PROVIDERS, usable
from smsgate.settings import Account, Mailbox, Programs, Secret, Texting

_GOOD = range(200, 300)
_NOT_OURS_TO_SAY = frozenset({"", "review", "no_consent"})
"""What the gate says of a number that is about marketing alone, and not that person's wish."""


class Channel(Protocol):
    """One way to a person."""

    name: str
    """As its key in ``[alerts]`` is called."""
    together: bool
    """Whether everything of a look is told at once; else one by one."""

    def tell(self, notices: Sequence[Notice]) -> None:
        """Tell of all of them. Raises ``CallFailed`` where nobody was told: it is tried again."""


def configured_channels(gateway: Gateway) -> list[Channel]:
    """The ways that are configured."""
    return [*_channels(gateway)]


def _channels(gateway: Gateway) -> Iterator[Channel]:
    ways = gateway.settings.alerts
    if ways.webhook is not None:
        yield Webhook(ways.webhook, gateway.outbound)
    if ways.email is not None:
        yield Email(ways.email)
    if ways.text is not None:
        account = gateway.settings.accounts[ways.text.account]
        yield Text(ways.text, account, gateway.gate, gateway.settings.programs, gateway.outbound)


class Webhook:
    """Posts each condition by itself, for programs."""

    name = "webhook"
    together = False

    def __init__(self, url: Secret, outbound: Outbound) -> None:
        """Post to ``url`` through ``outbound``."""
        self._url = url
        self._outbound = outbound

    def tell(self, notices: Sequence[Notice]) -> None:
        """See ``Channel.tell``."""
        for notice in notices:
            headers = {"Content-Type": "application/json"}
            call = HttpCall("POST", self._url.value, headers, as_json(notice))
            status = self._outbound.perform(call).status
            if status not in _GOOD:
                raise CallFailed(f"the webhook answered {status}", left=True)


class Email:
    """One e-mail for everything of a look."""

    name = "email"
    together = True

    def __init__(self, mailbox: Mailbox) -> None:
        """Send as the mailbox says."""
        self._mailbox = mailbox

    def tell(self, notices: Sequence[Notice]) -> None:
        """See ``Channel.tell``."""
        send_email(self._mailbox, subject(notices), body(notices))


class Text:
    """One text for everything of a look, to numbers that have not opted out of anything of ours.

    It is no marketing, so that it needs no consent on record. But whoever has texted STOP to one
    of our programs gets none, whichever it was; and where the gate cannot tell, nobody does.
    """

    name = "text"
    together = True

    def __init__(
        self, texting: Texting, account: Account, gate: Gate, programs: Programs, outbound: Outbound
    ) -> None:
        """Send through the account."""
        self._texting = texting
        self._account = account
        self._gate = gate
        self._programs = programs
        self._tokens = Tokens(outbound)

    def tell(self, notices: Sequence[Notice]) -> None:
        """See ``Channel.tell``. Whom it cannot reach hinders nobody else."""
        if not usable(self._account):
            raise CallFailed(f"account {self._account.name!r} has no secret", left=False)
        text = short(notices)
        allowed = self._allowed()
        problems = [*filter(None, [self._send(number, text) for number in allowed])]
        if len(problems) == len(allowed):  # who was told is not told again for others' sake
            raise CallFailed("; ".join(dict.fromkeys(problems)), left=False)

    def _allowed(self) -> list[str]:
        """The numbers that may be texted. Raises ``CallFailed`` where there are none."""
        numbers = list(self._texting.to)
        refused: dict[int, str] = {}
        try:
            for program in self._programs:
                for place, answer in self._gate.refused(numbers, program=program.name).items():
                    if answer.reason not in _NOT_OURS_TO_SAY:
                        refused[place] = answer.reason
        except (StoreUnavailable, StoreNotReady, UnknownProgram) as error:
            raise CallFailed(
                f"the gate cannot tell who has opted out, so nobody is texted: {error}", left=False
            ) from error
        allowed = [number for place, number in enumerate(numbers) if place not in refused]
        if not allowed:
            why = ", ".join(sorted({*refused.values()}))
            raise CallFailed(
                f"every number is opted out or locked ({why}); START ends it", left=False
            )
        return allowed

    def _send(self, number: str, text: str) -> str:
        """Text one number; what went wrong, where it was surely not sent."""
        reply = Reply(
            id=f"alert-{uuid.uuid4()}",
            kind="alert",
            account=self._account.name,
            number=number,
            sender=self._texting.sender,
            program="",
            text=text,
            deadline_us=time.time_ns() // 1000 + WINDOW_US,
        )
        provider = PROVIDERS[self._account.provider]
        try:
            outcome = provider.outcome(self._tokens.perform(provider.reply(reply, self._account)))
        except CallFailed as error:
            return "" if error.left else str(error)
        if outcome.verdict in (Verdict.SENT, Verdict.UNKNOWN):
            return ""
        return f"{self._account.provider} did not take it: {outcome.note or outcome.verdict.value}"


TIMEOUT_S = 10.0
"""For each answer of the server."""


def send_email(
    mailbox: Mailbox, subject: str, body: str, context: ssl.SSLContext | None = None
) -> None:
    """Send one message to everybody of the mailbox. Raises ``CallFailed``.

    The server's certificate must be good, unless the mailbox says ``tls = "none"``; ``context`` is
    how it is checked, by the system's authorities as a rule.
    """
    message = _message(mailbox, subject, body)
    place = f"{mailbox.host}:{mailbox.port}"
    trust = context or ssl.create_default_context()
    try:
        with _connected(mailbox, trust) as server:
            if mailbox.tls == "starttls":
                server.starttls(context=trust)
            if mailbox.password is not None:
                server.login(mailbox.user, mailbox.password.value)
            # Who is refused beside others that are not is told by the server, in its own mail.
            server.send_message(message, mailbox.sender, mailbox.to)
    except (smtplib.SMTPException, OSError) as error:
        raise CallFailed(f"{place} {_why(error)}", left=True) from None


def _connected(mailbox: Mailbox, trust: ssl.SSLContext) -> smtplib.SMTP:
    if mailbox.tls == "tls":
        return smtplib.SMTP_SSL(mailbox.host, mailbox.port, timeout=TIMEOUT_S, context=trust)
    return smtplib.SMTP(mailbox.host, mailbox.port, timeout=TIMEOUT_S)


def _message(mailbox: Mailbox, subject: str, body: str) -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = subject
    message["From"] = mailbox.sender
    message["To"] = ", ".join(mailbox.to)
    message["Date"] = formatdate(localtime=False)
    message["Message-ID"] = make_msgid(domain=mailbox.sender.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no vacation notes in answer
    message.set_content(body)
    return message


def _why(error: Exception) -> str:
    """In our own words: what servers answer may repeat the user's name, and worse."""
    said = next(said for kind, said in _PROBLEMS if isinstance(error, kind))
    code = getattr(error, "smtp_code", 0)
    return f"{said} ({code})" if code else said


_PROBLEMS: tuple[tuple[type[Exception], str], ...] = (
    (smtplib.SMTPAuthenticationError, "refused user and password"),
    (
        smtplib.SMTPNotSupportedError,
        "offers no STARTTLS, or no way to sign in: compare `tls` and `port`",
    ),
    (smtplib.SMTPRecipientsRefused, "refused every recipient"),
    (smtplib.SMTPResponseException, "refused the message"),
    (ssl.SSLCertVerificationError, "has a certificate that is not good"),
    (ssl.SSLError, "does not speak TLS there: compare `tls` and `port`"),
    (TimeoutError, "did not answer in time"),
    (smtplib.SMTPException, "broke off, or is no mail server"),
    (OSError, "cannot be reached"),
)
"""The first that fits."""
