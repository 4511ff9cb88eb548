"""Writes the recorded webhooks of SNS, signed by openssl with a key that is thrown away.

python -m tests.vectors.providers.aws_sns.make
"""

from __future__ import annotations

import base64
import json
import subprocess
import tempfile
from functools import partial
from pathlib import Path

from tests.vectors.providers.recording import Recorder, message_fields

RECORDER = Recorder(
    __file__,
    payload=(
        "page: docs.aws.amazon.com/sms-voice/latest/userguide (two-way SMS payload), in the "
        "envelope of docs.aws.amazon.com/sns/latest/dg"
    ),
    signature=(
        "steps: docs.aws.amazon.com/sns/latest/dg (verifying signatures), by openssl and a "
        "certificate of ours"
    ),
    no_text={"payload": "invented: what nobody at AWS publishes"},
    without_numbers={"payload": "invented: JSON of something else"},
)
REGION = "us-east-1"
TOPIC = f"arn:aws:sns:{REGION}:123456789012:inbound-sms"
SNS = f"https://sns.{REGION}.amazonaws.com"
ID = "cae173d2-66b9-564c-8309-21f858e9fb84"
SIGNED = (
    "Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type",
)  # fmt: skip


def inner(**changes):
    return {
        "originationNumber": "+14155550123",
        "destinationNumber": "+14155550100",
        "messageKeyword": "KEYWORD_123456789012",
        "messageBody": "STOP",
        "previousPublishedMessageId": "wJalrXUtnFEMI/K7MDENG/bPxRfiCY",
        "inboundMessageId": ID,
        **changes,
    }


def notification(text, **changes):
    return {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": TOPIC,
        "Message": text if isinstance(text, str) else json.dumps(text, ensure_ascii=False),
        "Timestamp": "2026-09-21T14:13:20.000Z",
        "UnsubscribeURL": f"{SNS}/?Action=Unsubscribe&SubscriptionArn={TOPIC}:c9135db0",
        **changes,
    }


def about(kind):
    token = "2336412f37fb687f5d51e6e241d09c805a5a57b30d712f794cc5f6a988666d92"
    query = f"Action=ConfirmSubscription&TopicArn={TOPIC}&Token={token}"
    envelope = notification("You have chosen to subscribe.\nVisit the SubscribeURL.", Type=kind)
    del envelope["UnsubscribeURL"]
    return envelope | {"Token": token, "SubscribeURL": f"{SNS}/?{query}"}


class Recorder:
    def __init__(self, folder):
        self.key, certificate = folder / "key.pem", folder / "certificate.pem"
        command = "openssl req -x509 -newkey rsa:2048 -nodes -days 7300 -subj /CN=sns.amazonaws.com"
        subprocess.run(
            [*command.split(), "-not_before", "20260101000000Z", "-not_after", "20460101000000Z",
             "-keyout", self.key, "-out", certificate],
            check=True, capture_output=True,
        )  # fmt: skip
        self.certificate = certificate.read_text()

    def write(self, name, what, envelope, version="2", **expected):
        lines = [f"{key}\n{envelope[key]}\n" for key in SIGNED if envelope.get(key) is not None]
        digest = {"1": "-sha1", "2": "-sha256"}[version]
        signature = subprocess.run(
            ["openssl", "dgst", digest, "-sign", self.key],
            input="".join(lines).encode(), check=True, capture_output=True,
        ).stdout  # fmt: skip
        signed = {
            **envelope,
            "SignatureVersion": version,
            "Signature": base64.b64encode(signature).decode(),
            "SigningCertURL": f"{SNS}/SimpleNotificationService-{'0' * 32}.pem",
        }
        content = {
            "account": {
                "options": {
                    "access_key_id": "AKIAIOSFODNN7EXAMPLE",
                    "signature_version": version,
                },
                "secrets": {
                    "topic_arn": [TOPIC],
                    "secret_access_key": ["a-secret-key-that-opens-nothing"],
                },
            },
            "signature": "body:Signature",
            "covers": ["meaning"],
            "window_s": 3900,
            "early_s": 300,
            "simulable": False,
            "request": {
                "method": "POST",
                "url": "https://sms.example.com/webhooks/aws_sns",
                "headers": {
                    "content-type": "text/plain; charset=UTF-8",
                    "x-amz-sns-message-type": envelope["Type"],
                    "x-amz-sns-topic-arn": TOPIC,
                },
                "body": json.dumps(signed, ensure_ascii=False, indent=2),
                "certificate": self.certificate,
            },
        }
        RECORDER.write(name, what, content | expected)


message = partial(message_fields, message_id=ID, sent_us=1_790_000_000_000_000)


def record(write):
    write(
        "stop", "STOP", notification(inner()), messages=[message()], answered="provider",
    )  # fmt: skip
    write(
        "version_1", "Signed by SHA-1, with a subject", notification(inner(), Subject="SMS"),
        version="1", messages=[message()], answered="provider",
    )  # fmt: skip
    write(
        "stop_please", "A wording that is no keyword of AWS, in another alphabet",
        notification(inner(messageBody="Стоп пожалуйста 🛑", destinationNumber="22395")),
        messages=[message(text="Стоп пожалуйста 🛑", sender="22395")], answered="",
    )  # fmt: skip
    write(
        "toll_free", "unstop to a toll-free number; a subject that is null",
        notification(inner(messageBody=" unstop", destinationNumber="+18885550100"), Subject=None),
        messages=[message(text=" unstop", sender="+18885550100")], answered="network",
    )  # fmt: skip
    write("subscription", "SNS asks for confirmation", about("SubscriptionConfirmation"))
    write("unsubscription", "Somebody unsubscribed", about("UnsubscribeConfirmation"))
    write(
        "no_text", "Something else was published to the topic", notification("Hello world"),
        unreadable="End User Messaging posts JSON of another shape",
    )  # fmt: skip
    write(
        "without_numbers", "JSON of something else", notification({"hello": "world"}),
        unreadable="The Message lacks inboundMessageId",
    )  # fmt: skip
    sent = {
        "eventType": "TEXT_INVALID", "eventVersion": "1.0", "eventTimestamp": 1_790_000_000_000,
        "isFinal": True, "originationPhoneNumber": "+14155550100",
        "destinationPhoneNumber": "+14155550123", "messageId": "862a8790",
    }  # fmt: skip
    report = {
        "message_id": "862a8790", "number": "+14155550123", "sender": "+14155550100",
        "kind": "unreachable", "code": "TEXT_INVALID", "note": "the number is not valid",
        "status": "failed",
    }  # fmt: skip
    write("invalid", "A text of ours to no number", notification(sent), reports=[report])
    delivered = sent | {"eventType": "TEXT_DELIVERED"}
    arrived = report | {"kind": "", "code": "TEXT_DELIVERED", "note": "", "status": "delivered"}
    write("delivered", "A text of ours arrived", notification(delivered), reports=[arrived])


def main():
    with tempfile.TemporaryDirectory() as folder:
        record(Recorder(Path(folder)).write)


if __name__ == "__main__":
    main()
