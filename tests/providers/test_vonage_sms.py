"""Vonage's SMS API: what is signed and how it could be read otherwise; parts; sending."""

from __future__ import annotations

import hashlib
import hmac
import json
from urllib.parse import urlencode

import pytest

from smsgate.classifier import Classifier, load_sets
from smsgate.domain.errors import SignatureExpired, SignatureRefused, WebhookError
from smsgate.domain.messages import WebhookRequest
from smsgate.providers import PROVIDERS
from smsgate.settings import Program
from tests.providers.recorded import NOW_US, account_of

vonage_sms = PROVIDERS["vonage_sms"]

SECRET = "signature-secret"
URL = "https://sms.example.com/webhooks/v"
SECRETS = {"webhook_secret": [SECRET], "api_secret": ["s1"]}
ACCOUNT = account_of("v", "vonage_sms", {"api_key": "a1b2c3d4"}, SECRETS)
TEXT = {
    "api-key": "a1b2c3d4",
    "messageId": "1",
    "msisdn": "14155550123",
    "text": "STOP",
    "timestamp": str(NOW_US // 1_000_000),
    "to": "14155550100",
}


def request(parameters: list[tuple[str, str]], signed: str) -> WebhookRequest:
    sig = hmac.new(SECRET.encode(), signed.encode(), "sha256").hexdigest()
    body = urlencode([*parameters, ("sig", sig)]).encode()
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return WebhookRequest("POST", URL, headers, body)


def text_of(parameters: dict[str, str]) -> str:
    return "".join(f"&{name}={parameters[name]}" for name in sorted(parameters))


def read(request: WebhookRequest, account=ACCOUNT) -> list[str]:
    vonage_sms.verify(request, account, NOW_US)
    return [message.text for message in vonage_sms.parse(request, account)]


@pytest.mark.parametrize("counts", [True, False])
def test_blank_values_may_be_signed_or_left_out(counts):
    form = TEXT | {"keyword": "", "text": " "}
    signed = form if counts else {name: value for name, value in form.items() if value.strip()}
    assert read(request([*form.items()], text_of(signed))) == [" "]


def test_a_value_that_is_not_blank_is_always_signed():
    signed = {name: value for name, value in TEXT.items() if name != "text"}
    with pytest.raises(SignatureRefused):
        read(request([*TEXT.items()], text_of(signed)))


def test_a_signed_text_cannot_be_regrouped():
    """``&text=STOP&timestamp=…`` reads the same with ``text=STOP&timestamp`` as one name."""
    hidden = {name: value for name, value in TEXT.items() if name not in ("text", "timestamp")}
    hidden["text=STOP&timestamp"] = TEXT["timestamp"]
    assert text_of(hidden) == text_of(TEXT)
    with pytest.raises(SignatureRefused, match="in its name"):
        read(request([*hidden.items()], text_of(hidden)))


def test_a_repeated_parameter_is_refused():
    with pytest.raises(SignatureRefused, match="repeated"):
        read(request([("text", "START"), *TEXT.items()], text_of(TEXT)))


@pytest.mark.parametrize("time", [None, "", "x", "-1", "99999999999999999999"])
def test_without_a_time_of_now_only_an_opt_out_can_count(time):
    form = {name: value for name, value in TEXT.items() if name != "timestamp"}
    form |= {} if time is None else {"timestamp": time}
    with pytest.raises(SignatureExpired):
        read(request([*form.items()], text_of(form)))


def test_a_webhook_of_another_account_is_refused():
    form = TEXT | {"api-key": "another"}
    with pytest.raises(SignatureRefused, match="api-key"):
        read(request([*form.items()], text_of(form)))


def test_no_request_can_choose_a_weaker_scheme():
    text = text_of(TEXT)
    weaker = [
        hashlib.md5((text + SECRET).encode()).hexdigest(),
        *[hmac.new(SECRET.encode(), text.encode(), name).hexdigest() for name in ("md5", "sha1")],
    ]
    for sig in weaker:
        form = urlencode({**TEXT, "sig": sig}).encode()
        with pytest.raises(SignatureRefused):
            read(WebhookRequest("POST", URL, {}, form))
        with pytest.raises(SignatureRefused):  # Nor does a secret path count where one signs.
            read(WebhookRequest("POST", f"{URL}/{SECRET}", {}, form))


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'{"a": null}', b'{"a": 1.5}', b'{"a": true}', b"\xff"]
)
def test_json_that_cannot_be_what_was_signed_is_refused(body):
    with pytest.raises(WebhookError) as raised:
        read(WebhookRequest("POST", URL, {"content-type": "application/json"}, body))
    assert raised.value.status == 403


def test_whole_numbers_in_json_are_signed_as_they_are_written():
    form = TEXT | {"timestamp": NOW_US // 1_000_000}
    sig = hmac.new(SECRET.encode(), text_of(TEXT).encode(), "sha256").hexdigest()
    body = json.dumps({**form, "sig": sig}).encode()
    assert read(WebhookRequest("POST", URL, {"content-type": "application/json"}, body)) == ["STOP"]


@pytest.mark.parametrize(
    ("text", "intent"),
    [("start", "review"), ("yes", "none"), ("stop", "opt_out"), ("unsubscribe", "opt_out")],
)
def test_a_part_can_ask_for_an_end_and_opts_nobody_in(text, intent):
    part = {"concat": "true", "concat-ref": "1", "concat-total": "2", "concat-part": "2"}
    form = TEXT | part | {"text": text}
    (read_text,) = read(request([*form.items()], text_of(form)))
    sets, _ = load_sets(None, ["en"])
    program = Program(
        name="alerts", title="Acme", account="v", senders=("*",), keywords=("en",), region="US"
    )
    assert Classifier(program, sets).classify(read_text).intent == intent
