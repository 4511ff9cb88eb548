"""Write the recorded webhooks of Plivo, signed by Plivo's own library.

.venv/bin/python -m tests.vectors.providers.plivo.make
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from urllib.parse import parse_qs, urlencode

from plivo.utils import validate_signature
from plivo.utils.signature_v3 import construct_get_url, construct_post_url, get_signature_v3

from tests.vectors.providers.recording import LACKS_FIELD, Recorder, message_fields

SIGNATURE_V2 = {
    "signature": (
        "steps: plivo.com/docs/messaging/concepts/signature-validation, accepted by plivo "
        "4.63.0, utils.validate_signature"
    ),
}
SEND_A_MESSAGE = {"payload": "page: plivo.com/docs/messaging/api/message/send-a-message (url)"}
RECORDER = Recorder(
    __file__,
    payload="page: plivo.com/docs/messaging/use-cases/receive-sms",
    signature="sdk: plivo 4.63.0, utils.signature_v3",
    stop_v2=SIGNATURE_V2,
    stop_ma_v2=SIGNATURE_V2,
    delivered=SEND_A_MESSAGE,
    report=SEND_A_MESSAGE,
    repeats={
        "payload": (
            "invented: repeated values and names without value, to see that they are signed and "
            "read alike"
        ),
    },
    without_from=LACKS_FIELD,
    query={"payload": "invented: an address with a query, with a text of Plivo's page"},
)
URL = "https://sms.example.com/webhooks/plivo"
NONCE = "05429567804466091622"
TOKEN, MAIN = "a-token-that-opens-nothing", "the-main-accounts-token"
OPTIONS = {"auth_id": "MA" + "X" * 18}
ID = "7f3a09c1-0000-4000-8000-000000000001"
TEXT = {
    "From": "14155550123",
    "MessageIntent": "optout",
    "MessageUUID": ID,
    "PowerpackUUID": "",
    "Text": "STOP",
    "To": "14155550100",
    "TotalAmount": "0",
    "TotalRate": "0",
    "Type": "sms",
    "Units": "1",
}
MESSAGE = message_fields(ID, flag="opt_out")


def signature(scheme: str, method: str, url: str, body: str) -> str:
    token = MAIN if scheme.startswith("ma-") else TOKEN
    if scheme.endswith("v2"):
        path = url.partition("?")[0]
        code = hmac.new(token.encode(), f"{path}{NONCE}".encode(), hashlib.sha256).digest()
        made = base64.b64encode(code).decode()
        assert validate_signature(url, NONCE, made, token)
        return made
    form = parse_qs(body, keep_blank_values=True)
    made = construct_post_url(url, form) if method == "POST" else construct_get_url(url, {})
    return get_signature_v3(token.encode(), made.decode(), NONCE.encode()).decode()


def write(name, what, form, *, scheme="v3", method="POST", query="", list_of="", **rest):
    body = urlencode(form, doseq=True)
    url = URL + (f"?{query}" if query else "")
    if method == "GET":
        url, body = f"{URL}?{body}", ""
    header = f"x-plivo-signature-{scheme}"
    version = scheme[-2:]
    v3 = version == "v3"
    content = {
        "account": {
            "options": OPTIONS if scheme == "v3" else {**OPTIONS, "signature": scheme},
            "secrets": {"auth_token": [TOKEN]}
            if not scheme.startswith("ma-")
            else {"auth_token": [TOKEN], "main_auth_token": [MAIN]},
        },
        "signature": header,
        "covers": ["body", "url"] if v3 else [],
        "separator": "," if v3 else "",
        "channels": ["sms", "mms", "whatsapp"],
        "request": {
            "method": method,
            "url": url,
            "headers": {
                **({"content-type": "application/x-www-form-urlencoded"} if body else {}),
                "user-agent": "Plivo",
                header: list_of + signature(scheme, method, url, body),
                f"x-plivo-signature-{version}-nonce": NONCE,
            },
            "body": body,
        },
        **rest,
    }
    RECORDER.write(name, what, content)


def one(name, what, fields=None, *, says=None, answered="", **how):
    write(name, what, {**TEXT, **(fields or {})}, messages=[{**MESSAGE, **(says or {})}],
          answered=answered, **how)  # fmt: skip


one("stop", "STOP with Plivo's own mark")
one("stop_ma", "STOP to a number of a subaccount, signed with the main account's token",
    scheme="ma-v3")  # fmt: skip
one("stop_get", "A message_url that is set to GET", method="GET")
one("stop_v2", "Signed by V2, which covers the path alone", scheme="v2",
    says={"message_id": NONCE})  # fmt: skip
one("stop_ma_v2", "V2 with the main account's token", scheme="ma-v2", says={"message_id": NONCE})
one("query", "An address with a query of its own", query="b=2&a=1&a=0")
one("repeats", "Repeated values and names without value",
    {"Blank": "", "Zeta": ["2", "1", "2"]})  # fmt: skip
one("please", "A wording without a mark", {"Text": "stop please", "MessageIntent": ""},
    says={"text": "stop please", "flag": None})  # fmt: skip
one("start", "START", {"Text": "START", "MessageIntent": "optin"},
    says={"text": "START", "flag": "opt_in"})  # fmt: skip
one("toll_free", "STOP to a toll-free number", {"To": "18885550100"},
    says={"sender": "+18885550100"}, answered="network")  # fmt: skip
one("short_code", "A short code of ours, from a pool", {"To": "22395", "PowerpackUUID": "p-1"},
    says={"sender": "22395", "service": "p-1"})  # fmt: skip
one("unicode", "Letters of three scripts and a picture",
    {"Text": "ARRÊT 停止 توقف 🛑", "MessageIntent": ""},
    says={"text": "ARRÊT 停止 توقف 🛑", "flag": None})  # fmt: skip
write("mms", "Two pictures with words",
      {**{name: value for name, value in TEXT.items() if name != "Text"}, "Body": "stop",
       "Type": "mms", "MediaCount": "2", "Media1": "https://m.example/2",
       "Media2": "https://m.example/1"},
      messages=[{**MESSAGE, "text": "stop", "channel": "mms",
                 "media": ["https://m.example/2", "https://m.example/1"]}],
      answered="")  # fmt: skip
REPORT = {"From": "14155550100", "To": "14155550123", "MessageUUID": ID, "Status": "failed",
          "ErrorCode": "200", "Units": "1"}  # fmt: skip
write("report", "A text of ours was blocked", REPORT,
      reports=[{"message_id": ID, "number": "+14155550123", "sender": "+14155550100",
                "kind": "opted_out", "code": "200", "status": "failed",
                "note": "the number has sent STOP to this sender"}])  # fmt: skip
write("delivered", "A text of ours arrived", {**REPORT, "Status": "delivered", "ErrorCode": "000"},
      reports=[{"message_id": ID, "number": "+14155550123", "sender": "+14155550100",
                "kind": "", "code": "000", "note": "", "status": "delivered"}])  # fmt: skip
write("without_from", "From nobody", {**TEXT, "From": ""}, unreadable="The form lacks From")
