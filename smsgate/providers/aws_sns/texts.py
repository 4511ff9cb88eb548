"""What a notification says: a text to us, or the fate of a text of ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import msgspec
from msgspec import UNSET

from smsgate.domain.errors import AccountNotReady, Unreadable
from smsgate.domain.messages import InboundMessage, WebhookRequest
from smsgate.domain.phone import is_toll_free
from smsgate.domain.signing import instant_us
from smsgate.providers.aws_sns.notification import Envelope, envelope_of
from smsgate.providers.contract import (
    GivenText,
    Report,
    answered_by_network,
    known_of,
    promised_text,
    read_json,
)
from smsgate.settings import Account

# The keywords that AWS wants every number to have. It says that it answers what begins with one,
# but not where a keyword ends; so this is the whole text, ignoring case: where AWS has answered
# a longer one, our confirmation is refused as DESTINATION_PHONE_NUMBER_OPTED_OUT and nobody is
# told twice, while a silence that is not kept would leave the subscriber without any answer.
_ANSWERED = frozenset(
    {"ARRET", "CANCEL", "END", "OPT-OUT", "OPTOUT", "QUIT", "REMOVE", "STOP", "TD"}
    | {"UNSUBSCRIBE", "HELP"}
)
_FATES = {
    "DELIVERED": "delivered",
    "CARRIER_BLOCKED": "undelivered",
    "CARRIER_UNREACHABLE": "undelivered",
    "SPAM": "undelivered",
    "TTL_EXPIRED": "undelivered",
    "UNKNOWN": "undelivered",
    "UNREACHABLE": "undelivered",
    "BLOCKED": "failed",
    "INVALID": "failed",
    "INVALID_MESSAGE": "failed",
    "PROTECT_BLOCKED": "failed",
}
"""Behind ``TEXT_`` or ``MEDIA_``. ``SUCCESSFUL`` is none: it may be followed by another one."""
_REPORTED: Mapping[str, tuple[str, str]] = {
    "TEXT_INVALID": ("unreachable", "the number is not valid"),
    "MEDIA_INVALID": ("unreachable", "the number is not valid"),
}


class _Inner(msgspec.Struct, rename="camel"):
    """A text to us (the first four), or an event of a text of ours."""

    origination_number: str = ""
    destination_number: str = ""
    message_body: GivenText = UNSET
    inbound_message_id: str = ""
    event_type: str = ""
    message_id: str = ""
    origination_phone_number: str = ""
    destination_phone_number: str = ""


_INNER = msgspec.json.Decoder(_Inner)


def parse(request: WebhookRequest, account: Account) -> list[InboundMessage]:
    """Return the text in a verified notification; none for events of texts of ours.

    Raises ``Unreadable`` for what is no JSON of End User Messaging, ``TextMissing`` where it lacks
    messageBody.
    """
    envelope = envelope_of(request)
    inner = _inner(envelope)
    if inner is None or inner.event_type:
        return []
    if not (inner.inbound_message_id and inner.origination_number and inner.destination_number):
        raise Unreadable(
            "The Message lacks inboundMessageId, originationNumber or destinationNumber; a text "
            "from End User Messaging has them all."
        )
    inside = replace(request, body=envelope.message.encode("utf-8", "replace"))
    return [
        InboundMessage(
            account=account.name,
            message_id=inner.inbound_message_id,
            number=inner.origination_number,
            sender=inner.destination_number,
            text=promised_text(inner.message_body, "messageBody", inside),
            sent_us=instant_us(envelope.timestamp),
        )
    ]


def reports(request: WebhookRequest, account: Account) -> list[Report]:  # noqa: ARG001
    """Return what became of a text of ours, where the topic is an event destination, too."""
    inner = _inner(envelope_of(request))
    fate = _FATES.get(inner.event_type.partition("_")[2], "") if inner is not None else ""
    if inner is None or not fate:
        return []
    kind, note = known_of(inner.event_type, _REPORTED)
    number, sender = inner.destination_phone_number, inner.origination_phone_number
    return [Report(inner.message_id, number, sender, kind, inner.event_type, note, fate=fate)]


def answered(message: InboundMessage) -> str:
    """Say who answers this very message without us: ``provider``, ``network`` or ``""``."""
    if is_toll_free(message.sender):
        return "network" if answered_by_network(message) else ""
    return "provider" if message.text.strip().upper() in _ANSWERED else ""


def inbound(message: InboundMessage, account: Account, url: str) -> WebhookRequest:
    """Raise ``AccountNotReady``: nobody but AWS can sign as AWS, not even to try things out."""
    del message, url
    raise AccountNotReady(
        f"Notifications for account {account.name!r} are signed by AWS alone, so none can be made "
        "here; text the number itself."
    )


def _inner(envelope: Envelope) -> _Inner | None:
    """What stands in ``Message``; nothing where the envelope is about a subscription."""
    if envelope.type != "Notification":
        return None
    return read_json(envelope.message.encode("utf-8", "replace"), _INNER, "End User Messaging")
