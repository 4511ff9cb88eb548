"""SignalWire, Compatibility API (cXML): Twilio's forms with rules of their own.

developer.signalwire.com/compatibility-api (Webhooks, Messages, Error codes) and the SDK
signalwire-python (webhook_validator.py). Read in November 2026.

What differs from Twilio: the Signing Key signs and an API token sends; ids are UUIDs; values of
a repeated name are signed as they came; SignalWire answers no keyword and keeps no opt-outs.
cXML is signed by HMAC-SHA1 over the URL and the sorted form. SWML and RELAY sign the raw body in
hexadecimal; no text to us comes that way, so that is never accepted.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from msgspec import UNSET

from smsgate.domain.errors import SignatureRefused
from smsgate.domain.messages import HttpCall, InboundMessage, Reply, Verdict, WebhookRequest
from smsgate.domain.signing import as_bytes, same
from smsgate.providers.base import Report, promised_text
from smsgate.providers.fields import Field, secret_field
from smsgate.providers.forms import (
    UUID,
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
from smsgate.settings import Account

_SIGNATURE = "x-signalwire-signature"
_ID_NAMES = (b"MessageSid", b"SmsMessageSid")


class SignalWire(TwilioCompatible):
    """A project of SignalWire; ``api_url`` is instead of ``https://SPACE.signalwire.com``."""

    name = "signalwire"
    label = "SignalWire"
    needed = ("MessageSid", "From", "To")
    fields = (
        Field("project_id", r"[0-9A-Fa-f-]{36}", "the project's id, a UUID of 36 characters"),
        Field("space", r"[a-z0-9][a-z0-9-]*", "the space's name: acme of acme.signalwire.com"),
        secret_field("signing_key", "the project's Signing Key (PSK…)"),
        secret_field("api_token", "an API token (PT…) that may send messages"),
    )
    signed_with = "signing_key"
    read_once = frozenset(
        {
            "MessageSid",
            "From",
            "To",
            "AccountSid",
            "Body",
            "MessagingServiceSid",
            "ErrorCode",
            "MessageStatus",
        }
    )
    codes = {  # compatibility-api, Error codes
        "20404": (Verdict.REFUSED, "there is no such project"),
        "20429": (Verdict.NOT_ACCEPTED, "too many requests"),
        "21211": (Verdict.REFUSED, "To is no phone number"),
        "21212": (Verdict.REFUSED, "From is no phone number"),
        "21606": (Verdict.REFUSED, "From is no sender of this project"),
        "21610": (Verdict.OPTED_OUT, "the number has blocked this sender"),
        "21611": (Verdict.NOT_ACCEPTED, "the sender's queue is full"),
        "21614": (Verdict.REFUSED, "To is no mobile number"),
        "21617": (Verdict.REFUSED, "the text is too long"),
    }
    report_codes = {  # SignalWire keeps Twilio's numbers.
        "21610": ("opted_out", "the number has blocked this sender"),
        "30003": ("unreachable", "the handset cannot be reached"),
        "30005": ("unreachable", "the number is unknown or no longer in use"),
        "30006": ("unreachable", "a landline, or a carrier that cannot be reached"),
    }

    def verify(self, request: WebhookRequest, account: Account, now_us: int) -> None:
        """Return if SignalWire signed the request, whole, for this project. No time is signed.

        Raises ``SignatureRefused``, and ``Unreadable`` where the URL is signed but nothing vouches
        for the body.
        """
        check_size(request, self.label)
        given, pairs = request.headers.get(_SIGNATURE, ""), form_of(request)
        forms = {b""} if request.method == "GET" else _spellings(pairs)
        if not any(same(given, expected) for expected in _expected(request.url, forms, account)):
            raise SignatureRefused(
                "The X-SignalWire-Signature is missing or does not fit. It must be made with the "
                "project's Signing Key over the public URL, exactly as it was given, and the body."
            )
        if not has_form(request):
            check_body_hash(request)
        project = as_bytes(account.options.get("project_id", "").lower())
        if any(name == b"AccountSid" and value.lower() != project for name, value in pairs):
            raise SignatureRefused("The AccountSid is not the project of the account in the URL.")

    def message(self, request: WebhookRequest, account: Account) -> InboundMessage | None:
        """Return the text in a verified webhook; none for a status callback."""
        fields = self.form_fields(request)
        if is_status_form(fields):
            return None
        media, id_ = tuple(media_urls(fields)), fields.get("MessageSid", "")
        given = promised_text(fields.get("Body", UNSET), "Body", request, optional=bool(media))
        text, doubt = decoded_body(given)
        return InboundMessage(
            account=account.name,
            message_id=id_,
            number=fields.get("From", ""),
            sender=fields.get("To", ""),
            text=text,
            channel="mms" if media else "sms",
            service=fields.get("MessagingServiceSid", ""),
            media=media,
            doubt=id_doubt(id_, UUID, signed_part(request), form_of(request), _ID_NAMES) or doubt,
        )

    def reports(self, request: WebhookRequest, account: Account) -> list[Report]:
        fields = self.form_fields(request)
        if not is_status_form(fields):
            return []
        names = ("MessageStatus", "ErrorCode", "MessageSid", "To", "From", "MessagingServiceSid")
        return self.report(*(fields.get(name, "") for name in names))

    def inbound(self, message: InboundMessage, account: Account, url: str) -> WebhookRequest:
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
        return self.posted(form, account, url)

    def sign(self, url: str, body: bytes, account: Account) -> dict[str, str]:
        key = account.newest_secret("signing_key")
        return {_SIGNATURE: twilio_signature(url, sorted_form(form_pairs(body)), key, "sha1")}

    def reply(self, reply: Reply, account: Account) -> HttpCall:
        """Describe the call that sends ``reply``. SignalWire takes no idempotency key."""
        form = {"To": reply.number, "From": reply.sender, "Body": reply.text}
        if url := status_url(account):
            form["StatusCallback"] = url
        project = account.options["project_id"]
        space = account.api_url or f"https://{account.options['space']}.signalwire.com"
        return form_call(
            f"{space}/api/laml/2010-04-01/Accounts/{quote(project, safe='')}/Messages",
            form,
            headers={"Accept": "application/json"},
            auth=(project, account.newest_secret("api_token")),
        )


def _expected(url: str, forms: set[bytes], account: Account) -> Iterator[str]:
    """Every signature that would do: by each key, for each spelling of the URL and the form."""
    for key in account.values_of("signing_key"):
        for spelling in url_spellings(url):
            for form in forms:
                yield twilio_signature(spelling, form, key, "sha1")


def _spellings(pairs: tuple[Pair, ...]) -> set[bytes]:
    """The form as both of SignalWire's SDKs read it; they differ where a name is repeated.

    The older one sorts the values of a name and drops repeated ones, the newer one keeps them as
    they came. Either covers every value, and two values of one name are not read at all.
    """
    if len({name for name, _ in pairs}) == len(pairs):
        return {sorted_form(pairs)}
    as_they_came = [name + value for name, value in sorted(pairs, key=lambda pair: pair[0])]
    return {sorted_form(pairs), b"".join(as_they_came)}
