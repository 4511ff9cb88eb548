"""A genuine request without the text that its format promises: refused, counted, and explained."""

from __future__ import annotations

from urllib.parse import urlencode

import msgspec
import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from smsgate.cli.main import run
from smsgate.domain.errors import StoreUnavailable
from smsgate.store.keys import partition_of
from smsgate.web import create_app
from tests.fakes import manual
from tests.fakes.own_services import ready_services
from tests.fakes.processes import wait_until
from tests.fakes.values import NUMBER, OTHER

SECRET = "a-secret-of-the-tests-that-is-long-enough"
CONFIG = f"""
[accounts.own]
provider   = "form"
secret     = "{SECRET}"
send_url   = "https://gateway.example.com/send"
text_field = "body"

[accounts.infobip]
provider       = "infobip"
host           = "xyz.api.infobip.com"
api_key        = "a-key"
scheme         = "basic"
webhook_secret = "smsgate:{SECRET}"

[programs.own]
name     = "Acme Own"
account  = "own"
senders  = ["*"]
keywords = ["en"]
region   = "US"

[programs.batches]
name     = "Acme Batches"
account  = "infobip"
senders  = ["*"]
keywords = ["en"]
region   = "US"
"""
TEXT = {"id": "m-1", "from": NUMBER, "to": "+14155550999", "text": "STOP"}
STOP = {"from": NUMBER[1:], "text": "STOP"}
SAID = "The request lacks body, in which a text must stand; it has from, id, text, to."


@pytest.fixture
def services(environ):
    with ready_services(environ, CONFIG) as made:
        yield made


@pytest.fixture
def client(services) -> FlaskClient:
    return create_app(services).test_client()


def post(client: FlaskClient, **changes: str):
    fields = {name: value for name, value in (TEXT | changes).items() if value}
    return client.post(
        f"/webhooks/own/{SECRET}",
        data=urlencode(fields),
        content_type="application/x-www-form-urlencoded",
    )


def batch(client: FlaskClient, *texts: dict[str, object]):
    whole = [
        {"messageId": f"id-{place}", "to": "14155550999", **text}
        for place, text in enumerate(texts)
    ]
    body = msgspec.json.encode({"results": whole})
    return client.post(
        "/webhooks/infobip",
        data=body,
        content_type="application/json",
        auth=("smsgate", SECRET),
    )


def counted(services, client: FlaskClient, account: str, result: str) -> float:
    services.store.metrics.flush()
    key = services.settings.api_keys[0].get_secret_value()
    answer = client.get("/metrics", headers={"Authorization": f"Bearer {key}"})
    return next(
        (
            one.value
            for family in text_string_to_metric_families(answer.text)
            for one in family.samples
            if one.name == "smsgate_webhook_requests_total"
            and one.labels == {"account": account, "result": result}
        ),
        0,
    )


def test_a_wrong_text_field_is_400_with_names_and_without_values(services, client) -> None:
    with capture_logs() as lines:
        answer = post(client)
    assert (answer.status_code, answer.text) == (400, f"{SAID}\n")
    (line,) = [one for one in lines if one["event"] == "webhook"]
    assert (line["outcome"], line["status"], line["problem"]) == ("text_missing", 400, SAID)
    assert NUMBER not in str(lines)
    assert services.store.inbox.busy() == []
    assert counted(services, client, "own", "text_missing") == 1
    assert counted(services, client, "own", "accepted") == 0


def test_the_right_field_with_an_empty_text_is_acknowledged(services, client) -> None:
    answer = client.post(
        f"/webhooks/own/{SECRET}",
        data=urlencode({**TEXT, "body": ""}),
        content_type="application/x-www-form-urlencoded",
    )
    assert answer.status_code == 200
    assert counted(services, client, "own", "accepted") == 1


def test_doctor_names_the_account_s_fault_and_the_fields_that_came(
    services, client, environ, capsys
) -> None:
    for place in range(2):
        post(client, id=f"m-{place}")
    assert wait_until(lambda: services.store.quarantine.newest("own"))
    (kept,) = services.store.quarantine.newest("own")
    assert (kept.cause, kept.fields) == ("text", ("from", "id", "text", "to"))
    assert run(["doctor", "own"], environ) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert SAID in said
    assert "a text that is not there may be a STOP" in said
    assert "docs/providers/form.md" in said
    assert run(["doctor", "infobip"], environ) == 0


def test_nothing_that_was_said_is_kept(services, client, redis_client) -> None:
    name = "+14155550177"
    odd = {name: "my pin is q9z8x7", "Please stop texting me": "1", "x" * 500: "2"}
    post(client, **odd, text="unsubscribe me")
    assert wait_until(lambda: services.store.quarantine.newest("own"))
    raw = b"".join(
        b" ".join(pair) for pair in redis_client.hgetall("smsgate:quarantined:own").items()
    )
    values = (NUMBER, name, "unsubscribe", "q9z8x7", "Please", SECRET, "xxxx")
    assert [value for value in values if value.encode() in raw] == []


def test_of_a_batch_the_stop_is_kept_and_the_request_refused(services, client) -> None:
    manual.opt_out(services, OTHER, "all", "ann", "asked by phone")
    services.applier.drain(partition_of(OTHER))
    texts = [{"from": OTHER[1:]}, STOP]
    answer = batch(client, *texts)
    assert answer.status_code == 400
    assert "The request lacks text or message[].value" in answer.text
    assert services.gate.check([NUMBER], program="batches")[0].reason == "hold"
    assert batch(client, *texts).status_code == 400  # as Infobip tries again

    services.applier.drain(partition_of(NUMBER))
    assert [(one.kind, one.outcome) for one in services.history.of_number(NUMBER)] == [
        ("opt_out", "applied")
    ]
    assert services.gate.check([NUMBER], program="batches")[0].reason == "opted_out_all"


@pytest.mark.parametrize("wrong", [{"from": None}, {"to": ""}, {"messageId": ""}, {"text": ["x"]}])
def test_of_a_batch_with_a_text_that_cannot_be_read_the_stop_is_kept(
    services, client, wrong
) -> None:
    with capture_logs() as lines:
        answer = batch(client, {"from": OTHER[1:], "text": "x"} | wrong, STOP)
    assert answer.status_code == 400
    assert [one["outcome"] for one in lines if one["event"] == "webhook"] == ["part_unreadable"]
    assert services.gate.check([NUMBER], program="batches")[0].reason == "hold"


def test_what_cannot_be_stored_of_a_batch_is_503_and_not_400(services, client, monkeypatch) -> None:
    def away(*_: object) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(services.store.inbox, "add", away)
    texts = [{"from": OTHER[1:]}, STOP]
    assert batch(client, *texts).status_code == 503
