"""What SignalWire's webhook says: the text, or the fate of a text of ours. And the way back."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from msgspec import UNSET

from smsgate.domain.errors import Unreadable
from smsgate.domain.messages import InboundMessage, WebhookRequest
from smsgate.domain.signing import form_texts
from smsgate.providers.contract import (
    FATES,
    UUID,
    Report,
    check_present,
    fate_in,
    id_doubt,
    is_status_form,
    known_of,
    media_urls,
    promised_text,
)
from smsgate.providers.signalwire.signature import FORM, form_of, has_form, sign, signed_part
from smsgate.settings import Account

_NEEDED = ("MessageSid", "From", "To")
_ID_NAMES = (b"MessageSid", b"SmsMessageSid")
_READ_ONCE = frozenset(
    {*_NEEDED, "AccountSid", "Body", "MessagingServiceSid"} | {"ErrorCode", "MessageStatus"}
)
_REPORTED: Mapping[str, tuple[str, str]] = {
    "21610": ("opted_out", "the number has blocked this sender"),
    "30003": ("unreachable", "the handset cannot be reached"),
    "30005": ("unreachable", "the number is unknown or no longer in use"),
    "30006": ("unreachable", "a landline, or a carrier that cannot be reached"),
}
"""Codes of a status callback; SignalWire keeps Twilio's numbers."""


def parse(request: WebhookRequest, account: Account) -> list[InboundMessage]:
    """Return the text in a verified webhook; none for a status callback.

    Raises ``Unreadable`` for what is no form, no UTF-8, or lacks MessageSid, From or To, and
    ``TextMissing`` where a text without media lacks its Body.
    """
    fields = _fields(request)
    if is_status_form(fields):
        return []
    check_present("The form", fields, _NEEDED, "a text")
    media, id_ = tuple(media_urls(fields)), fields["MessageSid"]
    return [
        InboundMessage(
            account=account.name,
            message_id=id_,
            number=fields["From"],
            sender=fields["To"],
            text=promised_text(fields.get("Body", UNSET), "Body", request, optional=bool(media)),
            channel="mms" if media else "sms",
            service=fields.get("MessagingServiceSid", ""),
            media=media,
            doubt=id_doubt(id_, UUID, signed_part(request), form_of(request), _ID_NAMES),
        )
    ]


def reports(request: WebhookRequest, account: Account) -> list[Report]:  # noqa: ARG001
    """Return what a status callback tells of a text of ours. Raises ``Unreadable``."""
    fields = _fields(request)
    code = fields.get("ErrorCode", "")
    kind, note = known_of(code, _REPORTED)
    fate = fate_in(fields.get("MessageStatus", ""), FATES, kind)
    if not fate or not is_status_form(fields):
        return []
    return [
        Report(
            message_id=fields.get("MessageSid", ""),
            number=fields.get("To", ""),
            sender=fields.get("From", ""),
            kind=kind,
            code=code,
            note=note,
            service=fields.get("MessagingServiceSid", ""),
            fate=fate,
        )
    ]


def _fields(request: WebhookRequest) -> dict[str, str]:
    if not has_form(request):
        raise Unreadable(f"The body is not form data; a cXML webhook posts {FORM}.")
    return form_texts(form_of(request), _READ_ONCE)


def inbound(message: InboundMessage, account: Account, url: str) -> WebhookRequest:
    """Return the webhook by which SignalWire would post ``message`` to ``url``, signed."""
    url = url.partition("#")[0]  # SignalWire keeps the fragment, its time limits, to itself.
    form = {
        "AccountSid": account.options["project_id"],
        "ApiVersion": "2010-04-01",
        "Body": message.text,
        "From": message.number,
        "MessageSid": message.message_id,
        "NumMedia": str(len(message.media)),
        "SmsStatus": "received",
        "To": message.sender,
    }
    form |= {f"MediaUrl{position}": media for position, media in enumerate(message.media)}
    if message.service:
        form["MessagingServiceSid"] = message.service
    body = urlencode(form, errors="replace").encode("ascii")
    return WebhookRequest("POST", url, {"content-type": FORM, **sign(url, body, account)}, body)
