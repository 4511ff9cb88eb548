"""In: from a provider's request to its acknowledgement. Verify, understand, store; nothing slow."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from smsgate.errors import (
    AccountNotReady,
    InvalidNumber,
    SpoolUnavailable,
    StoreUnavailable,
    UnknownAccount,
)
from smsgate.gateway.waking import wake
from smsgate.logs import masked
from smsgate.messages import (
    Added,
    Arrival,
    Decision,
    Entry,
    HttpReply,
    InboundMessage,
    Intent,
    WebhookRequest,
)
from smsgate.optout import Classifier
from smsgate.optout.policy import decide, scope_of
from smsgate.phone import e164, is_e164
from smsgate.providers import PROVIDERS, usable
from smsgate.providers.contract import Provider
from smsgate.queue import Wakes
from smsgate.settings import Account, Settings
from smsgate.spool import Spool
from smsgate.store import Store

_log = structlog.get_logger()
_UNROUTED = Decision(Intent.NONE, rule="unrouted", note="no program has this sender")


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer to a provider, and what the log line of the webhook says."""

    answer: HttpReply
    outcome: str
    """Intents of the messages, ``duplicate``, or ``nothing`` where there was no message."""
    numbers: str
    """Masked."""


class Receiving:
    """The first movement."""

    def __init__(
        self,
        settings: Settings,
        classifiers: Mapping[str, Classifier],
        store: Store,
        spool: Spool,
        wakes: Wakes,
    ) -> None:
        """Use these collaborators."""
        self._settings = settings
        self._classifiers = classifiers
        self._store = store
        self._spool = spool
        self._wakes = wakes

    def receive(self, name: str, request: WebhookRequest) -> Receipt:
        """See ``Gateway.receive``."""
        account, provider = self._genuine(name, request)
        arrivals = [
            Arrival(self._entry(message, account, provider), message.sent_us)
            for message in provider.parse(request, account)
        ]
        outcomes = self._keep(arrivals)
        return Receipt(
            answer=provider.ACK,
            outcome=" ".join(outcomes) or "nothing",
            numbers=" ".join(masked(arrival.entry.number) for arrival in arrivals),
        )

    def verify(self, name: str, request: WebhookRequest) -> None:
        """See ``Gateway.verify``."""
        self._genuine(name, request)

    def _genuine(self, name: str, request: WebhookRequest) -> tuple[Account, Provider]:
        account = self._settings.accounts.get(name)
        if account is None:
            raise UnknownAccount(f"there is no account {name!r} here")
        if not usable(account):
            raise AccountNotReady(f"account {name!r} has no secret yet, so nothing can be verified")
        provider = PROVIDERS[account.provider]
        provider.verify(request, account, time.time_ns() // 1000)
        return account, provider

    def _keep(self, arrivals: list[Arrival]) -> list[str]:
        """Store what has an effect durably, note the rest; gives what became of each."""
        lasting = [arrival for arrival in arrivals if _has_effect(arrival.entry)]
        for arrival in arrivals:
            if not _has_effect(arrival.entry):
                self._store.trail.note(arrival.entry)
        if not lasting:
            return [arrival.entry.decision.intent.value for arrival in arrivals]
        added, lanes = self._add(lasting)
        wake(self._wakes.inbox, lanes)
        known = {id(arrival) for arrival, one in zip(lasting, added, strict=True) if one.duplicate}
        return [
            "duplicate" if id(arrival) in known else _label(arrival.entry) for arrival in arrivals
        ]

    def _add(self, lasting: list[Arrival]) -> tuple[list[Added], list[int]]:
        """Into the inbox; where that cannot be, onto disk, and the provider is told so."""
        try:
            return self._store.inbox.add(lasting)
        except StoreUnavailable:
            try:
                self._spool.keep(lasting)
            except SpoolUnavailable as error:
                _log.error("spool", problem=str(error))
            raise

    def _entry(self, message: InboundMessage, account: Account, provider: Provider) -> Entry:
        program = self._settings.programs.route(account, message.sender, message.service)
        decision, scope = _UNROUTED, ""
        if program is not None:
            decision = decide(message, self._classifiers[program.name])
            scope = scope_of(decision, program)
        number, phone = _subscriber(message.number)
        return Entry(
            number=number,
            program=program.name if program else "",
            decision=decision,
            scope=scope,
            account=account.name,
            message_id=message.message_id,
            sender=message.sender,
            service=message.service,
            text=message.text,
            channel=message.channel,
            answered=provider.answered(message),
            phone=phone,
        )


def _has_effect(entry: Entry) -> bool:
    """Everything but a plain ``none``; an unrouted text is kept so that an operator sees it."""
    return entry.decision.intent is not Intent.NONE or not entry.program


def _label(entry: Entry) -> str:
    return entry.decision.intent.value if entry.program else "unrouted"


def _subscriber(number: str) -> tuple[str, bool]:
    """The number as the gate reads it, and whether it is a phone number at all."""
    if not is_e164(number):
        return number, False
    try:
        return e164(number), True
    except InvalidNumber:
        return number, True
