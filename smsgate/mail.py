"""Sends e-mails over SMTP."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from smsgate.domain.errors import CallFailed
from smsgate.settings import Mailbox

SMTP_TIMEOUT_S = 10.0
"""For each answer of the mail server."""


def send_email(
    mailbox: Mailbox, subject: str, body: str, context: ssl.SSLContext | None = None
) -> None:
    """Send one e-mail to every recipient of the mailbox, once. Raises ``CallFailed``.

    ``context`` checks the server's certificate, by default with the system's authorities. Only
    ``tls = "none"`` goes without.
    """
    message = EmailMessage()
    message["Subject"] = subject
    message["From"] = mailbox.sender
    message["To"] = ", ".join(mailbox.to)
    message["Date"] = formatdate(localtime=False)
    message["Message-ID"] = make_msgid(domain=mailbox.sender.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no vacation notes in answer
    message.set_content(body)
    context = context or ssl.create_default_context()
    try:
        with _connect(mailbox, context) as server:
            if mailbox.tls == "starttls":
                server.starttls(context=context)
            if mailbox.password is not None:
                server.login(mailbox.user, mailbox.password.value)
            # The server itself reports recipients that it refuses beside others.
            server.send_message(message, mailbox.sender, mailbox.to)
    except (smtplib.SMTPException, OSError) as error:
        # Our own words: a server's answer may repeat the user's name, and worse.
        problem = next(text for kind, text in _SMTP_PROBLEMS if isinstance(error, kind))
        code = getattr(error, "smtp_code", 0)
        detail = f" ({code})" if code else ""
        raise CallFailed(f"{mailbox.host}:{mailbox.port} {problem}{detail}", left=True) from None


def _connect(mailbox: Mailbox, context: ssl.SSLContext) -> smtplib.SMTP:
    if mailbox.tls == "tls":
        return smtplib.SMTP_SSL(mailbox.host, mailbox.port, timeout=SMTP_TIMEOUT_S, context=context)
    return smtplib.SMTP(mailbox.host, mailbox.port, timeout=SMTP_TIMEOUT_S)


_SMTP_PROBLEMS: tuple[tuple[type[Exception], str], ...] = (
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
