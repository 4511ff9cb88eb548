"""A number's page: how it stands, what happened, and what is said while something is away."""

from __future__ import annotations

import re

from smsgate.errors import RecordsUnavailable, StoreUnavailable
from smsgate.messages import Arrival, Consent, Decision, Intent
from smsgate.store.keys import lane_of
from tests.fakes.pages import HTMX, NASTY, harmless, words
from tests.fakes.told import told, work
from tests.fakes.values import NUMBER, entry

PAGE = f"/console/numbers/{NUMBER}"
SINCE = "opted out of everything (the whole text is this keyword: STOP) a moment ago"


def test_how_it_stands_with_each_program_and_why(gateway, viewer):
    assert "Acme Alerts alerts, marketing yes may be texted" in words(viewer.get(PAGE))
    told(gateway, Intent.OPT_OUT, "STOP", decision=Decision(Intent.OPT_OUT, "keyword", "STOP"))
    gateway.recording.move_all()
    said = words(viewer.get(PAGE))
    assert f"Acme Alerts alerts, marketing no {SINCE}" in said
    assert "that also holds for programs that you make later" in said
    assert "Acme &lt;b&gt;Orders&lt;/b&gt; &amp; &#34;Co&#34;" in viewer.get(PAGE).text


def test_who_came_back_to_one_program_is_not_said_to_be_out_of_all(gateway, viewer):
    told(gateway, Intent.OPT_OUT, "STOP", decision=Decision(Intent.OPT_OUT, "keyword", "STOP"))
    told(gateway, Intent.OPT_IN, "START", decision=Decision(Intent.OPT_IN, "keyword", "START"))
    said = words(viewer.get(PAGE))
    assert "Acme Alerts alerts, marketing yes may be texted" in said
    assert "opted out of everything and came back to some programs" in said


def test_since_when_is_known_after_the_store_has_forgotten(gateway, viewer, redis_client):
    told(gateway, Intent.OPT_OUT, "STOP", decision=Decision(Intent.OPT_OUT, "keyword", "STOP"))
    gateway.recording.move_all()
    redis_client.delete(f"smsgate:{{{lane_of(NUMBER)}}}:number:{NUMBER}")
    assert SINCE in words(viewer.get(PAGE))


def test_what_is_not_applied_yet_is_said_and_looked_for_again(gateway, viewer):
    told(gateway, Intent.OPT_OUT, "STOP", applied=False)
    page = viewer.get(PAGE)
    assert "Being applied: opt out" in words(page)
    assert "an opt-out is being applied; it blocks already" in words(page)
    assert 'hx-get="?part=story"' in page.text
    part = viewer.get(f"{PAGE}?part=story", headers=HTMX)
    assert "<main" not in part.text
    assert 'hx-get="?part=story"' in part.text

    work(gateway)
    part = viewer.get(f"{PAGE}?part=story", headers=HTMX)
    assert "hx-get" not in part.text
    assert 'id="story-timeline"' in part.text
    assert "Opted out" in part.text


def test_a_start_in_the_second_of_a_stop_is_shown_as_a_tie(gateway, viewer):
    texts = [(Intent.OPT_OUT, "STOP"), (Intent.OPT_IN, "START")]
    arrivals = [
        Arrival(entry(intent, text=text, message_id=text), 1_790_000_000_000_000)
        for intent, text in texts
    ]
    gateway.store.inbox.add(arrivals)
    work(gateway)
    said = words(viewer.get(PAGE))
    assert "Asked to opt in · alerts same time as an opt-out: on a tie the opt-out holds" in said
    assert "No reply: an opt-out has the same time, and it wins a tie" in said
    assert "newer" not in said


def test_the_story_tells_rule_steps_times_and_what_was_answered(gateway, viewer):
    decision = Decision(
        Intent.OPT_OUT,
        rule="keyword",
        keyword="STOP",
        language="en",
        steps=("width", "edge punctuation"),
        version="abc123",
    )
    told(gateway, Intent.OPT_OUT, "ＳＴＯＰ!", decision=decision)
    told(gateway, Intent.OPT_OUT, "STOP", decision=decision)
    gateway.recording.move_all()
    said = words(viewer.get(PAGE))
    again, first = said.split("What happened, newest first")[1].split("Opted out")[1:]
    assert "changed nothing, it was so already" in again
    assert "No reply: already opted out" in again
    assert "Our reply waits to be sent" in first
    assert "The whole text is this keyword: STOP" in first
    assert "keyword, keyword sets abc123" in first
    assert "letter variants (wide, bold, script) became plain letters; punctuation" in first
    assert "Stamp of the message" in first
    assert "allowed → blocked" in first


def test_a_reply_stands_under_what_it_answers_with_what_became_of_it(gateway, viewer):
    told(gateway, Intent.OPT_OUT, "STOP")
    claim = gateway.store.outbox.claim(lane_of(NUMBER))
    gateway._replying._end(claim, "sent", "", "SM-of-the-provider")
    gateway.recording.move_all()
    page = viewer.get(PAGE)
    assert "↳ Confirmation : sent" in words(page)
    assert "SM-of-the-provider" in words(page)
    assert page.text.partition('<ol class="timeline">')[2].count("<li") == 1  # nested


