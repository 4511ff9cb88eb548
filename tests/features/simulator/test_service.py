"""A text of the simulator, from the door to the phone, step by step."""

from __future__ import annotations

import pytest
from werkzeug.serving import make_server

from smsgate.features.simulator.service import (
    PATIENCE_US,
    RANGES,
    SentText,
    default_sender,
    draw_number,
    make_message,
    parse_fictional,
    post_text,
    read_phone,
    simulated_account,
)
from smsgate.store.keys import partition_of
from smsgate.web import create_app
from tests.fakes.loopback import serving
from tests.fakes.own_services import make_services
from tests.fakes.served import free_port
from tests.fakes.understanding import TWO, understanding

NUMBER = "+14155550123"


@pytest.mark.parametrize("region", RANGES)
def test_numbers_that_are_kept_for_fiction_are_taken(region):
    for _ in range(20):
        number = draw_number(region)
        assert parse_fictional(number) == number


@pytest.fixture
def services(tmp_path, redis_url):
    url = f"http://127.0.0.1:{free_port()}"
    environ = {
        "SMSGATE_SIMULATOR_TOKEN": "a-token-of-the-simulator-in-tests",
        "SMSGATE_SIMULATOR_URL": f"{url}/simulator",
    }
    plain = make_services(tmp_path, redis_url, TWO, **environ)
    plain.records.migrate()
    made = understanding(plain)
    port = int(url.rpartition(":")[2])
    with serving(make_server("127.0.0.1", port, create_app(made), threaded=True)):
        yield made
    made.close()


@pytest.fixture
def text(services):
    account = simulated_account(services.settings)

    def send(body: str) -> SentText:
        sender = default_sender(services.settings, account)
        message = make_message(account, body, NUMBER, sender)
        sent, _ = post_text(message, account, f"{account.public_url}/webhooks/{account.name}")
        return sent

    return send


def states(found):
    return {step.name: step.state for step in found.steps}


def test_an_opt_out_takes_every_step(services, text):
    sent = text("stop please")
    stored = read_phone(services.history, services.store, NUMBER, sent)
    assert states(stored) == {
        "Message": "done", "Decision": "done", "Inbox": "done", "Applied": "waits",
        "Confirmation": "waits",
    }  # fmt: skip
    assert not stored.settled
    assert [one.text for one in stored.texts] == ["stop please"]

    services.applier.drain(partition_of(NUMBER))
    assert states(read_phone(services.history, services.store, NUMBER, sent))["Applied"] == "done"
    services.sender.drain(partition_of(NUMBER))
    done = read_phone(services.history, services.store, NUMBER, sent)
    assert states(done)["Confirmation"] == "done"
    assert done.settled
    assert "From then on: may not be texted" in [step.note for step in done.steps][3]
    assert [one.ours for one in done.texts] == [False, True]
    assert "Acme Alerts" in done.texts[1].text
    times = [step.after_us for step in done.steps]
    assert times == sorted(times)
    assert times[0] >= 0


def test_a_repeat_is_not_confirmed_again_and_that_is_the_end(services, text):
    for body in ("stop please", "stop please"):
        sent = text(body)
        services.applier.drain(partition_of(NUMBER))
        services.sender.drain(partition_of(NUMBER))
    found = read_phone(services.history, services.store, NUMBER, sent)
    assert states(found)["Confirmation"] == "none"
    assert found.settled
    assert len(read_phone(services.history, services.store, NUMBER).texts) == 3


def test_an_ordinary_text_is_kept_and_nothing_else(services, text):
    sent = text("see you at the bus stop")
    services.store.sample_log.flush()
    found = read_phone(services.history, services.store, NUMBER, sent)
    assert states(found) == {"Message": "done", "Decision": "done", "Inbox": "none"}
    assert found.settled
    assert [one.text for one in found.texts] == ["see you at the bus stop"]


def test_what_the_door_refused_ends_there(services, text):
    sent = text("stop please")._replace(status=503, message_id="SMother")
    found = read_phone(services.history, services.store, NUMBER, sent)
    assert states(found) == {"Message": "failed"}
    assert found.settled


def test_nobody_waits_for_ever(services, text):
    sent = text("stop please")
    late = sent._replace(posted_us=sent.posted_us - PATIENCE_US - 1)
    found = read_phone(services.history, services.store, NUMBER, late)
    assert states(found)["Applied"] == "failed"
    assert found.settled


def test_what_the_provider_answers_itself_is_said(services, text):
    sent = text("STOP")
    services.applier.drain(partition_of(NUMBER))
    (confirmation,) = [
        one
        for one in read_phone(services.history, services.store, NUMBER, sent).steps
        if one.name == "Confirmation"
    ]
    assert confirmation.state == "none"
    assert len(confirmation.note) > len("none: ")
