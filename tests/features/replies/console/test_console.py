"""What waits and what was given up: seen by all, settled by agents."""

from __future__ import annotations

import re
import time

import msgspec
import pytest

from smsgate.consent.events import DeadLetter
from smsgate.domain.forwards import Forward, UndeliveredForward, forward_id
from smsgate.domain.messages import Intent, Reply
from smsgate.store import backlog
from smsgate.store.keys import PARTITION_KEYS, PARTITIONS, partition_of
from smsgate.store.redis_address import open_redis
from tests.fakes.own_services import all_at_work
from tests.fakes.pages import words
from tests.fakes.values import entry

NUMBER = "+14155550123"
REPLIES = "/console/replies"


def number_of(at: int) -> str:
    return f"+1415555{at:04}"


def reply(at: int, due_us: int, kind: str = "help", text: str = "") -> Reply:
    number = number_of(at)
    return Reply(
        id=f"{partition_of(number)}-{1_700_000_000_000 + at}-0",
        kind=kind,
        account="twilio",
        number=number,
        sender="+14155550999",
        program="alerts",
        text=text or f"text {at}.",
        deadline_us=due_us + 300_000_000,
    )


@pytest.fixture
def put(redis_client):
    """Puts things where they stand in the store."""

    class Put:
        def waits(self, one: Reply, due_us: int) -> None:
            keys = PARTITION_KEYS[partition_of(one.number)]
            redis_client.zadd(keys.outbox, {one.id: due_us // 1000})
            redis_client.hset(keys.replies, one.id, msgspec.json.encode(one))

        def dead(self, one: Reply, at_us: int, outcome: str = "refused", note: str = "") -> None:
            letter = DeadLetter(one, outcome, note, at_us)
            key = PARTITION_KEYS[partition_of(one.number)].dead
            redis_client.hset(key, one.id, msgspec.json.encode(letter))

        def forward(self, number: str, text: str) -> Forward:
            partition, inbox_id = partition_of(number), "1700000000000-0"
            received = entry(Intent.NONE, number, text=text)
            return Forward(
                id=forward_id(partition, inbox_id),
                entry=received,
                inbox_id=inbox_id,
                event="e",
                outcome="recorded",
                event_time_us=0,
                tries=3,
                note="answered 500",
            )

        def forward_dead(self, number: str, text: str) -> Forward:
            one = self.forward(number, text)
            key = PARTITION_KEYS[partition_of(number)].forwards_dead
            letter = UndeliveredForward(one, "answered 500", 1_700_000_000_000_000)
            redis_client.hset(key, one.id, msgspec.json.encode(letter))
            return one

        def forward_waits(self, number: str, text: str) -> Forward:
            one, keys = self.forward(number, text), PARTITION_KEYS[partition_of(number)]
            redis_client.zadd(keys.forwards_since, {one.id: 1_700_000_000_000})
            redis_client.hset(keys.forwards, one.id, msgspec.json.encode(one))
            return one

    return Put()


def texts(page: str) -> list[str]:
    return re.findall(r"text \d+\.", page)


def test_replies_that_wait_are_in_the_order_in_which_they_are_due(viewer, put):
    now_us = time.time_ns() // 1000
    for at in range(60):
        put.waits(reply(at, now_us), now_us + (60 - at) * 1_000_000)
    page = viewer.get(REPLIES).text
    assert texts(page) == [f"text {at}." for at in range(59, 9, -1)]
    assert "Page 1 of 2" in page
    assert texts(viewer.get(f"{REPLIES}?page=2").text) == [f"text {at}." for at in range(9, -1, -1)]
    assert "<button>Retry" not in page


def test_replies_that_a_provider_does_not_accept_are_told_on_every_page(viewer, services, put):
    all_at_work(services.store)
    services.records.migrate()
    now_us, problem = time.time_ns() // 1000, "No connection to api.twilio.com could be made"
    tried = msgspec.structs.replace(reply(1, now_us - 100_000_000), tries=7, problem=problem)
    put.waits(tried, now_us + 60_000_000)  # its next attempt
    said = f"account twilio: {problem}; 1 waiting, the first expires in 3 min"
    for path in ("/console/", REPLIES, f"{REPLIES}/dead", "/console/setup/doctor"):
        assert said in words(viewer.get(path)), path
    assert f"7 attempts: {problem}" in words(viewer.get(REPLIES))


def test_a_reply_that_left_in_between_is_not_shown(viewer, put, redis_client):
    now_us = time.time_ns() // 1000
    for at in (1, 2):
        put.waits(reply(at, now_us), now_us)
    gone = reply(1, now_us)
    redis_client.hdel(PARTITION_KEYS[partition_of(gone.number)].replies, gone.id)
    assert texts(viewer.get(REPLIES).text) == ["text 2."]


def test_those_given_up_say_why_the_newest_first(viewer, put):
    for at in range(3):
        put.dead(reply(at, 0, text=f"<i>text {at}.</i>"), at, note="<b>30003: gone</b>")
    page = viewer.get(f"{REPLIES}/dead").text
    assert texts(page) == ["text 2.", "text 1.", "text 0."]
    assert "&lt;b&gt;30003: gone&lt;/b&gt;" in page
    assert "<i>" not in page
    assert "+1 415-555-0002" in page
    assert "<button>Retry" not in page


def test_an_agent_retries_and_dismisses_in_their_name(agent, services, put):
    one, other = reply(1, 0), reply(2, 0)
    put.dead(one, 1)
    put.dead(other, 2)
    agent.get(f"{REPLIES}/dead")
    assert agent.post(f"{REPLIES}/dead/retry", {"id": one.id}).status_code == 303
    assert agent.post(f"{REPLIES}/dead/dismiss", {"id": other.id}).status_code == 303
    assert "No reply failed" in agent.get(f"{REPLIES}/dead").text
    assert texts(agent.get(REPLIES).text) == ["text 1."]
    told = {
        event.outcome: event.note
        for number in (1, 2)
        for event in services.history.of_number(number_of(number))
    }
    assert told["retried"].startswith("by agent;")
    assert told["dismissed"].startswith("by agent;")
    again = agent.post(f"{REPLIES}/dead/dismiss", {"id": other.id})
    assert again.status_code == 404
    assert "No reply failed" in again.text


def test_a_confirmation_that_is_late_cannot_be_sent_any_more(agent, put):
    one = reply(1, 0, kind="opt_out")
    put.dead(one, 1, outcome="late")
    agent.get(f"{REPLIES}/dead")
    answer = agent.post(f"{REPLIES}/dead/retry", {"id": one.id})
    assert answer.status_code == 404
    assert "older than five minutes" in answer.text
    assert texts(agent.get(f"{REPLIES}/dead").text) == ["text 1."]


def test_retry_is_offered_only_where_it_can_still_be_sent(agent, put):
    """By Redis's clock, and with the time that a call may take."""
    now_us = time.time_ns() // 1000
    put.dead(reply(1, now_us - 300_000_000, kind="opt_out"), 1, outcome="late")
    put.dead(reply(2, now_us - 290_000_000, kind="opt_out"), 2)
    put.dead(reply(3, now_us, kind="opt_out"), 3)
    put.dead(reply(4, now_us - 900_000_000, kind="help"), 4)
    page = agent.get(f"{REPLIES}/dead").text
    rows = re.findall(r'<tr role="row"><td.*?text (\d)\..*?</tr>', page, re.DOTALL)
    assert rows == ["4", "3", "2", "1"]
    offered = [
        ("<button>Retry" in row, "Too late to send" in row, ">Dismiss<" in row)
        for row in re.findall(r'<tr role="row"><td.*?</tr>', page, re.DOTALL)
    ]
    assert offered == [(True, False, True)] * 2 + [(False, True, True)] * 2


def test_what_cannot_be_done_any_more_is_said_on_the_page_itself(agent, put):
    late, other = reply(1, 0, kind="opt_out"), reply(2, 0)
    put.dead(late, 1, outcome="late")
    put.dead(other, 2)
    for at in range(10, 70):
        put.dead(reply(at, 0), at)
    agent.get(f"{REPLIES}/dead")
    answer = agent.post(f"{REPLIES}/dead/retry", {"id": late.id})
    assert "can only be dismissed" in words(answer)
    assert "Failed replies" in words(answer)
    assert len(texts(answer.text)) == 50
    assert 'href="/console/replies/dead?page=2"' in answer.text
    assert agent.post(f"{REPLIES}/dead/dismiss", {"id": other.id}).status_code == 303
    for what in ("retry", "dismiss"):
        answer = agent.post(f"{REPLIES}/dead/{what}", {"id": other.id})
        assert "someone else retried or dismissed it first" in words(answer)
        assert "smsgate replies" not in words(answer)
        assert len(texts(answer.text)) == 50
        answer = agent.post(f"{REPLIES}/forwards-dead/{what}", {"id": other.id})
        assert "someone else retried or dismissed it first" in words(answer)
        assert "Failed forwards" in words(answer)


def test_a_viewer_settles_nothing(viewer, put):
    one = reply(1, 0)
    put.dead(one, 1)
    viewer.get(f"{REPLIES}/dead")
    for path in ("dead/retry", "dead/dismiss", "forwards-dead/retry", "forwards-dead/dismiss"):
        assert viewer.post(f"{REPLIES}/{path}", {"id": one.id}).status_code == 403
    assert texts(viewer.get(f"{REPLIES}/dead").text) == ["text 1."]


def test_messages_for_applications_wait_and_are_settled(agent, put, services):
    put.forward_waits(number_of(1), "text 1.")
    for at in (2, 3):
        put.forward_dead(number_of(at), f"text {at}.")
    page = agent.get(f"{REPLIES}/forwards").text
    assert texts(page) == ["text 1."]
    assert "3 attempts: answered 500" in page
    page = agent.get(f"{REPLIES}/forwards-dead").text
    assert sorted(texts(page)) == ["text 2.", "text 3."]
    ids = [put.forward(number_of(at), "").id for at in (2, 3)]
    assert agent.post(f"{REPLIES}/forwards-dead/retry", {"id": ids[0]}).status_code == 303
    assert agent.post(f"{REPLIES}/forwards-dead/dismiss", {"id": ids[1]}).status_code == 303
    assert "Your applications accepted every text" in agent.get(f"{REPLIES}/forwards-dead").text
    assert sorted(texts(agent.get(f"{REPLIES}/forwards").text)) == ["text 1.", "text 2."]
    [dismissed] = [
        one for one in services.history.of_number(number_of(3)) if one.outcome == "dismissed"
    ]
    assert dismissed.note.startswith("by agent;")


def test_of_very_many_given_up_some_are_shown_and_all_are_counted(
    viewer, put, redis_client, monkeypatch
):
    """Redis is asked for some of each partition, and gives all of a few."""
    monkeypatch.setattr(backlog, "MOST", 16)
    for at in range(40):
        put.dead(reply(at, 0), at)
    redis_client.config_resetstat()
    page = viewer.get(f"{REPLIES}/dead").text
    assert redis_client.info("commandstats")["cmdstat_hscan"]["calls"] == PARTITIONS
    assert 0 < len(texts(page)) <= 40
    assert '<span class="badge bad">40</span>' in page


def test_a_page_that_is_not_there_is_none_of_ours(viewer):
    for page in ("0", "-3", "99999999999", "x"):
        assert viewer.get(f"{REPLIES}?page={page}").status_code == 200


def test_there_are_no_other_lists(agent):
    agent.get(REPLIES)
    for path in ("nothing", "dead/burn"):
        assert agent.get(f"{REPLIES}/{path}").status_code in (404, 405)
        assert agent.post(f"{REPLIES}/{path}").status_code in (404, 405)


def test_where_the_store_is_away_the_page_says_so(viewer, services, monkeypatch):
    broken = type(services.store.backlog)(open_redis("redis://127.0.0.1:1/0", 0.2))
    monkeypatch.setattr(services.store, "backlog", broken)
    answer = viewer.get(REPLIES)
    assert answer.status_code == 200
    assert 'role="alert"' in answer.text


def test_selected_rows_are_settled_together_and_what_is_not_is_counted(agent, services, put):
    late = reply(3, 0, kind="opt_out")
    some = [reply(1, 0), reply(2, 0), late]
    for at, one in enumerate(some):
        put.dead(one, at)
    page = agent.get(f"{REPLIES}/dead?select=all").text
    assert page.count(" checked") == 3
    assert " checked" not in agent.get(f"{REPLIES}/dead").text
    ids = [one.id for one in some]
    form = {"selected": "yes", "id": [*ids, "3-1-0"], "page": f"{REPLIES}/dead"}
    answer = agent.post(f"{REPLIES}/dead/retry", form)
    assert answer.status_code == 303
    page = words(agent.get(answer.location))
    assert "Retried 2 rows." in page
    assert "1 opt-out confirmation can only be dismissed: too late." in page
    assert "1 row left: someone else" in page
    assert texts(agent.get(f"{REPLIES}/dead").text) == ["text 3."]
    answer = agent.post(f"{REPLIES}/dead/dismiss", {**form, "id": [late.id]})
    assert "Dismissed 1 row." in words(agent.get(answer.location))
    assert services.history.of_number(late.number)[-1].outcome == "dismissed"


def test_forwards_are_settled_together_too_and_nothing_is_refused(agent, viewer, put):
    some = [put.forward_dead(number_of(at), f"text {at}.") for at in (1, 2)]
    form = {"selected": "yes", "page": f"{REPLIES}/forwards-dead"}
    path = f"{REPLIES}/forwards-dead/dismiss"
    answer = agent.post(path, form)
    assert answer.status_code == 422
    assert "Select at least one row" in words(answer)
    assert agent.post(path, {**form, "id": [f"{at}" for at in range(201)]}).status_code == 422
    assert viewer.post(path, {**form, "id": some[0].id}).status_code == 403
    assert 'type="checkbox"' not in viewer.get(f"{REPLIES}/forwards-dead").text
    assert agent.post(path, {**form, "id": [one.id for one in some]}).status_code == 303
    assert texts(agent.get(f"{REPLIES}/forwards-dead").text) == []


def test_a_list_is_filtered_by_program_language_and_age(agent, put):
    now_us = time.time_ns() // 1000
    new, old = reply(1, now_us), reply(2, now_us)
    put.dead(msgspec.structs.replace(new, language="es"), now_us)
    put.dead(msgspec.structs.replace(old, program="orders"), now_us - 2 * 3_600_000_000)

    def of(query):
        return texts(agent.get(f"{REPLIES}/dead?{query}").text)

    assert of("") == ["text 1.", "text 2."]
    assert of("program=orders") == ["text 2."]
    assert of("language=es") == ["text 1."]
    assert of("older=1") == ["text 2."]
    assert of("older=7") == of("")
    assert "Nothing fits these filters" in agent.get(f"{REPLIES}/dead?program=none").text
    form = {"selected": "yes", "id": old.id}
    answer = agent.post(f"{REPLIES}/dead/dismiss?program=orders", form)
    assert answer.location.endswith("/dead?program=orders")
