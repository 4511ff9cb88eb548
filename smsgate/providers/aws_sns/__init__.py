"""AWS End User Messaging SMS: texts in through Amazon SNS, texts out through SendTextMessage.

docs.aws.amazon.com/sns/latest/dg (signatures of SNS messages, delivery retries, confirmation),
docs.aws.amazon.com/sms-voice/latest/userguide (two-way payload, required keywords, self-managed
opt-outs, events); the model of pinpoint-sms-voice-v2 in botocore 1.44. Read in November 2026.
"""

from __future__ import annotations

from smsgate.domain.messages import HttpReply
from smsgate.providers.aws_sns.notification import certificate, handshake, verify
from smsgate.providers.aws_sns.sending import outcome, reply
from smsgate.providers.aws_sns.texts import answered, inbound, parse, reports
from smsgate.providers.contract import Field

__all__ = [
    "ACK",
    "BATCHES",
    "FIELDS",
    "IDEMPOTENT",
    "NAME",
    "answered",
    "certificate",
    "handshake",
    "inbound",
    "outcome",
    "parse",
    "reply",
    "reports",
    "verify",
]

NAME = "aws_sns"
ACK = HttpReply(200, "text/plain")
IDEMPOTENT = False
BATCHES = False
FIELDS: tuple[Field, ...] = (
    # No secret, but what takes a secret's place: AWS signs for everybody, so that the topic alone
    # says which notifications are ours. Kept like a secret, because it names the AWS account.
    Field(
        "topic_arn",
        r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}",
        "the ARN of the SNS topic, arn:aws:sns:REGION:ACCOUNT:NAME",
        secret=True,
    ),
    Field("signature_version", r"[12]", "1 or 2, as the topic's SignatureVersion", required=False),
    Field("access_key_id", r"[A-Z0-9]{16,128}", "the id of an access key, AKIA…"),
    Field("secret_access_key", r"[!-~]{16,}", "the secret of that access key", secret=True),
)
