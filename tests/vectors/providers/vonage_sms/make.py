"""Write the recorded webhooks of Vonage's SMS API, signed by the steps that Vonage documents.

.venv/bin/python -m tests.vectors.providers.vonage_sms.make
"""

from __future__ import annotations

import hashlib
import hmac
import json
from urllib.parse import urlencode

from tests.vectors.providers.recording import LACKS_FIELD, Recorder, message_fields

RECORDER = Recorder(
    __file__,
    payload="page: developer.vonage.com/en/messaging/sms (inbound SMS, delivery receipts)",
    signature="steps: developer.vonage.com/en/getting-started/concepts/signing-messages",
    path={"signature": "none: a secret in the address"},
    blank={"payload": "invented: a blank value, about which Vonage's libraries disagree"},
    without_msisdn=LACKS_FIELD,
)
SECRET = "a-signature-secret-that-opens-nothing"
URL = "https://sms.example.com/webhooks/vonage_sms"
FORM = {"content-type": "application/x-www-form-urlencoded"}
TEXT = {
    "api-key": "a1b2c3d4",
    "keyword": "STOP",
    "message-timestamp": "2026-09-21 14:13:18",
    "messageId": "0C000000217B7F02",
    "msisdn": "14155550123",
    "nonce": "aaaaaaaa-bbbb-4ccc-8ddd-0123456789ab",
    "text": "STOP",
    "timestamp": "1790000000",
    "to": "14155550100",
    "type": "text",
}
MESSAGE = message_fields("0C000000217B7F02", sent_us=1789999998000000)
RECEIPT = {
    "api-key": "a1b2c3d4",
    "err-code": "0",
    "message-timestamp": "2026-09-21 14:13:18",
    "messageId": "0C000000217B7F02",
    "msisdn": "14155550123",
    "network-code": "310004",
    "price": "0.00000000",
    "scts": "2609211413",
    "status": "delivered",
    "timestamp": "1790000000",
    "to": "14155550100",
}
REPORT = {"message_id": "0C000000217B7F02", "number": "+14155550123", "sender": "+14155550100",
          "status": "undelivered"}  # fmt: skip


def signature(parameters: dict, scheme: str) -> str:
    text = ""
    for name in sorted(parameters):
        value = parameters[name].replace("&", "_").replace("=", "_")
        text += f"&{name}={value}"
    if scheme == "md5hash":
        return hashlib.md5((text + SECRET).encode()).hexdigest()
    return hmac.new(SECRET.encode(), text.encode(), scheme).hexdigest().upper()


def write(
    name: str,
    what: str,
    parameters: dict,
    *,
    scheme: str = "sha256",
    method: str = "POST",
    as_json: bool = False,
    **expected: object,
) -> None:
    url, signed = URL, parameters
    if scheme == "path":
        url = f"{URL}/{SECRET}"
    else:
        signed = {**parameters, "sig": signature(parameters, scheme)}
    body, headers = urlencode(signed), FORM
    if method == "GET":
        url, body, headers = f"{url}?{body}", "", {}
    if as_json:
        body, headers = json.dumps(signed), {"content-type": "application/json"}
    where = "path" if scheme == "path" else "body:sig" if as_json else "form:sig"
    content = {
        "account": {
            "options": {"api_key": "a1b2c3d4", "scheme": scheme},
            "secrets": {"webhook_secret": [SECRET], "api_secret": ["opens-nothing"]},
        },
        "signature": where,
        "ignores_case": scheme != "path",
        "covers": [] if scheme == "path" else ["body"],
        **({"stamped": True} if scheme == "path" else {"window_s": 300}),
        "channels": ["sms"],
        "lacks": ["service", "flag", "media"],
        "request": {"method": method, "url": url, "headers": headers, "body": body},
        **expected,
    }
    RECORDER.write(name, what, content)


def main() -> None:
    for scheme in ("md5hash", "md5", "sha1", "sha256", "sha512"):
        write(f"stop_{scheme}", f"STOP to a long number, signed by {scheme}", TEXT, scheme=scheme,
              messages=[MESSAGE], answered="")  # fmt: skip
    unsigned = {name: value for name, value in TEXT.items() if name not in ("nonce", "timestamp")}
    write("path", "Unsigned, to a secret path", unsigned, scheme="path",
          messages=[MESSAGE], answered="")  # fmt: skip
    write("get", "By GET", TEXT, method="GET", messages=[MESSAGE], answered="")
    write("json", "As JSON", TEXT, as_json=True, messages=[MESSAGE], answered="")
    words = "Arrêtez & = 🛑 שלום"
    write("unicode", "What is no ASCII, to a short code",
          TEXT | {"text": words, "type": "unicode", "to": "22395"},
          messages=[MESSAGE | {"text": words, "sender": "22395"}], answered="")  # fmt: skip
    write("blank", "A blank value, which is signed too", TEXT | {"text": "", "keyword": ""},
          messages=[MESSAGE | {"text": ""}], answered="")  # fmt: skip
    write("toll_free", "START to a toll-free number", TEXT | {"to": "18885550100", "text": "START"},
          messages=[MESSAGE | {"sender": "+18885550100", "text": "START"}],
          answered="network")  # fmt: skip
    part = {"concat": "true", "concat-ref": "199", "concat-total": "2", "concat-part": "2"}
    write("part", "The second part of a long text, which alone would opt in",
          TEXT | part | {"text": "start"},
          messages=[MESSAGE | {"text": "[part 2 of 2] start"}], answered="")  # fmt: skip
    binary = {"type": "binary", "data": "00730074006f0070", "udh": "06050415811581"}
    binary |= {name: value for name, value in TEXT.items() if name not in ("text", "type")}
    write("binary", "Data without a text", binary,
          messages=[MESSAGE | {"text": ""}], answered="")  # fmt: skip
    write("delivered", "The receipt of one of ours", RECEIPT,
          reports=[{**REPORT, "kind": "", "code": "0", "note": "",
                    "status": "delivered"}])  # fmt: skip
    write("opted_out", "The receipt of one of ours to somebody who had opted out",
          RECEIPT | {"status": "failed", "err-code": "9"},
          reports=[{**REPORT, "kind": "opted_out", "code": "9",
                    "note": "the number has opted out of texts from this sender"}])  # fmt: skip
    write("gone", "The receipt of one of ours to a dead number",
          RECEIPT | {"status": "failed", "err-code": "3"},
          reports=[{**REPORT, "kind": "unreachable", "code": "3",
                    "note": "the number is no longer in use"}])  # fmt: skip
    without = {name: value for name, value in TEXT.items() if name != "msisdn"}
    write("without_msisdn", "A text from nobody", without,
          unreadable="The request lacks msisdn")  # fmt: skip


if __name__ == "__main__":
    main()
