"""A number's page: how it stands, what happened, and what is said while something is away."""

from __future__ import annotations

import base64
import html
import re
import time
from unittest.mock import Mock

import msgspec
import pytest

from smsgate.domain.entry_parts import Consent
from smsgate.domain.errors import RecordsUnavailable, StoreUnavailable, Suppressed
from smsgate.domain.messages import Arrival, Decision, Intent
from smsgate.features.evidence.operations import EvidenceReader, EvidenceRequest
from smsgate.metrics.counters import GATE, by_family
from smsgate.store.keys import PARTITION_KEYS, partition_of
from smsgate.store.write_lease import SpooledOptOuts
from smsgate.web.console.template_filters import day, moment
from tests.fakes import manual
from tests.fakes.listed_numbers import import_numbers, list_entry
from tests.fakes.own_services import make_part
from tests.fakes.pages import HTMX, NASTY, harmless, words
from tests.fakes.told import told, work
from tests.fakes.values import NUMBER, OTHER, entry

PARTITION = partition_of(NUMBER)
SECRET = "whsec_" + base64.b64encode(bytes(32)).decode()
KEY = {"Authorization": "Bearer a-key-that-is-long-enough-for-tests"}
PAGE = f"/console/numbers/{NUMBER}"
SINCE = "opted out of everything (exact keyword: STOP) a moment ago"


def test_how_it_stands_with_each_program_and_why(services, viewer):
    assert "Acme Alerts alerts, marketing yes may be texted" in words(viewer.get(PAGE))
    told(services, Intent.OPT_OUT, "STOP", decision=Decision(Intent.OPT_OUT, "keyword", "STOP"))
    services.archiver.move_all()
    said = words(viewer.get(PAGE))
    assert f"Acme Alerts alerts, marketing no {SINCE}" in said
    assert "including programs you add later" in said
    assert "Acme &lt;b&gt;Orders&lt;/b&gt; &amp; &#34;Co&#34;" in viewer.get(PAGE).text


def test_who_tried_to_text_after_an_opt_out_and_was_refused_is_told(services, viewer):
    assert "refused" not in words(viewer.get(PAGE))
    told(services, Intent.OPT_OUT, "STOP")
    assert "No refused send to this number is counted after an opt-out" in words(viewer.get(PAGE))
    for program, times in (("alerts", 3), ("orders", 1)):
        for _ in range(times):
            with pytest.raises(Suppressed):
                services.gate.require([NUMBER], program=program)
    page = viewer.get(PAGE)
    hour = moment(services.store.refusals.after_opt_out(NUMBER)[-1].from_us)
    assert "After an opt-out, Acme Alerts tried to text this number 3 times" in words(page)
    assert "Co&#34; tried to text this number 1 time and was refused" in page.text
    assert re.search(f"last in the hour from <time[^>]*>{hour}<", page.text)


def test_looking_at_a_number_does_not_count_as_a_send(services, viewer):
    told(services, Intent.OPT_OUT, "STOP")
    for path in (PAGE, "/console/numbers", "/console/review", f"{PAGE}?part=story"):
        assert viewer.get(path).status_code == 200
    assert viewer.get(f"/v1/numbers/{NUMBER}", headers=KEY).status_code == 200
    make_part(services, EvidenceReader).collect(EvidenceRequest(NUMBER))
    services.store.metrics.flush()
    assert not by_family(services.store.metrics.sums())[GATE.name]


def test_what_rules_note_stands_in_details_alone(services, viewer):
    decision = Decision(Intent.OPT_OUT, "second_reader", "{off}", note="@remove +2.1")
    told(services, Intent.OPT_OUT, "take me off", decision=decision)
    services.archiver.move_all()
    page = viewer.get(PAGE).text
    assert "@remove +2.1" in page
    outside = re.sub(r"<details>.*?</details>", "", page, flags=re.DOTALL)
    for internal in ("@remove", "{off}", "second_reader"):
        assert internal not in outside


