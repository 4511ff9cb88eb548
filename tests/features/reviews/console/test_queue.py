"""In which order texts wait for a person, and what follows a decision."""

from __future__ import annotations

import html
import re

from smsgate.domain.messages import Decision, Intent
from smsgate.store.keys import partition_of
from tests.fakes.pages import (
    HTMX,
    decide,
    decision_in,
    reason,
    shown,
    undo,
    waits,
    words,
)
from tests.fakes.told import work
from tests.fakes.values import NUMBER, OTHER


def test_later_leads_to_the_next_of_the_queue_and_decides_nothing(services, agent):
    first, second = waits(services), waits(services, "hm?", OTHER)
    page = agent.get("/console/review")
    assert shown(page) == NUMBER
    assert f'href="?show={second}" data-press="l"' in page.text
    page = agent.get(f"/console/review?show={second}")
    assert shown(page) == OTHER
    assert 'data-press="l"' not in page.text
    assert decide(agent, first, "later").status_code == 422
    assert reason(services) == "review"


def age(services, redis_client, number, hours):
    """Let what waits of a number wait for so long already."""
    name = f"smsgate:{{{partition_of(number)}}}:reviews"
    (field,) = [one for one in redis_client.hkeys(name) if one.endswith(number.encode())]
    ms = services.store.health.now_us() // 1000 - hours * 3_600_000
    redis_client.hset(name, field, f"{ms}-0")


def test_the_oldest_comes_first_and_what_is_late_says_so(services, viewer, redis_client):
    waits(services, "marketing")
    waits(services, "service", OTHER, program="orders")
    age(services, redis_client, OTHER, 25)
    page = viewer.get("/console/review")
    assert shown(page) == OTHER
    assert "60 min late" in words(page)
    assert "1 for more than 24 hours" in words(page)


def test_somebody_who_speaks_of_ending_their_life_comes_before_what_is_late(
    services, viewer, redis_client
):
    waits(services, "marketing")
    age(services, redis_client, NUMBER, 25)
    decision = Decision(intent=Intent.REVIEW, rule="self_harm")
    waits(services, "I want to end my life", OTHER, program="orders", decision=decision)
    assert shown(viewer.get("/console/review")) == OTHER


def test_many_are_paged(services, agent):
    for at in range(60):
        waits(services, f"text {at}.", f"+1415555{at:04}", applied=False)
    work(services)
    services.archiver.move_all()
    seen, first = [], set()
    for page in (1, 2, 3):
        answer = agent.get(f"/console/review?page={page}")
        queue = words(answer).partition("Queue")[2].partition("Recent decisions")[0]
        seen += re.findall(r"text (\d+)\.", queue)
        assert f"Page {page} of 3" in queue
        first.add(shown(answer))
    assert len(first) == 1  # the next text is shown beside every page
    assert sorted(map(int, seen)) == [*range(60)]
    for odd in ("0", "-3", "x", "4", "99999999999999999999"):
        assert agent.get(f"/console/review?page={odd}").status_code == 200


def test_one_of_the_list_can_be_looked_at_first(services, agent):
    waits(services)
    key = waits(services, "hm?", OTHER)
    assert shown(agent.get(f"/console/review?show={key}")) == OTHER
    for odd in ("x", "99-1-0", "²-1-0", "", f"{partition_of(NUMBER)}-1-0"):
        page = agent.get("/console/review", query_string={"show": odd})
        assert (page.status_code, shown(page)) == (200, NUMBER)


def test_what_was_decided_lately_is_told_and_each_can_be_taken_back(services, agent):
    decide(agent, waits(services, "one"), "none")
    decide(agent, waits(services, "two", OTHER))
    work(services)
    services.archiver.move_all()
    page = agent.get("/console/review")
    lately = words(page).partition("Recent decisions")[2]
    assert "agent Opted out two +33 6 12 34 56 78 Undo" in lately
    assert "agent Not an opt-out one +1 415-555-0123 Undo" in lately
    for key in re.findall(r'name="decision" value="([^"]+)"', page.text):
        assert undo(agent, key, headers=HTMX).status_code == 200
    assert (reason(services), reason(services, OTHER)) == ("review", "review")
    assert words(agent.get("/console/review")).count("undone") >= 2


def test_a_decided_text_becomes_a_keyword_or_leads_to_others_with_its_words(services, admin):
    made = decision_in(decide(admin, waits(services, "enough & more\nplease"), headers=HTMX))
    waits(services, "Enough & more please", OTHER)
    page = admin.get(f"/console/review?did={made}")
    link = html.unescape(re.search(r'href="(/console/keywords/new[^"]+)"', page.text)[1])
    assert link.endswith("?text=enough%20%26%20more%0Aplease&program=alerts&intent=opt_out")
    link = html.unescape(re.search(r'href="(/console/review[?]text=[^"]+)"', page.text)[1])
    assert shown(admin.get(link)) == OTHER


def test_what_is_decided_again_after_it_was_taken_back_keeps_its_text(services, admin):
    made = decision_in(decide(admin, waits(services, "enough"), "none", headers=HTMX))
    work(services)
    undo(admin, made)
    work(services)
    key = re.search(r'name="key" value="([^"]+)"', admin.get("/console/review").text)[1]
    answer = decide(admin, key, headers=HTMX)
    assert "Add as keyword" in words(answer)
