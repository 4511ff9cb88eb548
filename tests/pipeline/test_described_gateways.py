"""Gateways that the account describes: texts without ids, and replies by a template."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlencode

import pytest

from smsgate.domain.errors import ConfigurationError
from smsgate.process.configuration import load_configuration
from smsgate.store.inbox import KEEP_MESSAGE_ID_S
from smsgate.store.keys import partition_of
from smsgate.web import create_app
from tests.fakes.own_services import ready_services
from tests.fakes.scripted_api import ScriptedApi
from tests.fakes.values import NUMBER

SECRET = "a-secret-of-the-tests-that-is-long-enough"
CONFIG = f"""
[accounts.bare]
provider = "form"
secret   = "{SECRET}"
id_from  = "content"
to       = "22395"
send_url = "https://gateway.example.com/send"

[accounts.timed]
provider   = "form"
secret     = "{SECRET}2"
id_from    = "content"
time_field = "at"
to         = "22396"
send_url   = "https://gateway.example.com/send"

[accounts.nested]
provider       = "form"
secret         = "{SECRET}3"
body           = "xml"
answer         = "<state>Accepted</state>"
answer_type    = "text/xml"
id_field       = "@id"
to             = "22397"
api_key        = "t0ken"
send_url       = "https://gateway.example.com/v1/send?a=b"
api_url        = "%API%"
send_headers   = "X-Key: {{api_key}}"
send_template  = '''{{"messages": [{{"to": "{{to_digits}}", "text": "{{text}}"}}]}}'''
sent_field     = "messages.0.status"
sent_value     = "OK"
sent_id_field  = "messages.0.id"

[programs.nested]
name     = "Acme Nested"
account  = "nested"
senders  = ["*"]
keywords = ["en"]
region   = "US"

[programs.nested.replies.en]
opt_out = "\\"Out\\" of {{program}} & gone ]]>"

[programs.bare]
name     = "Acme Bare"
account  = "bare"
senders  = ["*"]
keywords = ["en"]
region   = "US"

[programs.timed]
name     = "Acme Timed"
account  = "timed"
senders  = ["*"]
keywords = ["en"]
region   = "US"
"""


@pytest.fixture
def gateway():
    answer = b'{"messages": [{"status": "OK", "id": "g-1"}]}'
    with ScriptedApi({"/v1/send": [(200, answer)]}) as fake:
        yield fake


@pytest.fixture
def services(environ, gateway):
    with ready_services(environ, CONFIG.replace("%API%", gateway.url)) as made:
        yield made


@pytest.fixture
def post(services):
    client = create_app(services).test_client()

    def posted(account: str, text: str, at: str = "") -> list[str]:
        """The texts in the inbox after this one was acknowledged."""
        secret = SECRET if account == "bare" else f"{SECRET}2"
        data = urlencode({"from": NUMBER, "text": text, "at": at})
        kind = "application/x-www-form-urlencoded"
        answer = client.post(f"/webhooks/{account}/{secret}", data=data, content_type=kind)
        assert answer.status_code == 200
        batch = services.store.inbox.read(partition_of(NUMBER), 10)
        return [one.entry.text for one in batch.entries]

    return posted


@pytest.mark.parametrize(
    "number",
    ["tel:+14155550182", "+1 415-555-0182", "+1.415.555.0182", "(415) 555-0182", "4155550182"],
)
def test_an_opt_out_blocks_however_the_gateway_writes_the_number(services, number) -> None:
    data = urlencode({"from": number, "text": "STOP"})
    kind = "application/x-www-form-urlencoded"
    client = create_app(services).test_client()
    assert client.post(f"/webhooks/bare/{SECRET}", data=data, content_type=kind).status_code == 200
    (answer,) = services.gate.check(["+14155550182"], program="bare")
    assert answer.allowed is False


def test_without_a_time_the_same_text_at_once_is_one_and_later_another(post, redis_client) -> None:
    post("bare", "STOP")
    assert post("bare", "STOP") == ["STOP"]
    (key,) = redis_client.keys("*last:bare:*")
    assert 0 < redis_client.ttl(key) <= 5
    redis_client.delete(key)  # as it is after these seconds
    assert post("bare", "STOP") == ["STOP", "STOP"]


def test_with_a_time_a_repeat_of_hours_later_is_the_same_text(post, redis_client) -> None:
    post("timed", "START", "2026-11-28 10:00:00")
    post("timed", "STOP", "2026-11-28 10:00:09")
    assert post("timed", "START", "2026-11-28 10:00:00") == ["START", "STOP"]
    assert post("timed", "STOP", "2026-11-28 10:00:09") == ["START", "STOP"]
    assert post("timed", "STOP", "2026-11-28 10:00:10") == ["START", "STOP", "STOP"]
    kept = [redis_client.ttl(key) for key in redis_client.keys("*seen:timed:*")]
    assert max(kept) > KEEP_MESSAGE_ID_S - 60


@pytest.mark.parametrize(
    ("answer", "outcome", "id_"),
    [
        (b'{"messages": [{"status": "OK", "id": "g-1"}]}', "sent", "g-1"),
        (b'{"messages": [{"status": "NO_CREDIT"}]}', "refused", ""),
        (b"<html>maintenance</html>", "unknown", ""),
    ],
)
def test_a_stop_in_xml_is_confirmed_by_the_template_and_the_answer_is_understood(
    services, gateway, answer, outcome, id_
) -> None:
    gateway.answers["/v1/send"] = [(200, answer)]
    document = f'<sms id="m-1"><from>{NUMBER}</from><text>STOP</text></sms>'
    url = f"/webhooks/nested/{SECRET}3"
    client = create_app(services).test_client()
    posted = client.post(url, data=document, content_type="text/xml")
    assert (posted.status_code, posted.text) == (200, "<state>Accepted</state>")
    assert posted.headers["content-type"].startswith("text/xml")
    services.applier.drain(partition_of(NUMBER))
    services.sender.drain(partition_of(NUMBER))
    (call,) = gateway.calls
    text = '"Out" of Acme Nested & gone ]]>'
    assert json.loads(call.body) == {"messages": [{"to": NUMBER[1:], "text": text}]}
    _, replied = services.history.of_number(NUMBER)
    assert (replied.outcome, replied.provider_id) == (outcome, id_)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (
            'sent_value     = "OK"',
            'sent_value = "OK"\npreset = "acme"',
            "nested.preset: must be",
        ),
        (
            'id_field       = "@id"',
            'id_field = "a..b"',
            "nested.id_field: must be names",
        ),
        ('"{{text}}"', "{{text}}", "nested.send_template: must be JSON, with each placeholder"),
    ],
)
def test_a_wrong_description_is_one_fault_of_the_configuration(
    environ, gateway, old, new, fault
) -> None:
    path = Path(environ["SMSGATE_CONFIG"], "smsgate.toml")
    config = CONFIG.replace("%API%", gateway.url)
    old, new = old.format(), new.format()
    assert old in config
    path.write_text(path.read_text() + config.replace(old, new))
    with pytest.raises(ConfigurationError) as refused:
        load_configuration(environ)
    (found,) = refused.value.faults
    assert f"accounts.{fault}" in str(found)