def test_what_is_on_its_way_to_the_records_is_told_once(gateway, viewer):
    told(gateway, Intent.OPT_OUT, "STOP just once")
    lane = lane_of(NUMBER)  # not trimmed yet, as in the middle of a move
    lines = [*gateway.store.ledger.lines(lane)]
    gateway.records.keeping.keep({lane: lines})
    assert words(viewer.get(PAGE)).count("STOP just once") == 1


def test_a_long_story_comes_in_pages_that_miss_nothing(gateway, viewer):
    for at in range(65):
        told(gateway, Intent.HELP, f"help {at}.", applied=False)
    work(gateway)
    gateway.recording.move_all()
    seen, path, pages = [], PAGE, 0
    while path:
        page = viewer.get(path)
        seen += re.findall(r"help (\d+)\.", page.text)
        pages += 1
        older = re.search(r'rel="next" href="(\?before=[^"]+)"', page.text)
        path = f"{PAGE}{older[1]}" if older else ""
    assert seen == [str(at) for at in reversed(range(65))]
    assert pages == 3


def test_odd_places_in_a_story_are_answered(gateway, viewer):
    told(gateway, Intent.HELP)
    gateway.recording.move_all()
    for before in ("", "x", "1-1", "9" * 40, "-1--1", f"{'9' * 17}-{'9' * 17}", "²-²"):
        assert viewer.get(f"{PAGE}?before={before}").status_code == 200, before


def test_a_lock_and_consents_are_told_with_their_words(gateway, viewer):
    consent = Consent(words=f"Yes {NASTY}", medium="paper", source="form 7", given_us=1)
    gateway.record_consent(NUMBER, "alerts", consent, "operator", "ana")
    gateway.lock(NUMBER, "bob", "a letter & more")
    work(gateway)
    gateway.recording.move_all()
    page = viewer.get(PAGE)
    said = words(page)
    assert "Locked. No program may text it" in said
    assert "By bob, a moment ago: a letter & more" in said
    assert "form 7" in said
    assert "recorded by ana" in said


def test_a_text_that_waits_leads_to_review(gateway, viewer):
    id_ = told(gateway, Intent.REVIEW, "hm")
    page = viewer.get(PAGE)
    assert f"/console/review?show={lane_of(NUMBER)}-{id_}" in page.text
    assert "a text waits for a person; no marketing" in words(page)


def test_texts_and_keywords_are_never_markup(gateway, viewer):
    decision = Decision(
        Intent.OPT_OUT, rule=f"rule{NASTY}", keyword=NASTY, note=NASTY, steps=(NASTY,)
    )
    told(gateway, Intent.OPT_OUT, NASTY, decision=decision, sender=NASTY)
    told(gateway, Intent.NONE, NASTY, NASTY, program="", phone=False, sender=NASTY)
    gateway.recording.move_all()
    for path in (PAGE, "/console/numbers"):
        page = viewer.get(path)
        assert harmless(page)
        assert "alert(&#39;x&#39;)" in page.text


def test_while_the_store_is_away_the_records_are_shown(gateway, viewer, monkeypatch):
    told(gateway, Intent.OPT_OUT, "STOP it")
    gateway.recording.move_all()

    def away(*_, **__):
        raise StoreUnavailable("the store cannot be used: away")

    monkeypatch.setattr(type(gateway.store.inbox), "latest", away)
    monkeypatch.setattr(type(gateway.store.ledger), "newest", away)
    monkeypatch.setattr(type(gateway.store.outbox), "unsettled", away)
    answer = viewer.get(PAGE)
    assert answer.status_code == 200
    said = words(answer)
    assert "Nobody may be texted while the gate cannot tell" in said
    assert "The records have it as opted out." in said
    assert "STOP it" in said


def test_while_the_records_are_away_the_store_is_shown(gateway, viewer, monkeypatch):
    told(gateway, Intent.OPT_OUT, "STOP it")

    def away(*_, **__):
        raise RecordsUnavailable("the records cannot be used: away")

    for name in ("of_number", "of_kinds", "replies", "newest", "counts"):
        monkeypatch.setattr(type(gateway.records.stories), name, away)
    monkeypatch.setattr(type(gateway.records.reading), "number", away)
    said = words(viewer.get(PAGE))
    assert "opted out of everything" in said
    assert "Older events cannot be shown while the records are away" in said
    assert "STOP it" in said
    assert "cannot be shown" in words(viewer.get("/console/numbers"))
    assert viewer.post("/console/numbers", {"number": NUMBER}).status_code == 303


def test_a_flushed_store_is_said_and_nothing_breaks(gateway, viewer, redis_client):
    redis_client.flushall()
    answer = viewer.get(PAGE)
    assert answer.status_code == 200
    assert "could not tell" in words(answer)
