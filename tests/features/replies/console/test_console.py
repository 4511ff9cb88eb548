"""What waits and what was given up: seen by all, settled by agents."""

from __future__ import annotations

import html
import re
import time

import msgspec
import pytest

from smsgate.consent.events import DeadLetter
from smsgate.domain.messages import Reply
from smsgate.store import replies as store_replies
from smsgate.store.connection import open_redis
from smsgate.store.keys import PARTITION_KEYS, partition_of
from smsgate.store.store import Store
from tests.fakes.own_services import all_at_work
from tests.fakes.pages import words

REPLIES = "/console/replies"
FAILED = f"{REPLIES}?state=failed"


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

    return Put()


def key(id_: str) -> str:
    """What a row's form says of it."""
    return f'{{"id":"{id_}"}}'


def texts(page: str) -> list[str]:
    return re.findall(r"text \d+\.", page)


def test_replies_that_wait_are_in_the_order_in_which_they_are_due(viewer, put):
    now_us = time.time_ns() // 1000
    for at in range(60):
        put.waits(reply(at, now_us), now_us + (60 - at) * 1_000_000)
    page = viewer.get(REPLIES).text
    assert texts(page) == [f"text {at}." for at in range(59, 9, -1)]
    assert f'href="{REPLIES}?after=50"' in page
    assert texts(viewer.get(f"{REPLIES}?after=50").text) == [
        f"text {at}." for at in range(9, -1, -1)
    ]
    assert "<button>Retry" not in page


def test_replies_that_a_provider_does_not_accept_are_told_on_every_page(viewer, services, put):
    all_at_work(services.store)
    services.records.migrate()
    now_us, problem = time.time_ns() // 1000, "No connection to api.twilio.com could be made"
    tried = msgspec.structs.replace(reply(1, now_us - 100_000_000), tries=7, problem=problem)
    put.waits(tried, now_us + 60_000_000)  # its next attempt
    said = f"account twilio: {problem}; 1 waiting, the first expires in 3 min"
    for path in ("/console/", REPLIES, FAILED, "/console/setup/doctor"):
        assert said in words(viewer.get(path)), path
    assert f" 7 a moment ago {problem}" in words(viewer.get(REPLIES))


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
    page = viewer.get(FAILED).text
    assert texts(page) == ["text 2.", "text 1.", "text 0."]
    assert "&lt;b&gt;30003: gone&lt;/b&gt;" in page
    assert "<i>" not in page
    assert "+1 415-555-0002" in page
    assert "<button>Retry" not in page


def test_an_agent_retries_and_dismisses_in_their_name(agent, services, put):
    one, other = reply(1, 0), reply(2, 0)
    put.dead(one, 1)
    put.dead(other, 2)
    agent.get(FAILED)
    assert agent.post(f"{REPLIES}/retry", {"row": key(one.id)}).status_code == 303
    assert agent.post(f"{REPLIES}/dismiss", {"row": key(other.id)}).status_code == 303
    assert "Nothing fits these filters" in agent.get(FAILED).text
    assert texts(agent.get(REPLIES).text) == ["text 1."]
    told = {
        event.outcome: event.note
        for number in (1, 2)
        for event in services.history.of_number(number_of(number))
    }
    assert told["retried"].startswith("by agent;")
    assert told["dismissed"].startswith("by agent;")
    agent.get(FAILED)
    again = agent.post(f"{REPLIES}/dismiss", {"row": key(other.id)})
    assert again.status_code == 404
    assert "Nothing fits these filters" in again.text


def test_a_confirmation_that_is_late_cannot_be_sent_any_more(agent, put):
    one = reply(1, 0, kind="opt_out")
    put.dead(one, 1, outcome="late")
    agent.get(FAILED)
    answer = agent.post(f"{REPLIES}/retry", {"row": key(one.id)})
    assert answer.status_code == 404
    assert "older than five minutes" in answer.text
    assert texts(agent.get(FAILED).text) == ["text 1."]


