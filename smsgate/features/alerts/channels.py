"""The channels by which alerts are sent: a webhook, e-mail, a text through an account."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from contextlib import closing
from typing import Protocol

from smsgate.domain.errors import CallFailed, StoreNotReady, StoreUnavailable, UnknownProgram
from smsgate.domain.messages import REPLY_WINDOW_US, HttpCall, Reply, Verdict
from smsgate.features.alerts.message_text import (
    Notice,
    email_body,
    email_subject,
    sms_text,
    webhook_json,
)
from smsgate.mail import send_email
from smsgate.outbound import Outbound
from smsgate.pipeline.access_tokens import AccessTokens
from smsgate.pipeline.gate import Gate
from smsgate.pipeline.services import Services
from smsgate.providers import PROVIDERS, usable
from smsgate.settings import Account, Mailbox, Programs, Secret, SmsRecipients

_MARKETING_REASONS = frozenset({"", "review", "no_consent"})
"""Reasons of the gate that concern marketing alone and express no wish of the person."""


class Channel(Protocol):
    """One way to reach the operator."""

    name: str
    """The key in ``[alerts]``."""
    is_digest: bool
    """Whether one message carries all notices of a check; otherwise one message each."""

    def send(self, notices: Sequence[Notice]) -> None:
        """Send the notices. Raises ``CallFailed`` if nobody got them; they are tried again."""


def configured_channels(services: Services) -> list[Channel]:
    """The channels that the configuration has."""
    alerts, found = services.settings.alerts, list[Channel]()
    if alerts.webhook is not None:
        found.append(WebhookChannel(alerts.webhook))
    if alerts.email is not None:
        found.append(EmailChannel(alerts.email))
    if alerts.text is not None:
        account = services.settings.accounts[alerts.text.account]
        programs = services.settings.programs
        found.append(TextChannel(alerts.text, account, services.gate, programs, services.outbound))
    return found


class WebhookChannel:
    """Posts each notice as JSON, for other programs."""

    name = "webhook"
    is_digest = False

    def __init__(self, url: Secret) -> None:
        self._url = url

    def send(self, notices: Sequence[Notice]) -> None:
        """See ``Channel.send``."""
        with closing(Outbound()) as outbound:
            for notice in notices:
                headers = {"Content-Type": "application/json"}
                call = HttpCall("POST", self._url.value, headers, webhook_json(notice))
                status = outbound.perform(call).status
                if not 200 <= status < 300:
                    raise CallFailed(f"the webhook answered {status}", left=True)


class EmailChannel:
    """Sends one e-mail for all notices of a check."""

    name = "email"
    is_digest = True

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    def send(self, notices: Sequence[Notice]) -> None:
        """See ``Channel.send``."""
        send_email(self._mailbox, email_subject(notices), email_body(notices))


class TextChannel:
    """Sends one text for all notices of a check, to the numbers that have not opted out.

    An alert is no marketing and needs no consent on record. But a number that has texted STOP to
    any program of ours gets none, and where the gate cannot tell, no number does.
    """

    name = "text"
    is_digest = True

    def __init__(
        self,
        recipients: SmsRecipients,
        account: Account,
        gate: Gate,
        programs: Programs,
        outbound: Outbound,
    ) -> None:
        self._recipients = recipients
        self._account = account
        self._gate = gate
        self._programs = programs
        self._tokens = AccessTokens(outbound)

    def send(self, notices: Sequence[Notice]) -> None:
        """See ``Channel.send``. A number that cannot be reached does not hinder the others."""
        if not usable(self._account):
            raise CallFailed(f"account {self._account.name!r} has no secret", left=False)
        text = sms_text(notices)
        numbers = self._allowed_numbers()
        problems = [*filter(None, [self._send_to(number, text) for number in numbers])]
        # If one number was reached, the others' failure must not text that one again.
        if len(problems) == len(numbers):
            raise CallFailed("; ".join(dict.fromkeys(problems)), left=False)

    def _allowed_numbers(self) -> list[str]:
        """The numbers that may be texted. Raises ``CallFailed`` if there are none."""
        numbers = list(self._recipients.to)
        refused: dict[int, str] = {}
        try:
            for program in self._programs:
                for index, answer in self._gate.refused(numbers, program=program.name).items():
                    if answer.reason not in _MARKETING_REASONS:
                        refused[index] = answer.reason
        except (StoreUnavailable, StoreNotReady, UnknownProgram) as error:
            raise CallFailed(
                f"the gate cannot tell who has opted out, so nobody is texted: {error}", left=False
            ) from error
        allowed = [number for index, number in enumerate(numbers) if index not in refused]
        if not allowed:
            reasons = ", ".join(sorted({*refused.values()}))
            raise CallFailed(
                f"every number is opted out or locked ({reasons}); START ends it", left=False
            )
        return allowed

    def _send_to(self, number: str, text: str) -> str:
        """Text one number. Returns what went wrong if the text was surely not sent, else ''."""
        reply = Reply(
            id=f"alert-{uuid.uuid4()}",
            kind="alert",
            account=self._account.name,
            number=number,
            sender=self._recipients.sender,
            program="",
            text=text,
            deadline_us=time.time_ns() // 1000 + REPLY_WINDOW_US,
        )
        provider = PROVIDERS[self._account.provider]
        try:
            response = self._tokens.perform(provider.reply(reply, self._account))
        except CallFailed as error:
            return "" if error.left else str(error)
        outcome = provider.outcome(response, self._account)
        if outcome.verdict in (Verdict.SENT, Verdict.UNKNOWN):
            return ""
        return f"{self._account.provider} did not take it: {outcome.note or outcome.verdict.value}"
