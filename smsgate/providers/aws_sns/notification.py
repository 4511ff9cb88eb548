"""What SNS posts: the envelope, AWS's signature over it, and the confirmation it asks for.

SNS signs with keys of its own, for whoever has a topic. So the topic's ARN is pinned: it is
checked before anything is fetched, and a notification of any other topic is refused.
"""

from __future__ import annotations

import base64
import binascii
import re
from functools import lru_cache

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from smsgate.domain.errors import SignatureRefused, Unreadable
from smsgate.domain.messages import HttpCall, HttpReply, WebhookRequest
from smsgate.domain.signing import as_bytes, check_time, instant_us, same
from smsgate.providers.contract import Handshake, read_json
from smsgate.settings import Account

LATEST_S = 3900
"""SNS retries for up to an hour, and the time it signs is that of the publication."""
# AWS's own libraries take any word for the region; sns.s3-REGION would be somebody's bucket.
_HOST = r"https://sns\.(?!s3)[a-zA-Z0-9-]{3,}\.amazonaws\.com(?:\.cn)?"
_CERTIFICATE_URL = re.compile(_HOST + r"/[A-Za-z0-9._/-]+\.pem")
_SUBSCRIBE_URL = re.compile(_HOST + r"/\?Action=ConfirmSubscription&[!-~]+")
_HASHES: dict[str, hashes.HashAlgorithm] = {"1": hashes.SHA1(), "2": hashes.SHA256()}  # noqa: S303
_DEFAULT_VERSION = "2"


class Envelope(msgspec.Struct, rename="pascal"):
    """A message of SNS. What stands in a notification without being signed is left out."""

    type: str
    message_id: str
    topic_arn: str
    message: str
    timestamp: str
    signature: str
    signature_version: str
    certificate_url: str = msgspec.field(name="SigningCertURL")
    subject: str | None = None
    token: str | None = None
    subscribe_url: str | None = msgspec.field(name="SubscribeURL", default=None)


_ENVELOPE = msgspec.json.Decoder(Envelope)


def envelope_of(request: WebhookRequest) -> Envelope:
    """Return the envelope in a request. Raises ``Unreadable``."""
    return read_json(request.body, _ENVELOPE, "SNS")


def certificate(request: WebhookRequest, account: Account) -> HttpCall | None:
    """Describe the call that fetches the certificate that SNS names, from SNS and nowhere else."""
    return HttpCall("GET", _pinned(request, account).certificate_url)


def verify(request: WebhookRequest, account: Account, now_us: int) -> None:
    """Return if SNS signed the notification, for a topic of this account, in the last hour.

    Raises ``SignatureRefused``, and ``SignatureExpired`` where all is right but the time.
    """
    envelope = _pinned(request, account)
    key, first_us, last_us = _certified(request.certificate)
    if not first_us <= now_us <= last_us:
        raise SignatureRefused("The certificate that SigningCertURL names is not valid now.")
    try:
        signature = _decoded(envelope.signature)
        algorithm = _HASHES[envelope.signature_version]
        key.verify(signature, string_to_sign(envelope), PKCS1v15(), algorithm)
    except InvalidSignature:
        raise SignatureRefused(
            "The Signature does not fit the notification and the certificate."
        ) from None
    signed_us = instant_us(envelope.timestamp)
    if signed_us is None:
        raise Unreadable("The Timestamp of the notification is no time.")
    check_time(signed_us, now_us, past_s=LATEST_S)


def handshake(request: WebhookRequest, account: Account) -> Handshake | None:  # noqa: ARG001
    """Confirm the subscription that a verified request of SNS asks for, if it is one."""
    envelope = envelope_of(request)
    if envelope.type != "SubscriptionConfirmation":
        return None
    if not _SUBSCRIBE_URL.fullmatch(envelope.subscribe_url or ""):
        raise Unreadable("The SubscribeURL does not confirm a subscription at SNS.")
    return Handshake(HttpReply(200, "text/plain"), HttpCall("GET", envelope.subscribe_url or ""))


def string_to_sign(envelope: Envelope) -> bytes:
    """Return what SNS signs: names and values, a line each, of the fields that are there."""
    fields = (
        ("Message", envelope.message),
        ("MessageId", envelope.message_id),
        ("Subject", envelope.subject),
        ("SubscribeURL", envelope.subscribe_url),
        ("Timestamp", envelope.timestamp),
        ("Token", envelope.token),
        ("TopicArn", envelope.topic_arn),
        ("Type", envelope.type),
    )
    return as_bytes("".join(f"{name}\n{text}\n" for name, text in fields if text is not None))


def _pinned(request: WebhookRequest, account: Account) -> Envelope:
    """Return the envelope if it is of our topic, in our version, and names a certificate of SNS."""
    try:
        envelope = envelope_of(request)
    except Unreadable as error:  # 403: nobody has proved to be SNS yet.
        raise SignatureRefused(str(error)) from None
    topics = account.secrets.get("topic_arn", ())
    if not any(same(envelope.topic_arn, topic.value) for topic in topics):
        raise SignatureRefused("The TopicArn is none of the account's `topic_arn`.")
    version = account.options.get("signature_version") or _DEFAULT_VERSION
    if envelope.signature_version != version:
        raise SignatureRefused(
            "The SignatureVersion is not the account's `signature_version`, which is "
            f"{version}; set the attribute SignatureVersion of the topic."
        )
    if not _CERTIFICATE_URL.fullmatch(envelope.certificate_url):
        raise SignatureRefused("The SigningCertURL is no https address of SNS that ends in .pem.")
    return envelope


@lru_cache(maxsize=16)
def _certified(pem: bytes) -> tuple[RSAPublicKey, int, int]:
    """Return the key in a certificate, and from when until when it is valid, in us."""
    try:
        found = x509.load_pem_x509_certificate(pem)
        key = found.public_key()
    except ValueError:
        raise SignatureRefused("What SigningCertURL names is no certificate.") from None
    if not isinstance(key, RSAPublicKey):
        raise SignatureRefused("The certificate that SigningCertURL names has no RSA key.")
    first, last = found.not_valid_before_utc.timestamp(), found.not_valid_after_utc.timestamp()
    return key, int(first) * 1_000_000, int(last) * 1_000_000


def _decoded(signature: str) -> bytes:
    """Undo base64, in its one right spelling, so that no other text is the same signature."""
    try:
        code = base64.b64decode(as_bytes(signature), validate=True)
    except binascii.Error:
        return b""
    return code if same(signature, base64.b64encode(code)) else b""
