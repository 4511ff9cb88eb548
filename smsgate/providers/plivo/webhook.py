"""What Plivo's webhook says: the text, who answers it without us, the fate of ours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlencode

from msgspec import UNSET

from smsgate.domain.errors import Unreadable
from smsgate.domain.messages import InboundMessage, Intent, WebhookRequest
from smsgate.domain.phone import with_plus
from smsgate.domain.signing import form_texts
from smsgate.providers.contract import (
    UUID,
    GivenText,
    Report,
    check_present,
    fate_in,
    id_doubt,
    known_of,
    promised_text,
)
from smsgate.providers.plivo.signature import (
    FORM,
    form_of,
    has_form,
    nonce_of,
    sign,
    signed_part,
    vouches_for_the_form,
)
from smsgate.settings import Account

_NEEDED = ("MessageUUID", "From", "To")
_ID_NAMES = (b"MessageUUID", b"ParentMessageUUID")
_READ_ONCE = frozenset(
    {*_NEEDED, "Text", "Body", "Type", "MessageIntent", "PowerpackUUID"}
    | {"Status", "ErrorCode", "ContentType"}
)
_CHANNELS = {"mms": "mms", "whatsapp": "whatsapp"}
_FLAGS = {"optout": Intent.OPT_OUT, "optin": Intent.OPT_IN, "help": Intent.HELP}
_FLAG_NAMES = {intent: name for name, intent in _FLAGS.items()}
_MEDIA = re.compile(r"Media([0-9]{1,3})")
_FATES = {
    "delivered": "delivered",
    "undelivered": "undelivered",
    "failed": "failed",
    "rejected": "failed",
}
_REPORTED: Mapping[str, tuple[str, str]] = {
    "50": ("unreachable", "no number that can be texted"),
    "70": ("unreachable", "the number is out of service for good"),
    "200": ("opted_out", "the number has sent STOP to this sender"),
}


def parse(request: WebhookRequest, account: Account) -> list[InboundMessage]:
    """Return the text in a verified webhook; none for the status of a text of ours.

    Raises ``Unreadable`` for what is no form, no UTF-8, or lacks MessageUUID, From or To, and
    ``TextMissing`` where a text has neither words nor media nor a flag.
    """
    fields = _fields(request)
    if _is_status(fields):
        return []
    check_present("The form", fields, _NEEDED, "a text from Plivo")
    id_, doubt = nonce_of(request, account), ""
    if vouches_for_the_form(account):
        id_ = fields["MessageUUID"]
        doubt = id_doubt(id_, UUID, signed_part(request, account), form_of(request), _ID_NAMES)
    media, flag = _media(fields), _FLAGS.get(fields.get("MessageIntent", "").lower())
    kind = (fields.get("ContentType") or "text").lower()
    wordless = bool(media or flag) or kind != "text"
    return [
        InboundMessage(
            account=account.name,
            message_id=id_,
            number=with_plus(fields["From"]),
            sender=with_plus(fields["To"]),
            text=promised_text(_words(fields), "Text or Body", request, optional=wordless),
            channel=_CHANNELS.get(fields.get("Type", "").lower(), "sms"),
            service=fields.get("PowerpackUUID", ""),
            flag=flag,
            media=media,
            doubt=doubt,
        )
    ]


def _words(fields: Mapping[str, str]) -> GivenText:
    """``Text`` of SMS, ``Body`` of MMS and WhatsApp."""
    return fields.get("Text") or fields.get("Body", fields.get("Text", UNSET))


def reports(request: WebhookRequest, account: Account) -> list[Report]:  # noqa: ARG001
    """Return what became of a text of ours."""
    fields = _fields(request)
    code = fields.get("ErrorCode", "")
    kind, note = known_of(code, _REPORTED)
    fate = fate_in(fields.get("Status", ""), _FATES, kind)
    if not fate or not _is_status(fields):
        return []
    return [
        Report(
            message_id=fields.get("MessageUUID", ""),
            number=with_plus(fields.get("To", "")),
            sender=with_plus(fields.get("From", "")),
            kind=kind,
            code=code,
            note=note,
            service=fields.get("PowerpackUUID", ""),
            fate=fate,
        )
    ]


def inbound(message: InboundMessage, account: Account, url: str) -> WebhookRequest:
    """Return the webhook by which Plivo would post ``message`` to ``url``, correctly signed."""
    form = {
        "From": message.number.removeprefix("+"),
        "MessageIntent": _FLAG_NAMES.get(message.flag, "") if message.flag else "",
        "MessageUUID": message.message_id,
        "PowerpackUUID": message.service,
        "Body" if message.channel in _CHANNELS else "Text": message.text,
        "To": message.sender.removeprefix("+"),
        "TotalAmount": "0",
        "TotalRate": "0",
        "Type": message.channel if message.channel in _CHANNELS else "sms",
        "Units": "1",
    }
    form |= {f"Media{number}": media for number, media in enumerate(message.media, 1)}
    body = urlencode(form, errors="replace").encode("ascii")
    bare = WebhookRequest("POST", url, {"content-type": FORM}, body)
    return WebhookRequest("POST", url, sign(bare, message.message_id, account), body)


def _fields(request: WebhookRequest) -> dict[str, str]:
    """Read the form. Plivo signs repeated values sorted, so which came first proves nothing."""
    if not has_form(request):
        raise Unreadable(f"The body is not form data; Plivo posts {FORM}.")
    return form_texts(form_of(request), _READ_ONCE)


def _is_status(fields: Mapping[str, str]) -> bool:
    """Whether this is about a text of ours. In doubt it is one to us, which must not be lost."""
    return "Status" in fields and not {"Text", "Body", "MediaCount"} & fields.keys()


def _media(fields: Mapping[str, str]) -> tuple[str, ...]:
    found = ((_MEDIA.fullmatch(name), url) for name, url in fields.items())
    return tuple(url for _, url in sorted((int(match[1]), url) for match, url in found if match))
