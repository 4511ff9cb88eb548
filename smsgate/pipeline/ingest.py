"""Ingest: from a provider's request to its acknowledgement. Verify, classify, store; not more."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

import structlog

from smsgate.classifier import Classifier
from smsgate.consent.rules import scope_of
from smsgate.content import CurrentContent
from smsgate.domain.errors import (
    AccountNotReady,
    CallFailed,
    SignatureExpired,
    SignatureRefused,
    SmsGateError,
    SpoolUnavailable,
    StoreUnavailable,
    UnknownAccount,
)
from smsgate.domain.messages import (
    AddResult,
    Arrival,
    Decision,
    Entry,
    HttpReply,
    InboundMessage,
    Intent,
    WebhookRequest,
)
from smsgate.domain.phone import is_e164, masked, sender_number
from smsgate.domain.signing import is_form
from smsgate.outbound import Outbound
from smsgate.outbound.certificates import SigningCertificates
from smsgate.pipeline.forwards import content_to_forward
from smsgate.pipeline.provider_reports import report_entry, take_receipts
from smsgate.pipeline.refused_requests import RefusedRequests
from smsgate.pipeline.spool import Spool
from smsgate.providers import PROVIDERS, usable
from smsgate.providers.base import Handshake, PartUnreadable, Provider, Report, TextMissing
from smsgate.settings import Account, Settings
from smsgate.store.store import Store

_SHOWN_IDS = 10
"""Ids of one request that its log line has."""
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class IngestResult:
    """The answer to a provider, and what the log line of the webhook says."""

    answer: HttpReply
    outcome: str
    """Intents of the messages, ``duplicate``, or ``nothing`` where there was no message."""
    numbers: str
    """Masked."""
    message_ids: str = ""
    """The provider's own."""


