"""Signatures as the vendors make them, by their libraries or the steps that they publish.

``python -m tests.providers.signers FILE`` signs a recorded webhook anew whose request was edited.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, urlencode

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from plivo.utils.signature_v3 import construct_get_url, construct_post_url, get_signature_v3
from standardwebhooks import Webhook
from twilio.request_validator import RequestValidator
from werkzeug.datastructures import MultiDict

from tests.providers.recorded import Recorded, read


def _secret(recorded: Recorded, name: str) -> str:
    return recorded.account.secrets[name][0].get_secret_value()


def _hmac(key: str, signed: bytes, algorithm: str = "sha256") -> hmac.HMAC:
    return hmac.new(key.encode(), signed, algorithm)


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _ed25519(key: str, signed: bytes) -> str:
    return _base64(Ed25519PrivateKey.from_private_bytes(base64.b64decode(key)).sign(signed))


def _jwt(recorded: Recorded, key: str) -> str:
    """The token with the claims that it has, and the hashes of what the request is now."""
    token = recorded.signed.removeprefix("Bearer ")
    claims = jwt.decode(token, options={"verify_signature": False})
    claims["payload_hash"] = hashlib.sha256(recorded.request.body).hexdigest()
    if "url_hash" in claims:
        claims["url_hash"] = hashlib.sha256(recorded.request.url.encode()).hexdigest()
    if not recorded.request.body:
        del claims["payload_hash"]
    return jwt.encode(claims, key, jwt.get_unverified_header(token)["alg"])


def _twilio(recorded: Recorded, secret: str = "auth_token") -> str:
    request, form = recorded.request, {}
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        form = MultiDict(parse_qsl(request.body.decode(), keep_blank_values=True))
    return RequestValidator(_secret(recorded, secret)).compute_signature(request.url, form)


def _plivo(recorded: Recorded) -> str:
    request = recorded.request
    secret = "main_auth_token" if "-ma-" in recorded.signature else "auth_token"
    token = _secret(recorded, secret)
    nonce = request.headers[f"x-plivo-signature-{recorded.signature[-2:]}-nonce"]
    if recorded.signature.endswith("v2"):
        return _base64(_hmac(token, f"{request.url.partition('?')[0]}{nonce}".encode()).digest())
    form = parse_qs(request.body.decode(), keep_blank_values=True)
    post = request.method == "POST"
    url = construct_post_url(request.url, form) if post else construct_get_url(request.url, {})
    return get_signature_v3(token.encode(), url.decode(), nonce.encode()).decode()


def _standard_webhooks(recorded: Recorded) -> str:
    body, headers = recorded.request.body.decode(), recorded.request.headers
    id_, time = headers[recorded.signature.replace("signature", "id")], headers[recorded.time]
    if "signing_key" in recorded.account.secrets:
        key = _secret(recorded, "signing_key").removeprefix("whsk_")
        return f"v1a,{_ed25519(key, f'{id_}.{time}.{body}'.encode())}"
    secret = "webhook_secret" if recorded.provider == "bird" else "secret"
    moment = datetime.fromtimestamp(int(time), UTC)
    return Webhook(_secret(recorded, secret)).sign(id_, moment, body)


def _telnyx(recorded: Recorded) -> str:
    signed = f"{recorded.request.headers[recorded.time]}|".encode() + recorded.request.body
    return _ed25519(_secret(recorded, "signing_key"), signed)


def _messagebird(recorded: Recorded) -> str:
    """Bird signs the address in the place of the query."""
    request, key = recorded.request, _secret(recorded, "signing_key")
    if recorded.signature == "messagebird-signature-jwt":
        return _jwt(recorded, key)
    query = urlencode(sorted(parse_qsl(request.query)))
    where = request.url if recorded.provider == "bird_channels" else query
    signed = f"{request.headers[recorded.time]}\n{where}\n".encode()
    return _base64(_hmac(key, signed + hashlib.sha256(request.body).digest()).digest())


def _infobip(recorded: Recorded) -> str:
    key, body = _secret(recorded, "webhook_secret"), recorded.request.body
    if recorded.time:
        return _hmac(key, recorded.request.headers[recorded.time].encode() + body).hexdigest()
    return "SHA256=" + _hmac(key, body).hexdigest()


def _sinch(recorded: Recorded) -> str:
    headers = recorded.request.headers
    nonce = headers[f"{recorded.signature}-nonce"]
    signed = recorded.request.body + f".{nonce}.{headers[recorded.time]}".encode()
    return _base64(_hmac(_secret(recorded, "webhook_secret"), signed).digest())


def _vonage_sms(recorded: Recorded) -> str:
    request, secret = recorded.request, _secret(recorded, "webhook_secret")
    raw = request.body.decode() or request.query
    fields = json.loads(raw) if raw.startswith("{") else dict(parse_qsl(raw, True))
    pairs = [(name, value) for name, value in sorted(fields.items()) if name != "sig"]
    text = "".join(f"&{name}={value.translate({38: 95, 61: 95})}" for name, value in pairs)
    scheme = recorded.account.options["scheme"]
    if scheme == "md5hash":
        return hashlib.md5((text + secret).encode()).hexdigest()
    return _hmac(secret, text.encode(), scheme).hexdigest().upper()


SIGNERS: dict[str, Callable[[Recorded], str]] = {
    "bird": _standard_webhooks,
    "bird_channels": _messagebird,
    "infobip": _infobip,
    "messagebird": _messagebird,
    "plivo": _plivo,
    "signalwire": lambda recorded: _twilio(recorded, "signing_key"),
    "sinch": _sinch,
    "sinch_conversation": _sinch,
    "standard_webhooks": _standard_webhooks,
    "telnyx": _telnyx,
    "twilio": _twilio,
    "vonage": lambda recorded: f"Bearer {_jwt(recorded, _secret(recorded, 'signature_secret'))}",
    "vonage_sms": _vonage_sms,
}
"""By provider. AWS and Entra sign with keys that nobody has: their files stay as they are."""

OTHER_BYTES = {"latin_1", "port_not_signed", "port_signed", "shared_key"}
"""Names of files that are signed over another port or charset, or by a second algorithm."""


def main() -> None:
    for path in map(Path, sys.argv[1:]):
        recorded = read(path)
        request = recorded.with_signature(SIGNERS[recorded.provider](recorded))
        content = json.loads(path.read_text(encoding="utf-8"))
        content["request"] |= {"url": request.url, "headers": dict(request.headers)}
        content["request"]["body"] = request.body.decode()
        text = json.dumps(content, ensure_ascii=False, indent=2)
        path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