def test_who_came_back_to_one_program_is_not_said_to_be_out_of_all(services, viewer):
    told(services, Intent.OPT_OUT, "STOP", decision=Decision(Intent.OPT_OUT, "keyword", "STOP"))
    told(services, Intent.OPT_IN, "START", decision=Decision(Intent.OPT_IN, "keyword", "START"))
    said = words(viewer.get(PAGE))
    assert "Acme Alerts alerts, marketing yes may be texted" in said
    assert "opted out of everything and came back to some programs" in said


def test_since_when_is_known_after_the_store_has_forgotten(services, viewer, redis_client):
    told(services, Intent.OPT_OUT, "STOP", decision=Decision(Intent.OPT_OUT, "keyword", "STOP"))
    services.archiver.move_all()
    redis_client.delete(f"smsgate:{{{partition_of(NUMBER)}}}:number:{NUMBER}")
    assert SINCE in words(viewer.get(PAGE))


def test_what_is_not_applied_yet_is_said_and_looked_for_again(services, viewer):
    told(services, Intent.OPT_OUT, "STOP", applied=False)
    page = viewer.get(PAGE)
    assert "In progress: opt out" in words(page)
    assert "opt-out being applied, already blocking" in words(page)
    assert 'hx-get="?part=story"' in page.text
    part = viewer.get(f"{PAGE}?part=story", headers=HTMX)
    assert "<main" not in part.text
    assert 'hx-get="?part=story"' in part.text

    work(services)
    part = viewer.get(f"{PAGE}?part=story", headers=HTMX)
    assert "hx-get" not in part.text
    assert 'id="story-timeline"' in part.text
    assert "Opted out" in part.text


def test_a_start_in_the_second_of_a_stop_is_shown_as_a_tie(services, viewer):
    texts = [(Intent.OPT_OUT, "STOP"), (Intent.OPT_IN, "START")]
    arrivals = [
        Arrival(entry(intent, text=text, message_id=text), 1_790_000_000_000_000)
        for intent, text in texts
    ]
    services.store.inbox.add(arrivals)
    work(services)
    said = words(viewer.get(PAGE))
    assert (
        "Asked to opt in for Acme Alerts (alerts) same time as an opt-out, the opt-out holds"
        in said
    )
    assert "No reply from us: an opt-out has the same time, and it wins a tie" in said
    assert "newer" not in said


def test_the_story_tells_rule_steps_times_and_what_was_answered(services, viewer):
    decision = Decision(
        Intent.OPT_OUT,
        rule="keyword",
        keyword="STOP",
        language="en",
        steps=("width", "edge punctuation"),
        version="abc123",
    )
    told(services, Intent.OPT_OUT, "ＳＴＯＰ!", decision=decision)
    told(services, Intent.OPT_OUT, "STOP", decision=decision)
    services.archiver.move_all()
    said = words(viewer.get(PAGE))
    again, first = said.split("History")[1].split("Opted out")[1:]
    assert "no change" in again
    assert "No reply from us: already opted out" in again
    assert "Reply is queued" in first
    assert "exact keyword: STOP" in first
    assert "keyword, keyword sets abc123" in first
    assert "width; edge punctuation" in first
    assert "Message time" in first
    assert "From then on: may not be texted" in first


def test_a_reply_stands_under_what_it_answers_with_what_became_of_it(services, viewer):
    told(services, Intent.OPT_OUT, "STOP")
    claim = services.store.outbox.claim(partition_of(NUMBER))
    services.sender._end(claim, "sent", "", "SM-of-the-provider")
    services.archiver.move_all()
    page = viewer.get(PAGE)
    assert "↳ Opt-out confirmation : sent" in words(page)
    assert "SM-of-the-provider" in words(page)
    assert page.text.partition('<ol class="timeline">')[2].count("<li") == 1  # nested


def test_what_is_on_its_way_to_the_records_is_told_once(services, viewer):
    told(services, Intent.OPT_OUT, "STOP just once")
    partition = partition_of(NUMBER)  # not trimmed yet, as in the middle of a move
    lines = [*services.store.ledger_reader.lines(partition)]
    services.records.writer.keep({partition: lines})
    assert words(viewer.get(PAGE)).count("STOP just once") == 1


