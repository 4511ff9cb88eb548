"""E-mail by SMTP. Nothing is decided or tried again here."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from smsgate.errors import CallFailed
from smsgate.settings import Mailbox

TIMEOUT_S = 10.0
"""For each answer of the server."""


def send(mailbox: Mailbox, subject: str, body: str, context: ssl.SSLContext | None = None) -> None:
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
