"""From a provider's message to the entry that goes into the inbox: routed and understood."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

from smsgate.classifier import Classifier
from smsgate.consent.transitions import scope_of
from smsgate.domain.errors import InvalidNumber
from smsgate.domain.messages import Arrival, Decision, Entry, InboundMessage, Intent, WebhookRequest
from smsgate.domain.phone import e164, is_e164
from smsgate.pipeline.forwards import content_to_forward
from smsgate.providers.base import Provider
from smsgate.settings import Account, Settings

_UNROUTED = Decision(Intent.NONE, rule="unrouted", note="no program has this sender")


class Entering:
    """Asks the rules what a message means for its program."""

    def __init__(self, settings: Settings, classifiers: Mapping[str, Classifier]) -> None:
        """Use the programs of the settings and their classifiers."""
        self._programs = settings.programs
        self._classifiers = classifiers

    def arrival(
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
        program = self._programs.route(account, message.sender, message.service)
        decision, scope = _UNROUTED, ""
        if program is not None:
            decision = decide(message, self._classifiers[program.name])
            scope = scope_of(decision, program)
        number, phone = _subscriber(message.number)
        forward_content = None
        if program is not None and program.forward is not None and not expired:
            forward_content = content_to_forward(message, request, program.forward)
        entry = Entry(
            number=number,
            program=program.name if program else "",
            decision=decision,
            scope=scope,
            account=account.name,
            message_id=message.message_id,
            sender=message.sender,
            service=message.service,
            text=_sound(message.text),
            channel=message.channel,
            answered=provider.answered(message),
            phone=phone,
            expired=expired,
            forward_content=forward_content,
        )
        return Arrival(entry, message.sent_us, "" if message.message_id else _fingerprint(entry))


def decide(message: InboundMessage, classifier: Classifier) -> Decision:
    """What a message asks for.

    A provider's STOP flag is an opt-out whatever the text says, its START flag an opt-in: the
    provider has already acted on it. Everything else is for the classifier. A message that is
    in doubt may be an old one or another: only an opt-out counts at once, all else goes to a
    person.
    """
    decision = classifier.classify(message.text, message.number)
    if message.flag is not None and not _agrees(decision.intent, message.flag):
        decision = Decision(
            intent=message.flag,
            rule="provider_flag",
            language=decision.language,
            version=classifier.version,
            note=f"the provider of account {message.account} took the text for {message.flag}",
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


def _agrees(intent: Intent, flag: Intent) -> bool:
    return intent is flag or (intent.stops and flag.stops)


def _fingerprint(entry: Entry) -> str:
    """Where a provider gives no ids: the same text to the same sender is the same message."""
    return sha256(f"{entry.sender}\n{entry.text}".encode()).hexdigest()[:16]


def _sound(text: str) -> str:
    """Half of a surrogate pair, cut off by some carriers, cannot be stored; the rest can."""
    return text.encode("utf-8", "replace").decode()


def _subscriber(number: str) -> tuple[str, bool]:
    """The number as the gate reads it, and whether it is a phone number at all."""
    if not is_e164(number):
        return number, False
    try:
        return e164(number), True
    except InvalidNumber:
        return number, True