def test_a_lock_and_consents_are_told_with_their_words(services, viewer):
    consent = Consent(words=f"Yes {NASTY}", medium="paper", source="form 7", given_us=1)
    manual.record_consent(services, NUMBER, "alerts", consent, "operator", "ana")
    manual.lock(services, NUMBER, "bob", "a letter & more")
    work(services)
    services.archiver.move_all()
    page = viewer.get(PAGE)
    said = words(page)
    assert "Locked. No program may text it" in said
    assert "(manual: a letter & more; bob)" in said
    assert "form 7" in said
    assert "Consent recorded for Acme Alerts (alerts) applied a moment ago · manual, ana" in said


def test_a_text_to_another_program_that_holds_this_one_is_named(services, viewer):
    id_ = told(services, Intent.REVIEW, "hm", program="orders")
    page = viewer.get(PAGE)
    said = words(page)
    assert "Acme Alerts alerts, marketing no in review: no marketing until someone decides" in said
    assert page.text.count(f"/console/review?show={partition_of(NUMBER)}-{id_}") == 2


def test_texts_and_keywords_are_never_markup(services, viewer):
    decision = Decision(
        Intent.OPT_OUT, rule=f"rule{NASTY}", keyword=NASTY, note=NASTY, steps=(NASTY,)
    )
    told(services, Intent.OPT_OUT, NASTY, decision=decision, sender=NASTY)
    told(services, Intent.NONE, NASTY, NASTY, program="", phone=False, sender=NASTY)
    services.archiver.move_all()
    for path in (PAGE, "/console/numbers"):
        page = viewer.get(path)
        assert harmless(page)
        assert "alert(&#39;x&#39;)" in page.text


def test_while_the_store_is_away_the_records_are_shown(services, viewer, monkeypatch):
    told(services, Intent.OPT_OUT, "STOP it")
    services.archiver.move_all()
    away = Mock(side_effect=StoreUnavailable("the store cannot be used: away"))

    def asked_again(*_, **__):
        pytest.fail("a Redis that hangs would be waited for once more")

    monkeypatch.setattr(type(services.store.inbox_reader), "latest", away)
    monkeypatch.setattr(type(services.store.ledger_reader), "newest", asked_again)
    monkeypatch.setattr(type(services.store.sample_log), "of_number", asked_again)
    monkeypatch.setattr(type(services.store.unsent_replies), "unsettled", asked_again)
    answer = viewer.get(PAGE)
    assert answer.status_code == 200
    said = words(answer)
    assert "No number may be texted: the gate cannot tell: the store cannot be used: away." in said
    assert "What happened in the last moments, and ordinary texts, cannot be shown." in said
    assert "The records say opted out." in said
    assert "STOP it" in said


def test_while_the_records_are_away_the_store_is_shown(services, viewer, monkeypatch):
    told(services, Intent.OPT_OUT, "STOP it")
    away = Mock(side_effect=RecordsUnavailable("the records cannot be used: away"))
    for name in ("page_of_number", "newest", "counts"):
        monkeypatch.setattr(type(services.records.reader), name, away)
    said = words(viewer.get(PAGE))
    assert "opted out of everything" in said
    assert "Older events, and since when and why, cannot be shown in full: the records" in said
    assert "STOP it" in said
    assert "cannot be shown" in words(viewer.get("/console/numbers"))
    assert viewer.post("/console/numbers", {"number": NUMBER}).status_code == 303


def test_why_the_gate_cannot_tell_is_said_once(services, viewer):
    services.store.write_lease.renew("spool-1", SpooledOptOuts("host-2", 3, 1))
    said = words(viewer.get(PAGE))
    assert "No number may be texted: the gate cannot tell: opt-outs wait in spools" in said
    assert said.count("the gate cannot tell") == 1


# --- ordinary texts -----------------------------------------------------------------------------


