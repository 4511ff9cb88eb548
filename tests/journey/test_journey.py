"""From a signed webhook over HTTP to a blocked number, one confirmation and a record."""

from __future__ import annotations

import json
import threading

import pytest
import requests

from tests.journey.system import PROCESSES, until

NUMBER, OTHER = "+14155550123", "+14155550124"


def kinds(system, number=NUMBER):
    return [(event.kind, event.outcome) for event in system.services.history.of_number(number)]


def sent_to(number, api):
    return [call.form["Body"] for call in api.calls if call.form["To"] == number]


def test_the_journey(system, api):
    system.start()
    answer = system.text("Stop, and call me at home", NUMBER)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/xml")
    assert b"Message" not in answer.content
    assert system.check(NUMBER)["allowed"] is False

    until(lambda: len(sent_to(NUMBER, api)) == 1)
    until(system.idle)
    assert kinds(system) == [("opt_out", "applied"), ("reply", "sent")]
    found = system.check(NUMBER)
    assert (found["reason"], found["allowed"]) == ("opted_out_all", False)
    assert found["since"]

    assert system.text("START", NUMBER).status_code == 200
    until(lambda: len(sent_to(NUMBER, api)) == 2)
    until(system.idle)
    assert system.check(NUMBER)["allowed"] is True

    system.text("HELP", NUMBER)
    until(lambda: len(sent_to(NUMBER, api)) == 3)
    assert "help@acme.example" in sent_to(NUMBER, api)[2]

    eight_deliveries_at_once_have_one_effect_and_one_confirmation(system, api)
    every_process_ends_when_told_to_and_its_log_has_neither_numbers_nor_texts(system)


def eight_deliveries_at_once_have_one_effect_and_one_confirmation(system, api):
    request = system.signed("STOP", OTHER)
    barrier, answers = threading.Barrier(8), []

    def deliver():
        barrier.wait()
        answers.append(system.post(request).status_code)

    threads = [threading.Thread(target=deliver) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    until(lambda: sent_to(OTHER, api))
    until(system.idle)

    assert answers == [200] * 8
    assert kinds(system, OTHER) == [("opt_out", "applied"), ("reply", "sent")]
    assert len(sent_to(OTHER, api)) == 1


def every_process_ends_when_told_to_and_its_log_has_neither_numbers_nor_texts(system):
    assert {name: system.end(name) for name in PROCESSES} == dict.fromkeys(PROCESSES, 0)

    lines = [json.loads(line) for line in system.log("web").splitlines()]
    line = next(line for line in lines if line["event"] == "webhook")
    assert (line["account"], line["status"], line["numbers"]) == ("twilio", 200, "+1415•••0123")
    for name in PROCESSES:
        log = system.log(name)
        assert NUMBER not in log
        assert "call me at home" not in log
        assert "the-token-of-the-journey" not in log


def test_kill_9_of_everything_after_the_answer_loses_nothing(system, api):
    system.start("web")
    numbers = [f"+1415555{place:04}" for place in range(40)]
    for number in numbers:
        assert system.text("STOP", number).status_code == 200
    assert system.check(numbers[0])["reason"] == "hold"
    system.kill()
    system.kill_redis()

    system.start()
    assert all(system.check(number)["allowed"] is False for number in numbers)
    api.wait_for(len(numbers))
    until(system.idle)
    for number in numbers:
        assert kinds(system, number) == [("opt_out", "applied"), ("reply", "sent")]
        assert system.check(number)["reason"] == "opted_out_all"
    assert sorted(call.form["To"] for call in api.calls) == sorted(numbers)


@pytest.mark.full
def test_a_store_that_is_away_is_a_503_and_comes_back_by_itself(system, api):
    system.start()
    system._groups.end(system.redis.process)

    assert system.text("STOP", NUMBER).status_code == 503
    answer = requests.get(f"{system.url}/readyz", timeout=10)
    assert answer.status_code == 503
    assert "store" in answer.text

    system.kill_redis()
    assert system.text("STOP", NUMBER).status_code == 200
    api.wait_for(1)
    until(lambda: system.check(NUMBER)["reason"] == "opted_out_all")
