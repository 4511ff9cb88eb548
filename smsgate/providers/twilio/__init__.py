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

from smsgate.domain.errors import SignatureRefused
from smsgate.domain.messages import InboundMessage, WebhookRequest
from smsgate.domain.signed_times import instant_us
from smsgate.domain.signing import Algorithm
from smsgate.providers.base import Report, answered_by_network, decoded_body, promised_text
from smsgate.providers.fields import Field, secret_field
from smsgate.providers.forms import (
    TwilioCompatible,
    address,
    every_signature,
    form_of,
    form_pairs,
    sorted_form,
    twilio_signature,
)
from smsgate.providers.twilio.consents import ConsentManagement
from smsgate.providers.twilio.error_codes import CALL_CODES, REPORT_CODES
from smsgate.providers.twilio_events import RECEIVED, account_sids, events_of, read_event
from smsgate.providers.twilio_requests import FLAGS
from smsgate.settings import Account

_API = "https://api.twilio.com"
_JSON = frozenset({"application/json", "application/cloudevents-batch+json"})
_SETTINGS = "x-twilio-webhooks-signature-settings"
_ALGORITHMS: Mapping[str, Algorithm] = {"hmac-sha1": "sha1", "hmac-sha256": "sha256"}
_SETTINGS_NAMES: Mapping[Algorithm, str] = {"sha1": "HMAC_SHA1", "sha256": "HMAC_SHA256"}
_NAMED_KEY = re.compile(r"(webhooks_sharedkey_\w+):(.+)")
_SID = re.compile(r"(SM|MM)[0-9a-f]{32}", re.ASCII)  # twilio.com/docs/glossary/what-is-a-sid
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
    batches = True
    fields = (
        Field("account_sid", "AC and 32 hexadecimal digits", r"AC[0-9a-fA-F]{32}"),
        secret_field("auth_token", "the account's Auth Token, without blanks"),
        secret_field(
            "shared_key",
            "the secret of a SharedKey of Twilio's webhooks API, or its id, a colon and the secret",
            only_with=("algorithm", "hmac-sha256"),
        ),
        Field("algorithm", "hmac-sha1 or hmac-sha256", r"hmac-sha1|hmac-sha256", required=False),
    )
    signed_with = sends_with = "auth_token"
    signature_header = "x-twilio-signature"
    account_key = "account_sid"
    published_id = _SID
    has_services = True
    code_pages = ", see twilio.com/docs/api/errors"
    errors = CALL_CODES
    report_codes = REPORT_CODES

    # --- signature ---

    def expected(self, request: WebhookRequest, account: Account) -> Iterator[str]:
        """Yield every signature that would do. The account alone says by which algorithm."""
        algorithm, settings = _algorithm(account), _settings(request)
        if settings.get("algorithm", _SETTINGS_NAMES[algorithm]) != _SETTINGS_NAMES[algorithm]:
            raise SignatureRefused(
                "The request names another algorithm than the account's `algorithm`, which is "
                f"hmac-{algorithm}."
            )
        # A name can only narrow the choice among this account's secrets for this algorithm.
        keys = _keys(account, algorithm)
        named = [secret for name, secret in keys if name and name == settings.get("key")]
        secrets = named or [secret for name, secret in keys if not name]
        form = b"" if request.method == "GET" else sorted_form(form_of(request))
        return every_signature(request, [form], secrets, algorithm)

    def sign(self, url: str, body: bytes, account: Account) -> dict[str, str]:
        algorithm = _algorithm(account)
        name, secret = _keys(account, algorithm)[0]
        form = sorted_form(form_pairs(body))
        headers = {self.signature_header: twilio_signature(url, form, secret, algorithm)}
        if algorithm == "sha256":  # Only shared keys are announced.
            headers[_SETTINGS] = f"key={name},algorithm=HMAC_SHA256"
        return headers

    def accounts(self, request: WebhookRequest) -> set[bytes]:
        is_json = _has_json(request)
        return account_sids(request.body) if is_json else super().accounts(request)

    # --- webhooks ---

    def parts(self, request: WebhookRequest) -> list[bytes]:
        return events_of(request.body) if _has_json(request) else [request.body]

    def message(self, request: WebhookRequest, account: Account) -> InboundMessage | None:
        read = self._from_event if _has_json(request) else super().message
        return read(request, account)

    def _from_event(self, request: WebhookRequest, account: Account) -> InboundMessage | None:
        kind, text = read_event(request.body)
        if kind != RECEIVED:
            return None
        their_channel, number = address(text.from_)
        our_channel, sender = address(text.to)
        flag = FLAGS.get((text.opt_out_type or "").upper())
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
            doubt=self.doubt(text.message_sid, request) or doubt,
        )

    def reported(self, request: WebhookRequest, account: Account) -> Iterator[Report]:
        """Yield what a status callback, or an event, tells of a text of ours."""
        if not _has_json(request):
            yield from super().reported(request, account)
            return
        status, text = read_event(request.body)
        number, sender = address(text.to)[1], address(text.from_)[1]
        code, service = str(text.error_code or ""), text.messaging_service_sid or ""
        yield from self.report(status, code, text.message_sid, number, sender, service)

    def answered(self, message: InboundMessage) -> str:
        if answered_by_network(message):
            return "network"
        word = message.text.strip().upper()
        itself = message.flag or (word in _ANSWERED and message.channel != "whatsapp")
        return "provider" if itself else ""

    def messages_url(self, account: Account) -> str:
        sid = quote(account.options["account_sid"], safe="")
        return f"{account.api_url or _API}/2010-04-01/Accounts/{sid}/Messages.json"


# --- signature ------------------------------------------------------------------------------------


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


def _has_json(request: WebhookRequest) -> bool:
    """Whether the request carries JSON, as Event Streams posts it."""
    return request.method != "GET" and _bare_type(request.headers.get("content-type", "")) in _JSON


@lru_cache(maxsize=16)
def _bare_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()