def ordinary(services, *texts: str, number: str = NUMBER) -> None:
    """Texts that ask for nothing, as a webhook leaves them in the sample log."""
    for text in texts:
        decision = Decision(Intent.NONE, "nothing_known")
        services.store.sample_log.note(entry(Intent.NONE, number, decision=decision, text=text))
    services.store.sample_log.flush()


def test_ordinary_texts_stand_in_the_story_in_their_place(services, viewer):
    ordinary(services, f"hello {NASTY}")
    told(services, Intent.HELP, "help me")
    services.archiver.move_all()
    ordinary(services, "when do you open?")
    ordinary(services, "none of their business", number=OTHER)
    told(services, Intent.HELP, "help again")  # not in the records yet
    answer = viewer.get(PAGE)
    said = words(answer).partition("History")[2]
    order = ["help again", "when do you open?", "help me", "hello"]
    assert [said.index(text) for text in order] == sorted(said.index(text) for text in order)
    assert "Ordinary text for Acme Alerts (alerts) no effect" in said
    assert "Reason for the decision: nothing about consent" in said
    assert "none of their business" not in said
    assert harmless(answer)


def test_a_long_story_with_ordinary_texts_comes_in_pages_that_miss_nothing(services, viewer):
    """Also where many were written in the same millisecond."""
    ordinary(services, *(f"text {at}." for at in range(40)))
    await_next_millisecond(services)
    for at in range(40, 50):
        told(services, Intent.HELP, f"text {at}.", applied=False)
    work(services)
    services.archiver.move_all()
    await_next_millisecond(services)
    ordinary(services, *(f"text {at}." for at in range(50, 65)))
    pages = numbered_texts(viewer)
    assert [one for page in pages for one in page] == [*reversed(range(65))]
    assert len(pages) == 3


