"""Write the recorded webhooks of SignalWire, signed by Twilio's library, whose scheme it is.

.venv/bin/python -m tests.vectors.providers.signalwire.make
"""

from __future__ import annotations

import hashlib
from urllib.parse import urlencode

from twilio.request_validator import RequestValidator

from tests.vectors.providers.recording import LACKS_FIELD, Recorder, message_fields

STATUS_CALLBACK = {
    "payload": "page: developer.signalwire.com/compatibility-api (Message status callback)",
}
RECORDER = Recorder(
    __file__,
    payload="page: developer.signalwire.com/compatibility-api (Webhooks)",
    signature="library: twilio 9.13.0, RequestValidator, whose scheme SignalWire's SDK has",
    delivered=STATUS_CALLBACK,
    blocked=STATUS_CALLBACK,
    landline=STATUS_CALLBACK,
    json_with_hash={"payload": "invented: JSON, which cXML does not post"},
    without_from=LACKS_FIELD,
)
KEY = "PSK-that-opens-nothing"
PROJECT = "b2c8d1f0-6a3e-4b7d-9c55-0f1e2d3c4b5a"
URL = "https://sms.example.com/webhooks/signalwire"
FORM = "application/x-www-form-urlencoded"
ID = "5f0c1c5e-8d5b-4a55-9f3c-2f6a6d1f2a10"
ACCOUNT = {
    "options": {"project_id": PROJECT, "space": "acme"},
    "secrets": {"signing_key": [KEY], "api_token": ["PT-opens-nothing"]},
}
TEXT = {
    "MessageSid": ID,
    "SmsSid": ID,
    "AccountSid": PROJECT,
    "ApiVersion": "2010-04-01",
    "From": "+14155550123",
    "To": "+14155550100",
    "Body": "STOP",
    "NumMedia": "0",
    "NumSegments": "1",
    "SmsStatus": "received",
}
MESSAGE = message_fields(ID)
STATUS = {
    **{name: TEXT[name] for name in ("MessageSid", "AccountSid", "ApiVersion")},
    "From": "+14155550100",
    "To": "+14155550123",
    "MessageStatus": "undelivered",
    "SmsStatus": "undelivered",
}
REPORT = {"message_id": ID, "number": "+14155550123", "sender": "+14155550100",
          "status": "undelivered"}  # fmt: skip


def write(
    name: str,
    what: str,
    form: dict | list,
    *,
    url: str = URL,
    signed: str = "",
    method: str = "POST",
    kind: str = FORM,
    body: str | None = None,
    **expected: object,
) -> None:
    """One file. ``signed`` is the URL that is signed where it is written in another way."""
    encoded = urlencode(form)
    if method == "GET":
        url, encoded = f"{url}?{encoded}", ""
    posted = form if method == "POST" and body is None else {}
    signature = RequestValidator(KEY).compute_signature(signed or url, posted)
    content = {
        "account": ACCOUNT,
        "signature": "x-signalwire-signature",
        "channels": ["sms", "mms"],
        "lacks": ["flag"],
        "request": {
            "method": method,
            "url": url,
            "headers": {"content-type": kind, "x-signalwire-signature": signature},
            "body": encoded if body is None else body,
        },
        **expected,
    }
    RECORDER.write(name, what, content)


def main() -> None:
    write("stop", "STOP to a long number", TEXT, messages=[MESSAGE], answered="")
    toll_free = {"To": "+18885550100"}
    write(
        "toll_free",
        "STOP to a toll-free number, which the network answers",
        TEXT | toll_free,
        messages=[MESSAGE | {"sender": "+18885550100"}],
        answered="network",
    )
    words = "Arrêtez 🛑 & = + שלום"
    write("unicode", "What is no ASCII", TEXT | {"Body": words},
          messages=[MESSAGE | {"text": words}], answered="")  # fmt: skip
    picture = {"NumMedia": "1", "MediaUrl0": "https://acme.signalwire.com/m/1", "Body": ""}
    picture |= {"MediaContentType0": "image/png", "MessagingServiceSid": "group-1"}
    expected = {"text": "", "channel": "mms", "media": [picture["MediaUrl0"]], "service": "group-1"}
    write("picture", "A picture without words, to a number group", TEXT | picture,
          messages=[MESSAGE | expected], answered="")  # fmt: skip
    write("get", "By GET, signed by the URL alone", TEXT, method="GET",
          messages=[MESSAGE], answered="")  # fmt: skip
    write("port_signed", "Signed with the port", TEXT, signed=URL.replace(".com", ".com:443"),
          messages=[MESSAGE], answered="")  # fmt: skip
    write("delivered", "The status of one of ours", STATUS | {"MessageStatus": "delivered"},
          reports=[{**REPORT, "kind": "", "code": "", "note": "",
                    "status": "delivered"}])  # fmt: skip
    write("blocked", "One of ours that the number had blocked", STATUS | {"ErrorCode": "21610"},
          reports=[{**REPORT, "kind": "opted_out", "code": "21610",
                    "note": "the number has blocked this sender"}])  # fmt: skip
    write("landline", "One of ours that met a landline", STATUS | {"ErrorCode": "30006"},
          reports=[{**REPORT, "kind": "unreachable", "code": "30006",
                    "note": "a landline, or a carrier that cannot be reached"}])  # fmt: skip
    body = '{"message": {"body": "STOP"}}'
    digest = hashlib.sha256(body.encode()).hexdigest()
    write("json_with_hash", "JSON, covered by its hash", {}, url=f"{URL}?bodySHA256={digest}",
          kind="application/json", body=body, unreadable="The body is not form data")  # fmt: skip
    without = {name: value for name, value in TEXT.items() if name != "From"}
    write("without_from", "A text from nobody", without, unreadable="The form lacks From")


if __name__ == "__main__":
    main()
