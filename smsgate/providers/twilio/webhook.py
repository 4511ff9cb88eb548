"""What Twilio's webhook says: the text, and who answers it without us. And the way back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlencode

from msgspec import UNSET

from smsgate.domain.errors import Unreadable
from smsgate.domain.messages import InboundMessage, Intent, WebhookRequest
from smsgate.domain.signing import form_texts, instant_us
from smsgate.providers.contract import (
    FATES,
    Report,
    answered_by_network,
    check_present,
    fate_in,
    id_doubt,
    is_status_form,
    known_of,
    media_urls,
    promised_text,
    read_each,
    readable,
)
from smsgate.providers.twilio import events
from smsgate.providers.twilio.signature import (
    FORM,
    form_of,
    has_form,
    has_json,
    sign,
    signed_part,
)
from smsgate.settings import Account

_NEEDED = ("MessageSid", "From", "To")
_READ_ONCE = frozenset(
    {*_NEEDED, "AccountSid", "Body", "MessagingServiceSid", "OptOutType", "ErrorCode"}
    | {"MessageStatus", "ButtonText", "Latitude", "MessageType"}
)
_SID = re.compile(r"(SM|MM)[0-9a-f]{32}", re.ASCII)  # twilio.com/docs/glossary/what-is-a-sid
_SID_NAMES = (b"MessageSid", b"SmsMessageSid", b"OriginalRepliedMessageSid")
_PREFIXED = frozenset({"whatsapp", "rcs"})
_WORDLESS = frozenset(
    {"audio", "contacts", "document", "image", "location", "reaction", "sticker", "video"}
)
"""``MessageType`` of messages on WhatsApp that may come without words."""
_FLAGS = {"STOP": Intent.OPT_OUT, "START": Intent.OPT_IN, "HELP": Intent.HELP}
_FLAG_NAMES = {intent: name for name, intent in _FLAGS.items()}
# What Twilio answers by itself unless it was told not to. It compares the whole text, ignoring
# case (help.twilio.com, article 223134027; Advanced Opt-Out). Since March 2026 on RCS as well;
# on WhatsApp only with Advanced Opt-Out, which sets the flag.
_ANSWERED = frozenset(
    {"STOP", "UNSUBSCRIBE", "END", "QUIT", "STOPALL", "REVOKE", "OPTOUT", "CANCEL"}
    | {"START", "YES", "UNSTOP", "HELP", "INFO"}
)
_REPORTED: Mapping[str, tuple[str, str]] = {
    "21211": ("unreachable", "no phone number"),
    "21610": ("opted_out", "the number has opted out of texts from this sender"),
    "21614": ("unreachable", "no mobile number"),
    "21635": ("unreachable", "a landline"),
    "30003": ("unreachable", "the handset is off, away or out of service"),
    "30004": ("unreachable", "the number is barred from getting texts"),
    "30005": ("unreachable", "the number is unknown or no longer in use"),
    "30006": ("unreachable", "a landline, or a carrier that cannot be reached"),
    "63003": ("unreachable", "the channel does not know the number"),
    "63024": ("unreachable", "the channel cannot text the number"),
}
"""Error codes of texts that did not arrive (twilio.com/docs/api/errors) which say something of the
number; all others are about us, the text or the moment."""


def parse(request: WebhookRequest, account: Account) -> list[InboundMessage]:
    """Return the text in a verified webhook, or those in a batch of events; none for a status.

    Raises ``Unreadable`` for what is neither form nor events, no UTF-8, or lacks MessageSid, From
    or To, and ``TextMissing`` where a text lacks its Body and is no picture, no place on a map, and
    has no flag. What was chosen from buttons on WhatsApp is in ButtonText.
    """
    if has_json(request):
        parts = events.events_in(request.body)
        return read_each(parts, lambda event: _from_event(event, account, request))
    fields = _fields(request)
    if is_status_form(fields):
        return []
    check_present("The form", fields, _NEEDED, "a text from Twilio")
    their_channel, number = _address(fields["From"])
    our_channel, sender = _address(fields["To"])
    media = tuple(media_urls(fields))
    flag = _FLAGS.get(fields.get("OptOutType", "").upper())
    body = fields.get("Body", UNSET)
    kind = fields.get("MessageType", "").lower()
    wordless = bool(media or flag) or "Latitude" in fields or kind in _WORDLESS
    return [
        InboundMessage(
            account=account.name,
            message_id=fields["MessageSid"],
            number=number,
            sender=sender,
            text=promised_text(
                body or fields.get("ButtonText", body), "Body", request, optional=wordless
            ),
            channel=their_channel or our_channel or ("mms" if media else "sms"),
            service=fields.get("MessagingServiceSid", ""),
            flag=flag,
            media=media,
            doubt=_doubt(fields["MessageSid"], request),
        )
    ]


def _doubt(id_: str, request: WebhookRequest) -> str:
    return id_doubt(id_, _SID, signed_part(request), form_of(request), _SID_NAMES)


def _from_event(event: bytes, account: Account, request: WebhookRequest) -> InboundMessage | None:
    text = events.text_to_us(event)
    if text is None:
        return None
    their_channel, number = _address(text.from_)
    our_channel, sender = _address(text.to)
    flag = _FLAGS.get((text.opt_out_type or "").upper())
    wordless = flag is not None or str(text.num_media) != "0"
    return InboundMessage(
        account=account.name,
        message_id=text.message_sid,
        number=number,
        sender=sender,
        text=promised_text(text.body, "body", request, optional=wordless),
        channel=their_channel or our_channel or ("sms" if str(text.num_media) == "0" else "mms"),
        service=text.messaging_service_sid or "",
        flag=flag,
        sent_us=instant_us(text.timestamp),
        doubt=_doubt(text.message_sid, request),
    )


def reports(request: WebhookRequest, account: Account) -> list[Report]:  # noqa: ARG001
    """Return what a status callback, or events, tell of texts of ours. Raises ``Unreadable``."""
    if has_json(request):
        told = readable(events.events_in(request.body), events.text_of_ours)
        return [
            report
            for status, text in filter(None, told)
            for report in _report(text, status, str(text.error_code or ""))
        ]
    fields = _fields(request)
    if not is_status_form(fields):
        return []
    text = events.Text(
        message_sid=fields.get("MessageSid", ""),
        messaging_service_sid=fields.get("MessagingServiceSid"),
        from_=fields.get("From", ""),
        to=fields.get("To", ""),
    )
    return _report(text, fields.get("MessageStatus", ""), fields.get("ErrorCode", ""))


def _report(text: events.Text, status: str, code: str) -> list[Report]:
    kind, note = known_of(code, _REPORTED)
    fate = fate_in(status, FATES, kind)
    if not fate:
        return []
    return [
        Report(
            message_id=text.message_sid,
            number=_address(text.to)[1],
            sender=_address(text.from_)[1],
            kind=kind,
            code=code,
            note=note,
            service=text.messaging_service_sid or "",
            fate=fate,
        )
    ]


def _fields(request: WebhookRequest) -> dict[str, str]:
    """Read the form. Twilio signs repeated values sorted, so which came first proves nothing."""
    pairs = form_of(request)
    if not pairs and not has_form(request):
        raise Unreadable(f"The body is not form data; Twilio posts {FORM}.")
    return form_texts(pairs, _READ_ONCE)


def _address(address: str) -> tuple[str, str]:
    """``whatsapp:+1415…`` as channel and what follows; any other address as ``""`` and itself."""
    prefix, _, bare = address.partition(":")
    return (prefix, bare) if bare and prefix in _PREFIXED else ("", address)


def answered(message: InboundMessage) -> str:
    """Say who answers this very message without us: ``provider``, ``network`` or ``""``."""
    if answered_by_network(message):
        return "network"
    word = message.text.strip().upper()
    if message.flag is not None or (word in _ANSWERED and message.channel != "whatsapp"):
        return "provider"
    return ""


def inbound(message: InboundMessage, account: Account, url: str) -> WebhookRequest:
    """Return the webhook by which Twilio would post ``message`` to ``url``, correctly signed."""
    url = url.partition("#")[0]  # Twilio keeps the fragment, its connection settings, to itself.
    body = urlencode(_form(message, account), errors="replace").encode("ascii")
    headers = {"content-type": f"{FORM}; charset=UTF-8", **sign(url, body, account)}
    return WebhookRequest("POST", url, headers, body)


def _form(message: InboundMessage, account: Account) -> dict[str, str]:
    prefix = f"{message.channel}:" if message.channel in _PREFIXED else ""
    form = {
        "AccountSid": account.options["account_sid"],
        "ApiVersion": "2010-04-01",
        "Body": message.text,
        "From": prefix + message.number,
        "MessageSid": message.message_id,
        "NumMedia": str(len(message.media)),
        "NumSegments": "1",
        "SmsMessageSid": message.message_id,
        "SmsSid": message.message_id,
        "SmsStatus": "received",
        "To": prefix + message.sender,
    }
    form |= {f"MediaUrl{position}": media for position, media in enumerate(message.media)}
    if message.service:
        form["MessagingServiceSid"] = message.service
    if message.flag in _FLAG_NAMES:
        form["OptOutType"] = _FLAG_NAMES[message.flag]
    return form