@pytest.mark.parametrize("page_size", [1, 2, 3, 30])
def test_texts_and_events_of_one_millisecond_are_each_told_once(
    services, viewer, monkeypatch, page_size
):
    """Wherever among them a page ends."""
    monkeypatch.setattr("smsgate.features.numbers.story.PAGE", page_size)
    for at in range(3):
        told(services, Intent.HELP, f"text {at}.", applied=False)
    work(services)
    services.archiver.move_all()
    events = services.history.of_number(NUMBER)
    written = sorted({one.received_us // 1000 for one in events if one.kind != "reply"})
    ids = [f"{ms}-{place}" for ms in written for place in range(4)]
    for at, id_ in enumerate(ids, 3):
        text = msgspec.json.encode(entry(Intent.NONE, text=f"text {at}."))
        services.store.sample_log._client.xadd(
            PARTITION_KEYS[PARTITION].sample_log, {"e": text}, id=id_
        )
    found = [one for page in numbered_texts(viewer) for one in page]
    assert sorted(found) == [*range(3 + len(ids))]


def await_next_millisecond(services) -> None:
    """Wait until Redis's clock shows another millisecond.

    An event has the time of its millisecond's begin, so a text of the same one seems newer.
    """
    before = services.store.health.now_us() // 1000
    while services.store.health.now_us() // 1000 == before:
        pass


def numbered_texts(viewer) -> list[list[int]]:
    """The number in each text of the whole story, newest first, by page."""
    pages, path = [], PAGE
    while path:
        page = viewer.get(path)
        pages.append([int(one) for one in re.findall(r"text (\d+)\.", page.text)])
        older = re.search(r'rel="next" href="(\?before=[^"]+)"', page.text)
        assert ("are kept for a limited time" in page.text) == (older is None)
        path = f"{PAGE}{older[1]}" if older else ""
    return pages


def test_while_the_store_is_away_ordinary_texts_are_said_to_be_missing(
    services, viewer, monkeypatch
):
    ordinary(services, "hello")
    away = Mock(side_effect=StoreUnavailable("the store cannot be used: away"))
    monkeypatch.setattr(type(services.store.sample_log), "of_number", away)
    said = words(viewer.get(PAGE))
    assert "and ordinary texts, cannot be shown: the store cannot be used: away." in said


# --- since when, why, and what became of the consent ----------------------------------------------

DAY = "May 3, 2024"
DAY_US = 1_714_737_600_000_000


def is_now(shown: str) -> bool:
    """Whether that is this minute, or the one that was when the page was made."""
    return shown in {moment(time.time_ns() // 1000 - ago) for ago in (0, 60_000_000)}


def row(answer, program: str = "alerts") -> dict[str, str]:
    """What the table says of a program; times as they are."""
    table = answer.text.partition('id="story-state"')[2].partition("</table>")[0]
    for found in re.findall(r"<tr[^>]*>(.*?)</tr>", table, re.DOTALL):
        cells = re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", found, re.DOTALL)
        said = [" ".join(html.unescape(re.sub(r"<[^>]*>", " ", one)).split()) for one in cells]
        if f" {program}," in said[0]:
            return dict(zip(("program", "may", "why", "since", "consent"), said, strict=True))
    raise AssertionError(table)


@pytest.mark.parametrize("recorded", [True, False])
def test_a_number_of_a_list_says_since_when_and_by_which_list(services, viewer, recorded):
    listing = list_entry("alerts", actor="ana", note=f"left{NASTY}.csv")
    import_numbers(services, [NUMBER], listing, [DAY_US])
    if recorded:
        services.archiver.move_all()
    answer = viewer.get(PAGE)
    said = row(answer)
    assert said["why"].startswith("opted out of everything (import: left")
    assert said["why"].endswith(".csv; ana)")
    assert said["since"] == f"{DAY}, 12:00 UTC"
    assert said["consent"] == f"withdrawn on {DAY}"
    assert harmless(answer)


@pytest.mark.parametrize("recorded", [True, False])
def test_a_locked_number_says_since_when_and_why(services, viewer, redis_client, recorded):
    manual.lock(services, NUMBER, "bob", "letter of her lawyer")
    work(services)
    for at in range(60):  # a number that goes on texting does not hide it
        told(services, Intent.OPT_OUT, f"STOP {at}", applied=False)
    work(services)
    if recorded:
        services.archiver.move_all()
        redis_client.delete(f"smsgate:{{{PARTITION}}}:number:{NUMBER}")
    answer = viewer.get(PAGE)
    said = row(answer)
    assert said["why"] == (
        "locked: no program may text it, whatever it texts us (manual: letter of her lawyer; bob)"
    )
    assert is_now(said["since"])
    assert said["consent"] == "not valid while locked"


def test_what_is_not_on_record_is_said_to_be_unknown(services, viewer, redis_client):
    """A set that came from elsewhere, or whose events are gone."""
    told(services, Intent.OPT_OUT, "STOP")
    redis_client.delete(
        f"smsgate:{{{PARTITION}}}:number:{NUMBER}", PARTITION_KEYS[PARTITION].ledger
    )
    said = row(viewer.get(PAGE))
    assert said["why"] == "opted out of everything"
    assert said["since"] == "unknown"
    assert said["consent"] == "withdrawn, date unknown"


def test_a_consent_is_withdrawn_by_an_opt_out_and_back_with_a_start(services, viewer):
    assert row(viewer.get(PAGE))["consent"] == "none on record"
    consent = Consent(words="Yes", medium="web", given_us=1)
    manual.record_consent(services, NUMBER, "alerts", consent, "operator", "ana")
    work(services)
    assert row(viewer.get(PAGE))["consent"] == "on record"
    told(services, Intent.OPT_OUT, "STOP", applied=False)
    assert row(viewer.get(PAGE))["consent"] == "withdrawal in progress"
    work(services)
    today = day(time.time_ns() // 1000)
    for program in ("alerts", "orders"):
        assert row(viewer.get(PAGE), program)["consent"] == f"withdrawn on {today}"
    told(services, Intent.OPT_IN, "START")
    assert row(viewer.get(PAGE))["consent"] == "on record"
    assert row(viewer.get(PAGE), "orders")["consent"] == f"withdrawn on {today}"