class Ingest:
    """Takes in the webhooks of providers: one call of ``receive`` for each."""

    def __init__(
        self,
        settings: Settings,
        content: CurrentContent,
        store: Store,
        spool: Spool,
        outbound: Outbound,
        refused: RefusedRequests,
    ) -> None:
        """``refused`` notes what could not be verified."""
        self._settings = settings
        self._usable = {name for name, one in settings.accounts.items() if usable(one)}
        self._content = content
        self._store = store
        self._spool = spool
        self._outbound = outbound
        self._certificates = SigningCertificates(outbound)
        self._refused = refused
        self._accepted_until: dict[str, float] = {}

    def receive(self, account_name: str, request: WebhookRequest) -> IngestResult:
        """Verify, understand and store what a provider posts; the result has the answer.

        Raises the family of ``WebhookError``, and ``StoreUnavailable``; nothing is acknowledged
        then.
        """
        try:
            result = self._receive(account_name, request)
        except (SignatureRefused, TextMissing) as error:
            self._refused.note(self._settings.accounts[account_name], request, error)
            raise
        now = time.monotonic()
        if now >= self._accepted_until.get(account_name, 0.0):
            account = self._settings.accounts[account_name]
            self._accepted_until[account_name] = self._refused.note_accepted(account, request)
        return result

    def _receive(self, account_name: str, request: WebhookRequest) -> IngestResult:
        account, provider = self._account(account_name)
        expired = self._verify(account, provider, request)
        handshake = provider.handshake(request, account)
        if handshake is not None:
            return self._answer_handshake(handshake)
        unreadable: PartUnreadable | None = None
        try:
            messages = provider.parse(request, account)
        except PartUnreadable as error:  # the parts that can be read count
            messages, unreadable = [*error.others], error
        arrivals = [
            self.arrival_of(one, request, account, provider, expired=expired) for one in messages
        ]
        ids = _shown_ids([(one.message_id, one.number) for one in messages])
        try:
            if expired:
                arrivals = [one for one in arrivals if one.entry.decision.intent.stops]
                if not arrivals:
                    raise SignatureExpired("the request is outside its signature's time window")
            outcomes = self._store_arrivals(arrivals)
            if not messages or (
                provider.batches and not is_form(request.headers.get("content-type", ""))
            ):
                reports = provider.reports(request, account)
                ids = ids or _shown_ids([(one.message_id, one.number) for one in reports])
                outcomes += self._store_reports(reports, account)
            if unreadable is not None:
                raise unreadable
        except SmsGateError as error:
            error.message_ids = ids
            raise
        return IngestResult(
            answer=provider.acknowledgement(account),
            outcome=" ".join(outcomes) or "nothing",
            numbers=" ".join(masked(arrival.entry.number) for arrival in arrivals),
            message_ids=ids,
        )

    def arrival_of(
        self,
        message: InboundMessage,
        request: WebhookRequest,
        account: Account,
        provider: Provider,
        *,
        expired: bool,
    ) -> Arrival:
        """The entry of a message in a request.

        ``expired``: signed rightly, but too long ago or too early; that goes on to nobody.
        """
        program = self._settings.programs.route(account, message.sender, message.service)
        region = program.region if program is not None else ""
        message = replace(message, number=sender_number(message.number, region))
        scope = ""
        forward_content = None
        if program is None:
            decision = _unrouted(message, self._content.value.classifiers.values())
        else:
            decision = decide(message, self._content.value.classifiers[program.name])
            scope = scope_of(decision, program)
            if program.forward is not None and not expired:
                forward_content = content_to_forward(message, request, program.forward)
        entry = Entry(
            number=message.number,
            program=program.name if program else "",
            decision=decision,
            scope=scope,
            account=account.name,
            message_id=message.message_id,
            sender=message.sender,
            service=message.service,
            # A carrier may have cut a surrogate pair in half.
            text=message.text.encode("utf-8", "replace").decode(),
            channel=message.channel,
            answered=provider.answered(message),
            phone=is_e164(message.number),
            expired=expired,
            forward_content=forward_content,
        )
        fingerprint = ""
        if not message.message_id:  # the same text to the same sender is the same message
            fingerprint = sha256(f"{entry.sender}\n{entry.text}".encode()).hexdigest()[:16]
        return Arrival(entry, message.sent_us, fingerprint)

    def _verify(self, account: Account, provider: Provider, request: WebhookRequest) -> bool:
        """Verify a request; return whether only its time is wrong. Raises ``SignatureRefused``."""
        call = provider.certificate(request, account)
        if call is not None:
            request = replace(request, certificate=self._certificates.of(call))
        try:
            provider.verify(request, account, time.time_ns() // 1000)
        except SignatureExpired:
            return True
        return False

    def _account(self, name: str) -> tuple[Account, Provider]:
        account = self._settings.accounts.get(name)
        if account is None:
            # Without the name: where an address is put together wrongly, it may be a secret.
            raise UnknownAccount("there is no account of that name here")
        if name not in self._usable:
            raise AccountNotReady(f"account {name!r} has no secret yet, so nothing can be verified")
        return account, PROVIDERS[account.provider]

    def _answer_handshake(self, handshake: Handshake) -> IngestResult:
        """Make the call that a provider wants before it sends, then answer."""
        if handshake.call is not None:
            try:
                self._outbound.perform(handshake.call)
            except CallFailed as error:
                raise AccountNotReady(f"the endpoint could not be confirmed: {error}") from error
        return IngestResult(handshake.answer, "handshake", "")

    def _store_reports(self, reports: list[Report], account: Account) -> list[str]:
        """Store what a provider reports of texts of ours: opt-outs, dead numbers, receipts."""
        found = [report_entry(self._settings, account, one) for one in reports if one.kind]
        outcomes = self._store_arrivals([*map(Arrival, found)])
        taken = take_receipts(self._store, account.name, reports)
        return outcomes or ["receipt"] * bool(taken)

    def _store_arrivals(self, arrivals: list[Arrival]) -> list[str]:
        """Add entries that have an effect to the inbox, and the others to the sample log.

        Returns what each is counted as: its intent, ``unrouted`` or ``duplicate``.
        """
        labels = [label_of(arrival.entry) for arrival in arrivals]
        lasting: dict[int, Arrival] = {}
        for place, arrival in enumerate(arrivals):
            if _has_effect(arrival.entry):
                lasting[place] = arrival
            else:
                self._store.sample_log.note(arrival.entry)
        if lasting:
            for place, one in zip(lasting, self._add([*lasting.values()]), strict=True):
                if one.duplicate:
                    labels[place] = "duplicate"
        return labels

    def _add(self, lasting: list[Arrival]) -> Sequence[AddResult]:
        """Add them to the inbox; if the store fails, keep them in the spool and raise."""
        try:
            return self._store.inbox.add(lasting)
        except StoreUnavailable:
            try:
                self._spool.keep(lasting)
            except SpoolUnavailable as error:
                _log.error("spool", problem=str(error))
            raise


def _shown_ids(messages: Sequence[tuple[str, str]]) -> str:
    """The provider's ids of messages for the log, by id and number; the first ones of many.

    Where an id is made of the number, that is masked in it.
    """
    ids = [
        id_.replace(number.lstrip("+"), "•••") if number.lstrip("+") else id_
        for id_, number in messages[:_SHOWN_IDS]
        if id_
    ]
    more = len(messages) - _SHOWN_IDS
    return " ".join([*ids, f"+{more}"] if more > 0 else ids)


def _has_effect(entry: Entry) -> bool:
    """Whether an entry belongs into the inbox: all but ordinary texts, which ask for nothing.

    An ordinary text does too, where no program has its sender or it is forwarded to an application.
    """
    ordinary = entry.decision.intent is Intent.NONE and entry.source == "text"
    return not ordinary or not entry.program or entry.forward_content is not None


def label_of(entry: Entry) -> str:
    """What an entry is counted as: its intent, or ``unrouted``."""
    return entry.decision.intent.value if entry.program else "unrouted"


def _unrouted(message: InboundMessage, classifiers: Iterable[Classifier]) -> Decision:
    """The decision on a text to a sender of no program; an opt-out blocks nobody there."""
    stops = any(decide(message, one).intent.stops for one in classifiers)
    intent = Intent.OPT_OUT if stops else Intent.NONE
    return Decision(intent, rule="unrouted", note="no program has this sender")


def decide(message: InboundMessage, classifier: Classifier) -> Decision:
    """What a message asks for.

    A provider's STOP flag is an opt-out whatever the text says, its START flag an opt-in: the
    provider has already acted on it. Everything else is for the classifier. A message that is
    in doubt may be an old one or another: only an opt-out counts at once, all else goes to a
    person.
    """
    decision = classifier.classify(message.text, message.number)
    flag, intent = message.flag, decision.intent
    if flag is not None and intent is not flag and not (intent.stops and flag.stops):
        decision = Decision(
            intent=flag,
            rule="provider_flag",
            language=decision.language,
            version=classifier.version,
            note=f"the provider of account {message.account} took the text for {flag}",
        )
    if not message.doubt or decision.intent.stops:
        return decision
    return Decision(
        intent=Intent.REVIEW,
        rule="doubtful",
        language=decision.language,
        version=classifier.version,
        note=message.doubt,
    )
