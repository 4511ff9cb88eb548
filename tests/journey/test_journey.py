"""From a signed webhook over HTTP to a blocked number, one confirmation and a record."""

from __future__ import annotations

import json
import threading

import requests

from tests.journey.system import API_KEY, PROCESSES, until

NUMBER, OTHER = "+14155550123", "+14155550124"


def kinds(system, number=NUMBER):
    return [(event.kind, event.outcome) for event in system.services.history.of_number(number)]


def sent_to(number, api):
    return [call.form["Body"] for call in api.calls if call.form["To"] == number]


def test_the_journey(running):
    system, api = running
    answer = system.text("Stop.", NUMBER)

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


def test_eight_deliveries_at_once_have_one_effect_and_one_confirmation(running):
    system, api = running
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


def test_the_gate_blocks_between_the_answer_and_the_worker(system):
    system.start("web")

    assert system.text("STOP", NUMBER).status_code == 200
    found = system.check(NUMBER)
    assert (found["allowed"], found["reason"]) == (False, "hold")


def test_kill_9_of_everything_after_the_answer_loses_nothing(system, api):
    system.start("web")
    numbers = [f"+1415555{place:04}" for place in range(40)]
    for number in numbers:
        assert system.text("STOP", number).status_code == 200
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


def test_kill_9_of_workers_while_they_apply_has_each_effect_once(system, api):
    system.start()
    numbers = [f"+1415555{place:04}" for place in range(60)]
    for place, number in enumerate(numbers):
        system.text("STOP", number)
        system.text("START", number)
        assert system.text("STOP", number).status_code == 200
        if place % 20 == 10:
            system.kill("worker", "clock")
            system.start("worker", "clock")
    until(system.idle, 40)

    for number in numbers:
        events = [
            event for event in system.services.history.of_number(number) if event.kind != "reply"
        ]
        assert [(event.kind, event.outcome) for event in events] == [
            ("opt_out", "applied"),
            ("opt_in", "applied"),
            ("opt_out", "applied"),
        ]
        assert system.check(number)["reason"] == "opted_out_all"


def test_a_job_that_was_lost_is_made_up_for_by_the_clock(system, api, redis_client):
    system.start("web")
    system.text("STOP", NUMBER)
    with system.services.job_queue.connection as queue:
        queue.delete("rq:queue:inbox")
    system.start("worker", "sender", "clock")

    api.wait_for(1)
    assert kinds(system)[0] == ("opt_out", "applied")


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


def test_a_flushed_store_is_not_taken_for_an_empty_one(system, redis_client):
    system.start("web")
    assert system.check(NUMBER)["allowed"] is True
    system.services.store.health._client.flushall()

    answer = requests.post(
        f"{system.url}/v1/check",
        json={"program": "alerts", "numbers": [NUMBER]},
        headers={"Authorization": f"Bearer {API_KEY}"},
        timeout=10,
    )
    assert answer.status_code == 503
    assert "metadata" in answer.json()["detail"]
    assert system.text("STOP", NUMBER).status_code == 200


def test_every_process_ends_when_told_to_and_its_log_has_neither_numbers_nor_texts(system, api):
    system.start()
    system.text("Stop, and call me at home", NUMBER)
    api.wait_for(1)
    until(system.idle)
    assert {name: system.end(name) for name in PROCESSES} == dict.fromkeys(PROCESSES, 0)

    lines = [json.loads(line) for line in system.log("web").splitlines()]
    (line,) = [line for line in lines if line["event"] == "webhook"]
    assert (line["account"], line["status"], line["numbers"]) == ("twilio", 200, "+1415•••0123")
    for name in PROCESSES:
        log = system.log(name)
        assert NUMBER not in log
        assert "call me at home" not in log
        assert "the-token-of-the-journey" not in log
