"""Write recorded webhooks: v1 signed by `standardwebhooks`, v1a by `cryptography`.

.venv/bin/python -m tests.vectors.providers.standard_webhooks.make
"""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from standardwebhooks import Webhook

from tests.vectors.providers.recording import LACKS_FIELD, Recorder, message_fields

SIGNED_V1A = {
    "signature": "library: cryptography 50.0.2, by the specification of standardwebhooks.com",
}
RECORDER = Recorder(
    __file__,
    payload="own: docs/providers/standard_webhooks.md",
    signature="library: standardwebhooks 1.1.0",
    stop_v1a=SIGNED_V1A,
    unicode_v1a=SIGNED_V1A,
    without_to=LACKS_FIELD,
    data_is_a_list={"payload": "invented: data of another shape"},
)
SEED = bytes(range(1, 33))
KEY = Ed25519PrivateKey.from_private_bytes(SEED)
PUBLIC = KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
SECRET = "whsec_" + base64.b64encode(b"this opens nothing at all").decode()
TIME = 1_790_000_000
SEND = {"send_url": "https://gateway.example.com/v1/texts"}
V1 = {"options": {"scheme": "v1", **SEND}, "secrets": {"secret": [SECRET], "api_key": ["k"]}}
V1A = {
    "options": {"scheme": "v1a", **SEND},
    "secrets": {
        "public_key": ["whpk_" + base64.b64encode(PUBLIC).decode()],
        "signing_key": ["whsk_" + base64.b64encode(SEED).decode()],
        "api_key": ["k"],
    },
}
DATA = {
    "id": "msg-1",
    "from": "+14155550123",
    "to": "+14155550100",
    "text": "STOP",
    "received_at": "2026-09-21T14:13:19.5Z",
}
MESSAGE = message_fields("msg-1", sent_us=1789999999500000)


def signature(raw: str, account: dict) -> str:
    if account is V1:
        return Webhook(SECRET).sign("evt-1", datetime.fromtimestamp(TIME, UTC), raw)
    return "v1a," + base64.b64encode(KEY.sign(f"evt-1.{TIME}.{raw}".encode())).decode()


def write(name, what, data, *, account=V1, kind="sms.received", by="webhook", before="", **rest):
    raw = json.dumps({"type": kind, "timestamp": "2026-09-21T14:13:20Z", "data": data},
                     ensure_ascii=False)  # fmt: skip
    content = {
        "account": account,
        "signature": f"{by}-signature",
        "separator": " ",
        "covers": ["body"],
        "time": f"{by}-timestamp",
        "window_s": 300,
        "request": {
            "method": "POST",
            "url": "https://sms.example.com/webhooks/standard_webhooks",
            "headers": {
                "content-type": "application/json",
                f"{by}-id": "evt-1",
                f"{by}-timestamp": str(TIME),
                f"{by}-signature": before + signature(raw, account),
            },
            "body": raw,
        },
        **rest,
    }
    RECORDER.write(name, what, content)


def one(name, what, data=None, *, says=None, answered="", **how):
    write(name, what, {**DATA, **(data or {})}, messages=[{**MESSAGE, **(says or {})}],
          answered=answered, **how)  # fmt: skip


one("stop", "STOP, signed with the shared secret")
one("stop_v1a", "STOP, signed with a private key", account=V1A)
one("svix", "The same under Svix's names", by="svix")
one("unicode", "Letters of three scripts and a picture", {"text": "ARRÊT 停止 توقف 🛑"},
    says={"text": "ARRÊT 停止 توقف 🛑"})  # fmt: skip
one("unicode_v1a", "The same, signed with a private key", {"text": "停止 🛑"},
    says={"text": "停止 🛑"}, account=V1A)  # fmt: skip
one("full", "Everything that our form can say",
    {"channel": "mms", "service": "pool-7", "flag": "opt_out", "media": ["https://m.example/1"]},
    says={"channel": "mms", "service": "pool-7", "flag": "opt_out",
          "media": ["https://m.example/1"]}, answered="provider")  # fmt: skip
one("bare", "Nothing that may be left out; the number without its plus",
    {"from": "14155550123", "received_at": ""}, says={"sent_us": 1790000000000000})  # fmt: skip
one("toll_free", "Start to a toll-free number", {"to": "+18885550100", "text": "Start"},
    says={"sender": "+18885550100", "text": "Start"}, answered="network")  # fmt: skip
write("other_type", "Another event", {"id": 5, "x": []}, kind="invoice.paid")
write("failed", "A text of ours was not taken", kind="sms.failed",
      data={"id": "out-1", "from": "+14155550100", "to": "+14155550123", "reason": "opted_out",
            "code": 7},
      reports=[{"message_id": "out-1", "number": "+14155550123", "sender": "+14155550100",
                "kind": "opted_out", "code": "7",
                "note": "the gateway will not text this number: it has opted out",
                "status": "failed"}])  # fmt: skip
write("delivered", "A text of ours arrived", kind="sms.delivered",
      data={"id": "out-1", "from": "+14155550100", "to": "+14155550123"},
      reports=[{"message_id": "out-1", "number": "+14155550123", "sender": "+14155550100",
                "kind": "", "code": "", "note": "", "status": "delivered"}])  # fmt: skip
write("without_to", "To nobody", {**DATA, "to": ""}, unreadable="The data lacks id, from or to")
write("data_is_a_list", "Data of another shape", [DATA], account=V1A,
      unreadable="The gateway posts JSON of another shape: ")  # fmt: skip
