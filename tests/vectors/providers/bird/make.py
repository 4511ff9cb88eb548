"""Writes the recorded webhooks of Bird, signed by the standardwebhooks library.

python -m tests.vectors.providers.bird.make
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import partial

from standardwebhooks.webhooks import Webhook

from tests.vectors.providers.recording import LACKS_FIELD, NO_JSON, Recorder, message_fields

NOW_S = 1_790_000_000
RECORDER = Recorder(
    __file__,
    payload="page: the models of events in github.com/messagebird/bird-sdk-python",
    signature="library: standardwebhooks 1.1.0, as Bird's SDK verifies",
    no_json=NO_JSON,
    without_from=LACKS_FIELD,
    email={"payload": "invented: an event of another product, by its name alone"},
)
SECRET = "whsec_" + "c21zZ2F0ZSdzIG93biBrZXkgZm9yIHRlc3Rz"
URL = "https://sms.example.com/webhooks/bird"
ID = "sms_01krdgeqcxet5s7t44vh8rt9mg"
WORKSPACE = "ws_01krdgeqcxet5s7t44vh8rt9mg"


def text(**changes):
    return {
        "sms_id": ID,
        "workspace_id": WORKSPACE,
        "to": "+14155550100",
        "from": "+14155550123",
        "tags": None,
        "metadata": None,
        "cost": None,
        "text": "STOP",
        "segments": {"count": 1, "encoding": "gsm7", "characters": 4},
        "carrier": "Verizon",
        "mcc_mnc": "311480",
        **changes,
    }


def event(kind, data, timestamp="2026-09-21T14:13:18.500000Z"):
    return {"type": kind, "timestamp": timestamp, "data": data}


def write(name, what, body, *, other="", **expected):
    if not isinstance(body, str):
        body = json.dumps(body, ensure_ascii=False)
    signature = Webhook(SECRET).sign("msg_1", datetime.fromtimestamp(NOW_S, UTC), body)
    content = {
        "account": {
            "options": {},
            "secrets": {"api_key": ["bk_us1_x"], "webhook_secret": [SECRET]},
        },
        "signature": "webhook-signature",
        "covers": ["body"],
        "separator": " ",
        "time": "webhook-timestamp",
        "window_s": 300,
        "channels": ["sms"],
        "lacks": ["service", "flag", "media"],
        "request": {
            "method": "POST",
            "url": URL,
            "headers": {
                "content-type": "application/json",
                "webhook-id": "msg_1",
                "webhook-timestamp": str(NOW_S),
                "webhook-signature": other + signature,
            },
            "body": body,
        },
    }
    RECORDER.write(name, what, content | expected)


message = partial(message_fields, message_id=ID, sent_us=1_789_999_998_500_000)


def report(kind, code, note, **changes):
    return {
        "message_id": ID,
        "number": "+14155550123",
        "sender": "+14155550100",
        "kind": kind,
        "code": code,
        "note": note,
        **changes,
    }


def main():
    write("stop", "STOP", event("sms.received", text()), messages=[message()], answered="")
    write(
        "toll_free", "start to a toll-free number",
        event("sms.received", text(to="+18885550100", text="start")),
        messages=[message(sender="+18885550100", text="start")], answered="network",
    )  # fmt: skip
    picture = text(subject="Hi")
    del picture["text"]
    write(
        "no_text", "An attachment alone has no text", event("sms.received", picture),
        messages=[message(text="")], answered="",
    )  # fmt: skip
    write(
        "unicode", "Another wording, to a short code, at a time with an offset",
        event(
            "sms.received", text(text="Déjame en paz 🛑", to="22395"), "2026-09-21T16:13:18+02:00"
        ),
        messages=[
            message(text="Déjame en paz 🛑", sender="22395", sent_us=1_789_999_998_000_000)
        ],
        answered="",
    )  # fmt: skip
    write(
        "without_from", "No sender", event("sms.received", text(**{"from": ""})),
        unreadable="The data lacks sms_id, from or to",
    )  # fmt: skip
    write("no_json", "No JSON", "STOP", unreadable="Bird posts JSON of another shape")
    outbound = text(to="+14155550123", **{"from": "+14155550100"})
    write(
        "delivered", "A text of ours arrived", event("sms.delivered", outbound),
        reports=[report("", "", "", status="delivered")],
    )  # fmt: skip
    write("email", "Another product", event("email.bounced", {"email_id": "em_1"}))
    error = {"code": "landline_unreachable", "description": "…", "occurred_at": "…"}
    write(
        "failed", "A text of ours to a landline",
        event("sms.failed", outbound | {"error": error}),
        reports=[report("unreachable", "landline_unreachable", "a landline", status="failed")],
    )  # fmt: skip
    listed = "the number is on the suppression list"
    write(
        "rejected", "A text of ours to a number that opted out",
        event("sms.rejected", outbound | {"error": error | {"code": "recipient_opted_out"}}),
        reports=[report("opted_out", "recipient_opted_out", listed, status="failed")],
    )  # fmt: skip
    suppression = {
        "id": "ssp_1", "workspace_id": WORKSPACE, "destination": "+14155550123",
        "originator": "+14155550100", "reason": "carrier_opted_out",
    }  # fmt: skip
    write(
        "suppression", "A number comes onto the suppression list",
        event("sms_suppression.created", suppression),
        reports=[report("opted_out", "sms_suppression.created", listed, message_id="ssp_1")],
    )  # fmt: skip


if __name__ == "__main__":
    main()