def test_of_very_many_given_up_the_newest_are_shown_and_all_are_counted(viewer, put, monkeypatch):
    monkeypatch.setattr(store_replies, "MOST", 16)
    for at in range(40):
        put.dead(reply(at, 0), at)
    page = viewer.get(FAILED).text
    assert len(texts(page)) == 16
    assert "<strong>40 rows</strong>" in page


def test_where_the_store_is_away_the_page_says_so(viewer, services, monkeypatch):
    broken = Store(open_redis("redis://127.0.0.1:1/0", 0.2)).unsent_replies
    monkeypatch.setattr(services.store, "unsent_replies", broken)
    answer = viewer.get(REPLIES)
    assert answer.status_code == 200
    assert 'role="alert"' in answer.text


def test_selected_rows_are_settled_together_and_what_is_not_is_said(agent, services, put):
    late = reply(3, 0, kind="opt_out")
    some = [reply(1, 0), reply(2, 0), late]
    for at, one in enumerate(some):
        put.dead(one, at)
    agent.get(FAILED)
    ids = [one.id for one in some]
    answer = agent.post(f"{REPLIES}/retry", {"row": [*map(key, [*ids, "3-1-0"])]})
    assert answer.status_code == 303
    page = words(agent.get(answer.location))
    assert "Queued again: 2 rows." in page
    assert "older than five minutes can only be dismissed" in page
    assert "someone else retried or dismissed it first" in page
    assert texts(agent.get(FAILED).text) == ["text 3."]
    answer = agent.post(f"{REPLIES}/dismiss", {"row": [key(late.id)]})
    assert "Dismissed: 1 row." in words(agent.get(answer.location))
    assert services.history.of_number(late.number)[-1].outcome == "dismissed"


def test_all_that_match_the_filters_are_dismissed_once_that_is_confirmed(agent, put):
    for at in range(70):
        one = reply(at, 0)
        put.dead(msgspec.structs.replace(one, program="orders" if at % 7 else "alerts"), at)
    page = agent.get(f"{FAILED}&program=orders").text
    assert "Dismiss all 60 that match" in page
    form = {"all": "yes", "filters": "state=failed&program=orders"}
    asked = agent.post(f"{REPLIES}/dismiss", form)
    assert "Dismiss 60 rows?" in words(asked)
    assert len(texts(agent.get(f"{FAILED}&program=alerts").text)) == 10
    assert "<strong>70 rows</strong>" in agent.get(FAILED).text
    rows = [html.unescape(one) for one in re.findall(r'name="row" value="([^"]*)"', asked.text)]
    later = msgspec.structs.replace(reply(77, 0), program="orders")
    put.dead(later, 77)
    answer = agent.post(f"{REPLIES}/dismiss", {"filters": form["filters"], "row": rows})
    assert answer.location.endswith("?state=failed&program=orders")
    assert "Dismissed: 60 rows." in words(agent.get(answer.location))
    left = texts(agent.get(FAILED).text)
    assert (len(left), left[0]) == (11, later.text), "what failed since the question stays"


def test_a_filter_that_fits_all_that_is_read_does_not_count_the_rest(agent, put, monkeypatch):
    monkeypatch.setattr(store_replies, "MOST", 16)
    for at in range(40):
        put.dead(reply(at, 0), at)
    assert "<strong>40 rows</strong>" in agent.get(FAILED).text
    assert "<strong>40 rows</strong>" not in agent.get(f"{FAILED}&program=alerts").text


def test_the_list_is_downloaded_as_it_is_filtered(agent, viewer, put):
    for at in range(3):
        program = "orders" if at else "alerts"
        put.dead(msgspec.structs.replace(reply(at, 0, text="=1+1"), program=program), at)
    answer = agent.get(f"{FAILED}&program=orders&csv=yes")
    assert answer.mimetype == "text/csv"
    head, *lines = answer.text.splitlines()
    assert head.startswith("id,at,number,program,")
    assert [line.split(",")[3] for line in lines] == ["orders", "orders"]
    assert all("'=1+1" in line for line in lines)
    assert viewer.get(f"{FAILED}&csv=yes").status_code == 403
