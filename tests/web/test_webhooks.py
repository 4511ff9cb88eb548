from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from structlog.testing import capture_logs

from smsgate.domain.errors import (
    AccountNotReady,
    SignatureRefused,
    StoreUnavailable,
    UnknownAccount,
    Unreadable,
)
from tests.fakes.services import FakeServices

LIMIT = 64 * 1024


def test_a_providers_request_reaches_the_gateway_as_it_was_sent(
    client: FlaskClient, services: FakeServices
) -> None:
    client.post(
        "/webhooks/twilio?a=%7e+1&&b",
        data=b"\xff\x00Body=Stop%21&Blank=",
        headers={"X-Twilio-Signature": "sig", "Content-Type": "text/odd; x=1"},
    )
    [(account, request)] = services.received
    assert account == "twilio"
    assert request.method == "POST"
    assert request.url == "https://sms.example.com/webhooks/twilio?a=%7e+1&&b"
    assert request.body == b"\xff\x00Body=Stop%21&Blank="
    assert request.headers["x-twilio-signature"] == "sig"
    assert request.headers["content-type"] == "text/odd; x=1"


def test_the_answer_is_the_providers_own(client: FlaskClient) -> None:
    answer = client.post("/webhooks/twilio")
    assert answer.status_code == 200
    assert answer.data == b"<Response/>"
    assert answer.headers["Content-Type"] == "text/xml"
    assert answer.headers["X-Provider"] == "yes"


def test_a_get_with_everything_in_the_query_is_a_request_too(
    client: FlaskClient, services: FakeServices
) -> None:
    client.get("/webhooks/twilio?Body=STOP")
    assert [(account, request.method, request.query) for account, request in services.received] == [
        ("twilio", "GET", "Body=STOP")
    ]


@pytest.mark.parametrize("path", ["/webhooks/twilio/", "//webhooks/twilio"])
def test_a_slash_too_many_stays_and_is_not_redirected_away(
    client: FlaskClient, services: FakeServices, path: str
) -> None:
    assert client.post("/", environ_overrides={"PATH_INFO": path}).status_code == 200
    assert services.received[0][1].url == f"https://sms.example.com{path}"


@pytest.mark.parametrize("path", ["/webhooks/twilio/s3cr/et", "/webhooks//twilio", "/webhooks"])
def test_another_path_is_refused_and_not_redirected(
    client: FlaskClient, services: FakeServices, path: str
) -> None:
    assert client.post("/", environ_overrides={"PATH_INFO": path}).status_code == 404
    assert services.received == []


def test_a_secret_in_the_path_reaches_the_gateway_but_no_log(
    client: FlaskClient, services: FakeServices
) -> None:
    with capture_logs() as lines:
        client.post("/webhooks/twilio/s3cret")
    assert services.received[0][1].url == "https://sms.example.com/webhooks/twilio/s3cret"
    assert "s3cret" not in str(lines)


def test_a_head_request_is_never_taken_for_a_message(
    client: FlaskClient, services: FakeServices
) -> None:
    assert client.head("/webhooks/twilio?Body=STOP").status_code == 200
    assert client.head("/webhooks/other").status_code == 404
    assert services.received == []


def test_options_says_what_is_allowed_and_is_never_taken_for_a_message(
    client: FlaskClient, services: FakeServices
) -> None:
    answer = client.options("/webhooks/twilio")
    assert answer.status_code == 200
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}
    assert services.received == []


ERRORS = [
    (UnknownAccount("There is no account 'x' here."), 404, "unknown_account"),
    (AccountNotReady("No secret yet."), 503, "account_not_ready"),
    (SignatureRefused("The signature is cut."), 403, "signature_refused"),
    (Unreadable("MessageSid is missing."), 400, "unreadable"),
    (StoreUnavailable("Redis is away."), 503, "store_unavailable"),
]


@pytest.mark.parametrize(("error", "status", "outcome"), ERRORS)
def test_an_error_is_answered_with_its_status_and_one_sentence(
    client: FlaskClient, services: FakeServices, error: Exception, status: int, outcome: str
) -> None:
    services.error = error
    with capture_logs() as lines:
        answer = client.post("/webhooks/twilio", data=b"x")
    assert answer.status_code == status
    assert answer.text == f"{error}\n"
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers.get("Retry-After") == ("5" if status == 503 else None)
    [line] = lines
    assert (line["event"], line["status"], line["outcome"]) == ("webhook", status, outcome)
    assert line["problem"] == str(error)


def test_an_unexpected_error_tells_the_caller_nothing_and_the_log_no_body(
    client: FlaskClient, services: FakeServices
) -> None:
    services.error = ValueError("secret detail")
    with capture_logs() as lines:
        answer = client.post("/webhooks/twilio/s3cret", data=b"Body=private")
    assert answer.status_code == 500
    assert "secret detail" not in answer.text
    failed, webhook = sorted(lines, key=lambda line: line["event"])
    assert (failed["event"], failed["exc_info"]) == ("request failed", services.error)
    assert failed["route"] == "/webhooks/<account>/<_secret>"
    assert (webhook["outcome"], webhook["status"]) == ("failed", 500)
    assert "private" not in str(lines)
    assert "s3cret" not in str(lines)


@pytest.mark.parametrize(
    ("size", "status", "reached"), [(LIMIT, 200, 1), (LIMIT + 1, 413, 0), (10 * LIMIT, 413, 0)]
)
def test_a_body_over_the_limit_is_refused(
    client: FlaskClient, services: FakeServices, size: int, status: int, reached: int
) -> None:
    answer = client.post("/webhooks/twilio", data=b"a" * size)
    assert answer.status_code == status
    assert len(services.received) == reached
    assert ("over 64 KiB" in answer.text) is (status == 413)


def test_a_webhook_leaves_one_line_with_no_number_and_no_body(client: FlaskClient) -> None:
    with capture_logs() as lines:
        client.post("/webhooks/twilio", data=b"From=%2B14155550123&Body=Stop")
    [line] = lines
    assert line.pop("ms") >= 0
    assert line == {
        "event": "webhook",
        "log_level": "info",
        "account": "twilio",
        "method": "POST",
        "outcome": "opt_out",
        "numbers": "+1415•••0123",
        "message_id": "SM1",
        "status": 200,
        "problem": "",
    }


def test_a_name_that_somebody_made_up_does_not_fill_the_log(
    client: FlaskClient, services: FakeServices
) -> None:
    services.error = UnknownAccount("There is no account " + "x" * 5000)
    with capture_logs() as lines:
        client.post("/webhooks/" + "x" * 5000)
    assert lines[0]["account"] == "•••"
    assert len(str(lines)) < 700


def test_a_delivery_report_reaches_the_gateway_like_any_other_request(
    client: FlaskClient, services: FakeServices
) -> None:
    """So that a message that an operator lets come to the wrong address is not lost."""
    answer = client.post("/webhooks/twilio/status", data=b"MessageStatus=sent")
    assert (answer.status_code, answer.data) == (200, b"<Response/>")
    [(account, request)] = services.received
    assert account == "twilio"
    assert request.url == "https://sms.example.com/webhooks/twilio/status"
    assert request.body == b"MessageStatus=sent"
