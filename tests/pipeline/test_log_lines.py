"""The log line of a webhook names the provider's own id of the message, whatever comes of it."""

from __future__ import annotations

import dataclasses

import pytest
from structlog.testing import capture_logs

from smsgate.domain.messages import WebhookRequest
from smsgate.logs import mask_numbers
from smsgate.pipeline.ingest import _shown_ids
from smsgate.process.configuration import load_configuration
from smsgate.process.services import build_services
from smsgate.web import create_app
from tests.fakes.values import NUMBER


def line_of(services, request: WebhookRequest) -> dict[str, object]:
    """What is logged of one request over HTTP."""
    app = create_app(services).test_client()
    with capture_logs() as lines:
        app.open(
            request.url, method=request.method, headers=dict(request.headers), data=request.body
        )
    (line,) = [one for one in lines if one["event"] == "webhook"]
    return line


@pytest.mark.parametrize("text", ["STOP", "good morning"])
def test_a_message_that_is_taken(services, signed, text):
    id_ = "SM" + "a" * 32
    line = line_of(services, signed(text, message_id=id_))
    assert (line["status"], line["message_id"]) == (200, id_)


def test_a_message_that_could_not_be_stored(environ, signed):
    away = build_services(load_configuration(environ | {"REDIS_URL": "redis://127.0.0.1:1/0"}))
    id_ = "SM" + "b" * 32
    line = line_of(away, signed("STOP", message_id=id_))
    away.close()
    assert (line["status"], line["message_id"]) == (503, id_)


def test_of_a_forgery_nothing_is_read(services, signed):
    request = signed("STOP")
    line = line_of(services, dataclasses.replace(request, body=request.body + b"&x=y"))
    assert (line["status"], line["message_id"]) == (403, "")


def test_many_ids_are_cut_and_a_number_in_one_is_masked():
    assert _shown_ids([(f"id{at}", NUMBER) for at in range(12)]).endswith("id8 id9 +2")
    assert _shown_ids([(f"{NUMBER}-7", NUMBER), ("", NUMBER), ("x", "Acme")]) == "+•••-7 x"


def test_an_id_of_digits_alone_is_no_phone_number():
    line = mask_numbers(None, "info", {"message_id": "1234567890123", "numbers": "1234567890123"})
    assert line == {"message_id": "1234567890123", "numbers": "12345•••0123"}
