"""Twilio Programmable Messaging: webhooks in, Messages API out.

twilio.com/docs/messaging/guides/webhook-request, /docs/usage/security (signatures),
/docs/messaging/api/message-resource, /docs/api/errors; webhooks signed with shared keys as in
twilio-python 9.13. Read in November 2026.
Event Streams hands over the same texts, and what became of ours, as JSON (``twilio_events.py``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from urllib.parse import quote

from msgspec import UNSET

from smsgate.domain.errors import SignatureRefused
from smsgate.domain.messages import HttpCall, InboundMessage, Intent, Reply, WebhookRequest
from smsgate.domain.signed_times import instant_us
from smsgate.domain.signing import Algorithm, as_bytes, same
from smsgate.providers.base import Report, answered_by_network, promised_text
from smsgate.providers.fields import Field, secret_field
from smsgate.providers.forms import (
    Pair,
    TwilioCompatible,
    check_size,
    decoded_body,
    form_call,
    form_of,
    form_pairs,
    has_form,
    id_doubt,
    is_status_form,
    media_urls,
    signed_part,
    sorted_form,
    status_url,
    twilio_signature,
)
from smsgate.providers.signed_url import check_body_hash, url_spellings
from smsgate.providers.twilio.consents import ConsentManagement
from smsgate.providers.twilio.error_codes import CALL_CODES, REPORT_CODES
from smsgate.providers.twilio_events import (
    EventText,
    account_sids,
    events_of,
    text_to_us,
    texts_of_ours,
)
from smsgate.settings import Account

_API = "https://api.twilio.com"
_JSON = frozenset({"application/json", "application/cloudevents-batch+json"})
_SIGNATURE = "x-twilio-signature"
_SETTINGS = "x-twilio-webhooks-signature-settings"
_ALGORITHMS: Mapping[str, Algorithm] = {"hmac-sha1": "sha1", "hmac-sha256": "sha256"}
_SETTINGS_NAMES: Mapping[Algorithm, str] = {"sha1": "HMAC_SHA1", "sha256": "HMAC_SHA256"}
_NAMED_KEY = re.compile(r"(webhooks_sharedkey_\w+):(.+)")
_SID = re.compile(r"(SM|MM)[0-9a-f]{32}", re.ASCII)  # twilio.com/docs/glossary/what-is-a-sid
_SID_NAMES = (b"MessageSid", b"SmsMessageSid", b"OriginalRepliedMessageSid")
_PREFIXED = frozenset({"whatsapp", "rcs"})
_WORDLESS = frozenset(
    {"audio", "contacts", "document", "image", "location", "reaction", "sticker", "video"}
)
"""``MessageType`` of messages on WhatsApp that may come without words."""
_FLAGS = {"STOP": Intent.OPT_OUT, "START": Intent.OPT_IN, "HELP": Intent.HELP}
_FLAG_NAMES = {intent: name for name, intent in _FLAGS.items()}
# What Twilio answers by itself, by default; the whole text, ignoring case (help.twilio.com, article
# 223134027). Since March 2026 on RCS as well; on WhatsApp only by Advanced Opt-Out, with the flag.
_ANSWERED = frozenset(
    {"STOP", "UNSUBSCRIBE", "END", "QUIT", "STOPALL", "REVOKE", "OPTOUT", "CANCEL"}
    | {"START", "YES", "UNSTOP", "HELP", "INFO"}
)


class Twilio(ConsentManagement, TwilioCompatible):
    """Twilio; ``algorithm`` says whether the Auth Token or a shared key signs webhooks."""

    name = "twilio"
    label = "Twilio"
    needed = ("MessageSid", "From", "To")
    batches = True
    fields = (
        Field("account_sid", r"AC[0-9a-fA-F]{32}", "AC and 32 hexadecimal digits"),
        secret_field("auth_token", "the account's Auth Token, without blanks"),
        secret_field(
            "shared_key",
            "the secret of a SharedKey of Twilio's webhooks API, or its id, a colon and the secret",
            only_with=("algorithm", "hmac-sha256"),
        ),
        Field("algorithm", r"hmac-sha1|hmac-sha256", "hmac-sha1 or hmac-sha256", required=False),
    )
    signed_with = "auth_token"
    read_once = frozenset(
        {
            "MessageSid",
            "From",
            "To",
            "AccountSid",
            "Body",
            "MessagingServiceSid",
            "OptOutType",
            "ErrorCode",
        }
        | {"MessageStatus", "ButtonText", "Latitude", "MessageType"}
    )
    code_pages = ", see twilio.com/docs/api/errors"
    codes = CALL_CODES
    report_codes = REPORT_CODES

    # --- signature ---

    def verify(self, request: WebhookRequest, account: Account, now_us: int) -> None:
        """Return if Twilio signed the request, whole, for this account. No time is signed.

        What is not proved genuine is refused as forged (403), however broken it is; only a genuine
        request can be unreadable (400). Raises ``SignatureRefused``, and ``Unreadable`` where the
        URL is signed but nothing vouches for the body.
        """
        given = request.headers.get(_SIGNATURE, "")
        if not given:
            raise SignatureRefused("The request has no X-Twilio-Signature header.")
        is_form = has_form(request)
        check_size(request, self.label, is_form=is_form)
        pairs = form_of(request)
        form = b"" if request.method == "GET" else sorted_form(pairs)
        if not any(same(given, expected) for expected in _expected(request, account, form)):
            raise SignatureRefused(
                "The X-Twilio-Signature does not fit. It must be made with this account's secret "
                "over the public URL, exactly as it was given to Twilio, and the form."
            )
        if not is_form:
            check_body_hash(request)
        if _accounts(request, pairs) - {as_bytes(account.options.get("account_sid", ""))}:
            raise SignatureRefused("The AccountSid is not that of the account in the URL.")

    def sign(self, url: str, body: bytes, account: Account) -> dict[str, str]:
        algorithm = _algorithm(account)
        name, secret = _keys(account, algorithm)[0]
        form = sorted_form(form_pairs(body))
        headers = {_SIGNATURE: twilio_signature(url, form, secret, algorithm)}
        if algorithm == "sha256":  # Only shared keys are announced.
            headers[_SETTINGS] = f"key={name},algorithm=HMAC_SHA256"
        return headers

    # --- webhooks ---

    def parts(self, request: WebhookRequest) -> list[bytes]:
        return events_of(request.body) if _has_json(request) else [request.body]

    def message(self, request: WebhookRequest, account: Account) -> InboundMessage | None:
        """Return the text in a verified webhook, or in an event; none for a status.

        What was chosen from buttons on WhatsApp is in ButtonText.
        """
        if _has_json(request):
            return _from_event(account, request)
        fields = self.form_fields(request)
        if is_status_form(fields):
            return None
        id_ = fields.get("MessageSid", "")
        their_channel, number = _address(fields.get("From", ""))
        our_channel, sender = _address(fields.get("To", ""))
        media = tuple(media_urls(fields))
        flag = _FLAGS.get(fields.get("OptOutType", "").upper())
        body = fields.get("Body", UNSET)
        text = body or fields.get("ButtonText", body)
        kind = fields.get("MessageType", "").lower()
        wordless = bool(media or flag) or "Latitude" in fields or kind in _WORDLESS
        text, doubt = decoded_body(promised_text(text, "Body", request, optional=wordless))
        return InboundMessage(
            account=account.name,
            message_id=id_,
            number=number,
            sender=sender,
            text=text,
            channel=their_channel or our_channel or ("mms" if media else "sms"),
            service=fields.get("MessagingServiceSid", ""),
            flag=flag,
            media=media,
            doubt=_doubt(id_, request) or doubt,
        )

    def reports(self, request: WebhookRequest, account: Account) -> list[Report]:
        """Return what a status callback, or events, tell of texts of ours."""
        if _has_json(request):
            texts = texts_of_ours(request.body)
            return [report for found in texts for report in self._report(*found)]
        fields = self.form_fields(request)
        if not is_status_form(fields):
            return []
        text = EventText(
            message_sid=fields.get("MessageSid", ""),
            messaging_service_sid=fields.get("MessagingServiceSid"),
            from_=fields.get("From", ""),
            to=fields.get("To", ""),
            error_code=fields.get("ErrorCode"),
        )
        return self._report(fields.get("MessageStatus", ""), text)

    def _report(self, status: str, text: EventText) -> list[Report]:
        number, sender = _address(text.to)[1], _address(text.from_)[1]
        code, service = str(text.error_code or ""), text.messaging_service_sid or ""
        return self.report(status, code, text.message_sid, number, sender, service)

    def answered(self, message: InboundMessage) -> str:
        if answered_by_network(message):
            return "network"
        word = message.text.strip().upper()
        if message.flag is not None or (word in _ANSWERED and message.channel != "whatsapp"):
            return "provider"
        return ""

    def inbound(self, message: InboundMessage, account: Account, url: str) -> WebhookRequest:
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
        return self.posted(form, account, url)

    # --- sending ---

    def reply(self, reply: Reply, account: Account) -> HttpCall:
        """Describe the call that sends ``reply`` from the number that was texted.

        Twilio takes no idempotency key for it. With a messaging service beside ``From`` it uses
        that very sender of the service's pool.
        """
        prefix = f"{reply.channel}:" if reply.channel in _PREFIXED else ""
        form = {"To": prefix + reply.number, "From": prefix + reply.sender, "Body": reply.text}
        if reply.service:
            form["MessagingServiceSid"] = reply.service
        if url := status_url(account):
            form["StatusCallback"] = url
        sid = account.options["account_sid"]
        return form_call(
            f"{account.api_url or _API}/2010-04-01/Accounts/{quote(sid, safe='')}/Messages.json",
            form,
            headers={"Accept": "application/json"},
            auth=(sid, account.newest_secret("auth_token")),
        )


# --- signature ------------------------------------------------------------------------------------


def _expected(request: WebhookRequest, account: Account, form: bytes) -> Iterator[str]:
    """Every signature that would do. The account alone says by which algorithm."""
    algorithm = _algorithm(account)
    settings = _settings(request)
    if settings.get("algorithm", _SETTINGS_NAMES[algorithm]) != _SETTINGS_NAMES[algorithm]:
        raise SignatureRefused(
            "The request names another algorithm than the account's `algorithm`, which is "
            f"hmac-{algorithm}."
        )
    # A name can only narrow the choice among this account's secrets for this algorithm.
    keys = _keys(account, algorithm)
    named = [secret for name, secret in keys if name and name == settings.get("key")]
    for secret in named or [secret for name, secret in keys if not name]:
        yield twilio_signature(request.url, form, secret, algorithm)
        for url in url_spellings(request.url)[1:]:
            yield twilio_signature(url, form, secret, algorithm)


def _settings(request: WebhookRequest) -> dict[str, str]:
    """Read ``key=…,algorithm=…``; what is no assignment is left out."""
    given = request.headers.get(_SETTINGS, "")
    if not given:
        return {}
    parts = (part.partition("=") for part in given.split(","))
    return {name.strip(): value.strip() for name, _, value in parts if value.strip()}


def _algorithm(account: Account) -> Algorithm:
    return _ALGORITHMS[account.options.get("algorithm") or "hmac-sha1"]


def _keys(account: Account, algorithm: Algorithm) -> list[tuple[str, str]]:
    """Names (empty for most) and secrets of the account, newest first. Empty secrets are none."""
    field = "auth_token" if algorithm == "sha1" else "shared_key"
    return [_named(value) for value in account.values_of(field)]


@lru_cache(maxsize=256)
def _named(value: str) -> tuple[str, str]:
    match = _NAMED_KEY.fullmatch(value)
    return (match[1], match[2]) if match else ("", value)


def _accounts(request: WebhookRequest, pairs: tuple[Pair, ...]) -> set[bytes]:
    """The accounts that the request says it is about: one token may sign for several."""
    if not pairs and _has_json(request):
        return {as_bytes(sid) for sid in account_sids(request.body)}
    return {value for name, value in pairs if name == b"AccountSid"}


# --- webhooks -------------------------------------------------------------------------------------


def _has_json(request: WebhookRequest) -> bool:
    """Whether the request carries JSON, as Event Streams posts it."""
    return request.method != "GET" and _bare_type(request.headers.get("content-type", "")) in _JSON


@lru_cache(maxsize=16)
def _bare_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _address(address: str) -> tuple[str, str]:
    """``whatsapp:+1415…`` as channel and what follows; any other address as ``""`` and itself."""
    prefix, _, bare = address.partition(":")
    return (prefix, bare) if bare and prefix in _PREFIXED else ("", address)


def _doubt(id_: str, request: WebhookRequest) -> str:
    return id_doubt(id_, _SID, signed_part(request), form_of(request), _SID_NAMES)


def _from_event(account: Account, request: WebhookRequest) -> InboundMessage | None:
    """The text of an event if it came in; None for events of other kinds."""
    text = text_to_us(request.body)
    if text is None:
        return None
    their_channel, number = _address(text.from_)
    our_channel, sender = _address(text.to)
    flag = _FLAGS.get((text.opt_out_type or "").upper())
    has_media = str(text.num_media) != "0"
    is_optional = flag is not None or has_media
    body, doubt = decoded_body(promised_text(text.body, "body", request, optional=is_optional))
    return InboundMessage(
        account=account.name,
        message_id=text.message_sid,
        number=number,
        sender=sender,
        text=body,
        channel=their_channel or our_channel or ("mms" if has_media else "sms"),
        service=text.messaging_service_sid or "",
        flag=flag,
        sent_us=instant_us(text.timestamp),
        doubt=_doubt(text.message_sid, request) or doubt,
    )
