"""Signatures: what is signed, the HMAC over it, and a comparison that leaks no time.

Only functions of their arguments. A scheme that one provider alone uses stays in that
provider's module; what stands here is shared or delicate. ``ed25519`` is asked for by name,
because it needs ``cryptography``.
"""

from __future__ import annotations

from smsgate.domain.signing.forms import (
    Pair,
    body_hash_fits,
    form_pairs,
    form_texts,
    is_form,
    sorted_form,
    text_of,
    twilio_signature,
    url_spellings,
)
from smsgate.domain.signing.schemes import (
    SINCH,
    check_sinch,
    check_standard_webhook,
    sinch_headers,
    standard_webhook_signature,
)
from smsgate.domain.signing.secrets import (
    Algorithm,
    as_bytes,
    basic_auth,
    hmac_base64,
    path_secret,
    same,
)
from smsgate.domain.signing.times import WINDOW_S, check_time, instant_us, iso_time
from smsgate.domain.signing.tokens import base64_url, from_base64_url, jwt_claims

__all__ = [
    "SINCH",
    "WINDOW_S",
    "Algorithm",
    "Pair",
    "as_bytes",
    "base64_url",
    "basic_auth",
    "body_hash_fits",
    "check_sinch",
    "check_standard_webhook",
    "check_time",
    "form_pairs",
    "form_texts",
    "from_base64_url",
    "hmac_base64",
    "instant_us",
    "is_form",
    "iso_time",
    "jwt_claims",
    "path_secret",
    "same",
    "sinch_headers",
    "sorted_form",
    "standard_webhook_signature",
    "text_of",
    "twilio_signature",
    "url_spellings",
]
