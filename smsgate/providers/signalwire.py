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

from smsgate.domain.messages import Verdict, WebhookRequest
from smsgate.providers.fields import Field, secret_field
from smsgate.providers.forms import (
    UUID,
    Pair,
    TwilioCompatible,
    every_signature,
    form_of,
    form_pairs,
    sorted_form,
    twilio_signature,
)
from smsgate.settings import Account


class SignalWire(TwilioCompatible):
    """A project of SignalWire; ``api_url`` is instead of ``https://SPACE.signalwire.com``."""

    name = "signalwire"
    label = "SignalWire"
    fields = (
        Field("project_id", "the project's id, a UUID of 36 characters", r"[0-9A-Fa-f-]{36}"),
        Field("space", "the space's name: acme of acme.signalwire.com", r"[a-z0-9][a-z0-9-]*"),
        secret_field("signing_key", "the project's Signing Key (PSK…)"),
        secret_field("api_token", "an API token (PT…) that may send messages"),
    )
    signed_with, sends_with = "signing_key", "api_token"
    signature_header = "x-signalwire-signature"
    account_key = "project_id"
    published_id = UUID
    errors = {  # compatibility-api, Error codes
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

    def expected(self, request: WebhookRequest, account: Account) -> Iterator[str]:
        forms = {b""} if request.method == "GET" else _spellings(form_of(request))
        return every_signature(request, forms, account.values_of("signing_key"), "sha1")

    def sign(self, url: str, body: bytes, account: Account) -> dict[str, str]:
        key = account.newest_secret("signing_key")
        signature = twilio_signature(url, sorted_form(form_pairs(body)), key, "sha1")
        return {self.signature_header: signature}

    def messages_url(self, account: Account) -> str:
        space = account.api_url or f"https://{account.options['space']}.signalwire.com"
        project = quote(account.options["project_id"], safe="")
        return f"{space}/api/laml/2010-04-01/Accounts/{project}/Messages"


def _spellings(pairs: tuple[Pair, ...]) -> set[bytes]:
    """The form as both of SignalWire's SDKs read it; they differ where a name is repeated.

    The older one sorts the values of a name and drops repeated ones, the newer one keeps them as
    they came. Either covers every value, and two values of one name are not read at all.
    """
    if len({name for name, _ in pairs}) == len(pairs):
        return {sorted_form(pairs)}
    as_they_came = [name + value for name, value in sorted(pairs, key=lambda pair: pair[0])]
    return {sorted_form(pairs), b"".join(as_they_came)}
