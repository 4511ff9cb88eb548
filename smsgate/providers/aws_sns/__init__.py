"""AWS End User Messaging SMS: texts in through Amazon SNS, texts out through SendTextMessage.

docs.aws.amazon.com/sns/latest/dg (signatures of SNS messages, delivery retries, confirmation),
docs.aws.amazon.com/sms-voice/latest/userguide (two-way payload, required keywords, self-managed
opt-outs, events); the model of pinpoint-sms-voice-v2 in botocore 1.44. Read in November 2026.

SNS signs with its own keys for everybody who has a topic. So the topic's ARN is pinned: it is
checked before anything is fetched, and a notification of any other topic is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache

import msgspec
from msgspec import UNSET

from smsgate.domain.errors import SignatureRefused, Unreadable
from smsgate.domain.messages import (
    HttpCall,
    HttpReply,
    InboundMessage,
    Reply,
    Verdict,
    WebhookRequest,
)
from smsgate.domain.phone import is_toll_free
from smsgate.domain.signed_times import check_time, instant_us
from smsgate.domain.signing import as_bytes, same
from smsgate.providers.aws_sns.calls import describe_call
from smsgate.providers.aws_sns.opt_out_list import OptOutList
from smsgate.providers.base import (
    GivenText,
    Handshake,
    Report,
    answer_text,
    answered_by_network,
    promised_text,
)
from smsgate.providers.calls import Meaning
from smsgate.providers.fields import Field, secret_field
from smsgate.providers.reading import read_json
from smsgate.providers.rsa_signatures import Certificate, HashName, fits, read_certificate
from smsgate.providers.tokens import from_base64
from smsgate.settings import Account

MAX_AGE_S = 3900
"""SNS retries for up to an hour, and the time it signs is that of the publication."""
# Only regions as AWS names them (us-east-1, us-gov-west-1), and the regions of China under .cn:
# AWS's own libraries take any word, but sns.s3-REGION would be somebody's bucket.
_HOST = (
    r"https://sns\.(?:(?!cn-)[a-z]{2}(?:-[a-z]+)+-[0-9]\.amazonaws\.com"
    r"|cn-[a-z]+-[0-9]\.amazonaws\.com\.cn)"
)
_CERTIFICATE_URL = re.compile(_HOST + r"/[A-Za-z0-9._/-]+\.pem")
_SUBSCRIBE_URL = re.compile(_HOST + r"/\?Action=ConfirmSubscription&[!-~]+")
_HASHES: dict[str, HashName] = {"1": "SHA1", "2": "SHA256"}
_DEFAULT_VERSION = "2"
_HALF_LIFE_US = 150_000_000
# The keywords that AWS wants every number to have. It says that it answers what begins with one,
# but not where a keyword ends; so this is the whole text, ignoring case: where AWS has answered
# a longer one, our confirmation is refused as DESTINATION_PHONE_NUMBER_OPTED_OUT and nobody is
# told twice, while a silence that is not kept would leave the subscriber without any answer.
_ANSWERED = frozenset(
    {"ARRET", "CANCEL", "END", "OPT-OUT", "OPTOUT", "QUIT", "REMOVE", "STOP", "TD"}
    | {"UNSUBSCRIBE", "HELP"}
)
_REASONS: Mapping[str, Meaning] = {
    "DESTINATION_PHONE_NUMBER_OPTED_OUT": (Verdict.OPTED_OUT, "the number is on the opt-out list"),
    "DESTINATION_PHONE_NUMBER_NOT_VERIFIED": (Verdict.REFUSED, "the account is in the sandbox"),
}


class Envelope(msgspec.Struct, rename="pascal"):
    """A message of SNS. Members of a notification that are not signed are left out."""

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


class _Content(msgspec.Struct, rename="camel"):
    """What ``Message`` holds: a text to us (the first four), or an event of a text of ours."""

    origination_number: str = ""
    destination_number: str = ""
    message_body: GivenText = UNSET
    inbound_message_id: str = ""
    event_type: str = ""
    message_id: str = ""
    origination_phone_number: str = ""
    destination_phone_number: str = ""


class AwsSns(OptOutList):
    """AWS, by the SNS topics that are named in ``topic_arn``."""

    name = "aws_sns"
    label = "AWS"
    needed = ("inboundMessageId", "originationNumber", "destinationNumber")
    refusal = "see the errors of SendTextMessage"
    errors = {
        "AccessDeniedException": (Verdict.REFUSED, "the access key may not send texts"),
        "ConflictException": (Verdict.REFUSED, "the sender cannot be used so"),
        "InvalidSignatureException": (Verdict.REFUSED, "secret_access_key is wrong, or the clock"),
        "ResourceNotFoundException": (Verdict.REFUSED, "the sender does not belong to the account"),
        "ServiceQuotaExceededException": (
            Verdict.REFUSED,
            "the spending limit or a quota is reached",
        ),
        "ThrottlingException": (Verdict.NOT_ACCEPTED, "too many requests"),
        "UnrecognizedClientException": (Verdict.REFUSED, "access_key_id is wrong"),
        "ValidationException": (Verdict.REFUSED, "the number or the text is not valid"),
    }
    sent_id_at = "MessageId"
    fields = (
        # No secret, but what takes a secret's place: AWS signs for everybody, so that the topic
        # alone says which notifications are ours. Kept like a secret, as it names the AWS account.
        secret_field(
            "topic_arn",
            "the ARN of the SNS topic, arn:aws:sns:REGION:ACCOUNT:NAME",
            r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}",
        ),
        Field(
            "signature_version", "1 or 2, as the topic's SignatureVersion", r"[12]", required=False
        ),
        Field("access_key_id", "the id of an access key, AKIA…", r"[A-Z0-9]{16,128}"),
        secret_field("secret_access_key", "the secret of that access key", r"[!-~]{16,}"),
        Field(
            "opt_out_list_name",
            "the name or ARN of the opt-out list of the account's numbers",
            r"[A-Za-z0-9_:/-]{1,256}",
            required=False,
        ),
    )
    # Behind ``TEXT_`` or ``MEDIA_``. ``SUCCESSFUL`` is not final: another status may follow.
    delivery_statuses = {
        "DELIVERED": "delivered",
        "CARRIER_BLOCKED": "undelivered",
        "CARRIER_UNREACHABLE": "undelivered",
        "SPAM": "undelivered",
        "TTL_EXPIRED": "undelivered",
        "UNKNOWN": "undelivered",
        "UNREACHABLE": "undelivered",
        "BLOCKED": "failed",
        "INVALID": "failed",
        "INVALID_MESSAGE": "failed",
        "PROTECT_BLOCKED": "failed",
    }
    report_codes = {
        "TEXT_INVALID": ("unreachable", "the number is not valid"),
        "MEDIA_INVALID": ("unreachable", "the number is not valid"),
    }

    def certificate(self, request: WebhookRequest, account: Account) -> HttpCall | None:
        """Describe the call that fetches the certificate that SNS names, from SNS alone."""
        return HttpCall("GET", _pinned(request, account).certificate_url)

    def verify(self, request: WebhookRequest, account: Account, now_us: int) -> None:
        """Return if SNS signed the notification, for a topic of this account, in the last hour."""
        envelope = _pinned(request, account)
        certificate = _certificate(request.certificate)
        if not certificate.first_us <= now_us <= certificate.last_us:
            raise SignatureRefused("The certificate that SigningCertURL names is not valid now.")
        signature, signed = from_base64(envelope.signature), string_to_sign(envelope)
        if not fits(certificate.key, signature, signed, _HASHES[envelope.signature_version]):
            raise SignatureRefused(
                "The Signature does not fit the notification and the certificate."
            )
        signed_us = instant_us(envelope.timestamp)
        if signed_us is None:
            raise Unreadable("The Timestamp of the notification is no time.")
        check_time(signed_us, now_us, past_s=MAX_AGE_S)

    def handshake(self, request: WebhookRequest, account: Account) -> Handshake | None:
        """Confirm the subscription that a verified request of SNS asks for, if it is one."""
        envelope = _envelope(request)
        if envelope.type != "SubscriptionConfirmation":
            return None
        url = envelope.subscribe_url or ""
        if not _SUBSCRIBE_URL.fullmatch(url):
            raise Unreadable("The SubscribeURL does not confirm a subscription at SNS.")
        return Handshake(HttpReply(200, "text/plain"), HttpCall("GET", url))

    def message(self, request: WebhookRequest, account: Account) -> InboundMessage | None:
        """Return the text in a verified notification; none for events of texts of ours."""
        envelope = _envelope(request)
        content = _content(envelope)
        if content is None or content.event_type:
            return None
        number, sender = content.origination_number, content.destination_number
        inside = replace(request, body=envelope.message.encode("utf-8", "replace"))
        return InboundMessage(
            account=account.name,
            message_id=content.inbound_message_id,
            number=number,
            sender=sender,
            text=promised_text(content.message_body, "messageBody", inside),
            sent_us=instant_us(envelope.timestamp),
        )

    def reported(self, request: WebhookRequest, account: Account) -> Iterator[Report]:
        """Yield what became of a text of ours, where the topic is an event destination, too."""
        content = _content(_envelope(request)) or _Content()
        code = content.event_type
        number, sender = content.destination_phone_number, content.origination_phone_number
        yield from self.report(code.partition("_")[2], code, content.message_id, number, sender)

    def answered(self, message: InboundMessage) -> str:
        if is_toll_free(message.sender):
            return "network" if answered_by_network(message) else ""
        return "provider" if message.text.strip().upper() in _ANSWERED else ""

    def reply(self, reply: Reply, account: Account) -> HttpCall:
        """Describe the call that sends ``reply`` from the number that was texted.

        AWS takes no idempotency key for it. A signature is good for five minutes around the time in
        it. A reply leaves within 300 s before its deadline, so the middle of those is near enough.
        """
        text = {
            "DestinationPhoneNumber": reply.number,
            "OriginationIdentity": reply.sender,
            "MessageBody": reply.text,
        }
        at_us = max(reply.deadline_us - _HALF_LIFE_US, 0)
        return describe_call("SendTextMessage", text, account, at_us)

    def error(self, response: HttpReply) -> Meaning | None:
        known = _REASONS.get(answer_text(response, "Reason"))
        is_conflict = self.error_code(response) == "ConflictException"
        return known if known and is_conflict else super().error(response)


# --- notifications --------------------------------------------------------------------------------


def _envelope(request: WebhookRequest) -> Envelope:
    return read_json(request.body, Envelope, "SNS")


def _content(envelope: Envelope) -> _Content | None:
    """The content of ``Message``; None where the envelope is about a subscription."""
    if envelope.type != "Notification":
        return None
    message = envelope.message.encode("utf-8", "replace")
    return read_json(message, _Content, "End User Messaging")


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
        envelope = _envelope(request)
    except Unreadable as error:  # 403: nobody has proved to be SNS yet.
        raise SignatureRefused(str(error)) from None
    if not any(same(envelope.topic_arn, topic) for topic in account.values_of("topic_arn")):
        raise SignatureRefused("The TopicArn is not one of the account's `topic_arn`.")
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
def _certificate(pem: bytes) -> Certificate:
    """The certificate; making it from its text costs more than a verification."""
    try:
        return read_certificate(pem)
    except ValueError:
        what = "What SigningCertURL names is no certificate with an RSA key."
        raise SignatureRefused(what) from None
