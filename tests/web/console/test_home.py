"""Home: what needs a person, today beside the usual, how fast, and whether all is well."""

from __future__ import annotations

import re
from datetime import timedelta

import msgspec
import pytest

from smsgate.gateway.overview import daily
from smsgate.messages import Arrival, Decision, Entry, Intent
from smsgate.metrics.families import CONFIRMED_S, MESSAGES, REPLIES, STORED_S
from smsgate.store.connection import open_redis
from smsgate.store.keys import LANE_KEYS, lane_of
from tests.fakes.own_gateway import HERE, heartbeat
from tests.fakes.values import entry


def words(answer) -> str:
    assert answer.status_code == 200, answer.text
    text = re.sub(r"<title id.*?</desc>|<rect.*?</rect>", " ", answer.text, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def count(gateway, intent: str, times: int = 1, took_s: float = 0.002) -> None:
    metrics = gateway.store.metrics
    for _ in range(times):
        metrics.count(MESSAGES, "twilio", intent)
        metrics.took(STORED_S, took_s, "twilio")
    metrics.flush()


def confirm(gateway, took_s: float, times: int = 1) -> None:
    metrics = gateway.store.metrics
    for _ in range(times):
        metrics.count(REPLIES, "twilio", "opt_out", "sent")
        metrics.took(CONFIRMED_S, took_s, "twilio")
    metrics.flush()


def ago(days: int):
    return daily.today() - timedelta(days=days)


# --- today --------------------------------------------------------------------------------------


def test_today_stands_beside_what_the_same_weekday_had(viewer, gateway) -> None:
    for weeks, texts in ((1, 100), (2, 140), (3, 90), (5, 9_000)):
        gateway.records.days.keep({ago(7 * weeks): {"texts": texts, "opt_outs": weeks}})
    gateway.records.days.keep({ago(1): {"texts": 7_000}})
    count(gateway, "none", 30)
    count(gateway, "opt_out", 3)
    count(gateway, "opt_out_all", 2)
    count(gateway, "opt_in", 4)
    count(gateway, "help")
    count(gateway, "review", 2)
    count(gateway, "duplicate", 50)
    confirm(gateway, 1.2, 3)
    gateway.store.metrics.count(REPLIES, "twilio", "opt_out", "late")
    gateway.store.metrics.count(REPLIES, "twilio", "help", "sent")
    gateway.store.metrics.flush()
    said = words(viewer.get("/console/"))
    assert "Texts in 42 usually 110 a day" in said
    assert "Opt-outs 5 usually 2 a day" in said
    for told in ("Opt-ins 4 ", "HELP 1 ", "For review 2 ", "Confirmations sent 3 "):
        assert told in said


def test_in_the_first_week_the_usual_is_of_the_days_that_there_were(viewer, gateway) -> None:
    gateway.records.days.keep({ago(1): {"texts": 10}, ago(2): {"texts": 25}})
    assert "Texts in 0 usually 18 a day" in words(viewer.get("/console/"))


def test_the_chart_has_every_day_in_words_and_as_a_table(viewer, gateway) -> None:
    gateway.records.days.keep({ago(3): {"texts": 1_234, "opt_outs": 5}, ago(40): {"texts": 9}})
    count(gateway, "opt_out", 7)
    page = viewer.get("/console/").text
    chart = re.search(r'<svg class="bars".*?</svg>', page, re.DOTALL)[0]
    assert chart.count("<rect") == 4
    assert 'role="img" aria-labelledby="t-texts d-texts"' in chart
    day = ago(3)
    assert f"1,241 together, most on {day:%B} {day.day} (1,234), today 7." in chart
    table = page.partition("Day by day")[2]
    table = re.findall(r"<tr><th scope=\"row\">(.*?)</th>(.*?)</tr>", table)
    rows = {day: re.findall(r">([\d,]+)<", cells) for day, cells in table}
    assert [*rows][:4] == [str(ago(back)) for back in range(4)]
    assert rows[str(ago(3))][:3] == ["1,234", "5", "0"]
    assert str(ago(40)) not in rows


def test_bars_are_as_high_as_their_days_and_a_single_text_is_seen(viewer, gateway) -> None:
    gateway.records.days.keep({ago(2): {"texts": 1000}, ago(1): {"texts": 500}})
    count(gateway, "none")
    chart = re.search(r'<svg class="bars".*?</svg>', viewer.get("/console/").text, re.DOTALL)[0]
    heights = [float(one) for one in re.findall(r'height="([\d.]+)"', chart)]
    assert heights == [48.0, 24.0, 1.5]


def test_times_are_told_by_their_bounds_and_five_minutes_are_watched(viewer, gateway) -> None:
    count(gateway, "none", 98, 0.004)
    count(gateway, "none", 2, 0.2)
    confirm(gateway, 0.2, 199)
    confirm(gateway, 400.0, 1)
    said = words(viewer.get("/console/"))
    assert "From receipt to blocked half within 5 ms, 99 of 100 within 250 ms" in said
    assert "half within 250 ms, 99 of 100 within 250 ms; 99.5% within five minutes" in said
    assert '<span class="badge bad">99.5% within' in viewer.get("/console/").text
    confirm(gateway, 400.0, 200)
    assert "half within a longer time, 99 of 100 took longer" in words(viewer.get("/console/"))


def settle(gateway, outcome: str, times: int = 1, kind: str = "opt_out") -> None:
    gateway.store.metrics.count(REPLIES, "twilio", kind, outcome, times=times)
    gateway.store.metrics.flush()


def confirmed(viewer) -> str:
    """What the page says of confirmations."""
    said = words(viewer.get("/console/")).partition("From receipt to confirmation ")[2]
    return said.partition(" Days are counted")[0]


def test_without_confirmations_there_is_no_data(viewer, gateway) -> None:
    page = viewer.get("/console/").text
    assert "within five minutes" not in page
    assert confirmed(viewer) == "no data: no confirmation was due today or yesterday"
    assert "From receipt to blocked no data: no text came" in words(viewer.get("/console/"))
    settle(gateway, "sent", kind="help")
    settle(gateway, "opted_out")  # the provider has it, and tells the subscriber itself
    settle(gateway, "superseded")
    assert confirmed(viewer) == "no data: no confirmation was due today or yesterday"


@pytest.mark.parametrize("outcome", ["late", "refused", "unknown"])
def test_six_missed_of_six_are_none_in_time(viewer, gateway, outcome) -> None:
    settle(gateway, outcome, 6)
    assert confirmed(viewer) == "none was sent; 0% within five minutes 6 of 6 missed"
    assert '<span class="badge bad">0% within' in viewer.get("/console/").text


def test_one_missed_of_very_many_is_not_rounded_away(viewer, gateway) -> None:
    confirm(gateway, 0.2)
    settle(gateway, "sent", 99_998)
    settle(gateway, "late")
    assert "99.99% within five minutes 1 of 100,000 missed" in confirmed(viewer)


def opts_out(gateway, number: str, received_s: float = 0.0, **rest) -> None:
    """A STOP that came so many seconds ago."""
    stop = entry(Intent.OPT_OUT, number, text="STOP", **rest)
    if not received_s:
        gateway.store.inbox.add([Arrival(stop)])
        return
    now_us = gateway.store.health.now_us()
    at_us = now_us - int(received_s * 1_000_000)
    fields = {"e": msgspec.json.encode(stop), "s": at_us}
    key = LANE_KEYS[lane_of(number)].inbox
    gateway.store.inbox._client.xadd(key, fields, id=f"{at_us // 1000}-*")


NUMBERS = [f"+1415555{at:04}" for at in range(6)]


def test_confirmations_that_no_sender_takes_are_missed_after_five_minutes(viewer, gateway) -> None:
    confirm(gateway, 0.2, 2)
    for number in NUMBERS:
        opts_out(gateway, number, 200)
    for lane in range(16):
        gateway.apply(lane)
    opts_out(gateway, "+14155550199")
    assert "100% within five minutes" in confirmed(viewer)  # there is time left

    client = gateway.store.inbox._client
    for number in NUMBERS:
        keys = LANE_KEYS[lane_of(number)]
        for id_, raw in client.hgetall(keys.replies).items():
            late = msgspec.json.decode(raw)
            late["deadline_us"] -= 110_000_000
            client.hset(keys.replies, id_, msgspec.json.encode(late))
    said = confirmed(viewer)
    assert said.endswith("25% within five minutes 6 of 8 missed")


def test_confirmations_of_opt_outs_that_no_worker_applies_are_missed(viewer, gateway) -> None:
    for number in NUMBERS:
        opts_out(gateway, number, 301)
        opts_out(gateway, number, 300.5)  # who asks twice is answered once
    opts_out(gateway, "+14155550190", 302, answered="provider")
    opts_out(gateway, "+14155550191", 302, source="operator", account="")
    opts_out(gateway, "+14155550192", 302, program="")
    opts_out(gateway, "+14155550193", 100)
    assert confirmed(viewer) == "none was sent; 0% within five minutes 6 of 6 missed"


def test_where_very_many_wait_it_is_said_that_there_may_be_more(
    viewer, gateway, monkeypatch
) -> None:
    monkeypatch.setattr("smsgate.store.overdue._SOME", 2)
    for at in range(3):
        opts_out(gateway, NUMBERS[0], 400 - at)
    assert confirmed(viewer).endswith("0% within five minutes at least 1 of 1 missed")


# --- counting -----------------------------------------------------------------------------------


def test_the_sums_of_a_day_outlive_the_store(viewer, gateway, redis_client) -> None:
    count(gateway, "opt_out", 9)
    daily.keep(gateway.store, gateway.records)
    redis_client.flushall()
    gateway.store.marker.create(buckets=8)
    count(gateway, "opt_out", 2)
    daily.keep(gateway.store, gateway.records)
    assert gateway.records.days.since(ago(0))[ago(0)]["opt_outs"] == 9
    assert "Opt-outs 9 " in words(viewer.get("/console/"))
    count(gateway, "opt_out", 9)
    daily.keep(gateway.store, gateway.records)
    assert gateway.records.days.since(ago(0))[ago(0)]["opt_outs"] == 11


def test_a_day_in_the_store_ends_after_a_week(gateway, redis_client) -> None:
    count(gateway, "help")
    key = f"{{smsgate:metrics}}:{daily.today()}"
    assert redis_client.hget(key, "messages|twilio|help") == b"1"
    assert 0 < redis_client.ttl(key) <= 8 * 24 * 3600


def test_the_keeper_puts_them_into_the_records(gateway) -> None:
    from workers.keeper import Keeper

    count(gateway, "opt_in", 3)
    keeper = Keeper(gateway)
    keeper.turn()
    assert gateway.records.days.since(ago(0))[ago(0)]["opt_ins"] == 3
    count(gateway, "opt_in", 3)
    keeper.turn()  # not a minute later
    assert gateway.records.days.since(ago(0))[ago(0)]["opt_ins"] == 3


# --- what needs a person ------------------------------------------------------------------------


def review(gateway) -> None:
    entry = Entry(
        number="+14155550123",
        program="alerts",
        decision=Decision(Intent.REVIEW, rule="unsure"),
        source="text",
        account="twilio",
        text="please do stop that maybe",
    )
    gateway.store.inbox.add([Arrival(entry)])
    for lane in range(16):
        gateway.apply(lane)


def test_texts_that_wait_are_told_with_the_time_that_is_left(viewer, gateway) -> None:
    assert "waits for a person" not in words(viewer.get("/console/"))
    review(gateway)
    page = viewer.get("/console/")
    assert "1 text waits for a person; the oldest has 24 h left" in words(page)
    assert '<a href="/console/review">Decide them</a>' in page.text


def test_faults_come_first_with_what_mends_them(viewer, gateway, redis_client) -> None:
    redis_client.config_set("appendfsync", "everysec")
    page = viewer.get("/console/").text
    needs = re.findall(r'<li class="said (\w+)"><strong>(\w+)', page)
    assert needs[0] == ("bad", "processes")
    assert "<code>python -m workers web</code>" in page
    assert ("warn", "durability") in needs


def test_an_admin_is_asked_for_a_second_factor(admin, viewer) -> None:
    assert "You are an admin and have no second factor" in words(admin.get("/console/"))
    assert "second factor" not in words(viewer.get("/console/"))


# --- is it well ---------------------------------------------------------------------------------


def rows_of(answer) -> dict[str, tuple[str, str]]:
    table = answer.text.partition('id="health"')[2].partition("</table>")[0]
    found = re.findall(r'<th scope="row">(.*?)</th><td>(.*?)</td><td>(.*?)</td>', table)
    bare = [[re.sub(r"<[^>]+>", "", cell) for cell in row] for row in found]
    return {name: (how, sign) for name, how, sign in bare}


def test_every_part_says_how_it_is_and_when_it_gave_a_sign(viewer, gateway) -> None:
    gateway.store.acceptance.note("twilio", newest=True, several=False)
    gateway.store.depths.note_spool("host-1", 4, 60)
    gateway.store.heartbeats.beat(heartbeat("worker"), 600)
    rows = rows_of(viewer.get("/console/"))
    assert rows["twilio"] == ("messages come in", "just now")
    assert rows["worker"] == ("1 at work", "just now")
    assert rows["clock"] == ("not at work", "none")
    gateway.store.heartbeats.beat(heartbeat("sender"))
    gateway.store.heartbeats.withdraw(heartbeat("sender").id)
    assert rows_of(viewer.get("/console/"))["sender"] == ("not at work", "just now")
    assert rows["spool of host-1"] == ("4 messages wait", "just now")
    for name in ("store", "queue", "records"):
        assert rows[name] == ("works", "just now")


def test_an_account_that_fell_silent_is_told(folder, redis_url, password_hash) -> None:
    from tests.fakes.browser import browser
    from tests.fakes.own_gateway import ALERTS, make_gateway

    quiet = ALERTS.replace("[programs.alerts]", "silent_hours = 1\n\n[programs.alerts]")
    gateway = make_gateway(folder, redis_url, quiet, **HERE)
    from smsgate.gateway.people.operators import By, Operators

    Operators(gateway.records).add("maria", "viewer", By("tests"))
    id_ = Operators(gateway.records).named("maria").id
    gateway.records.operators.update(id_, {"password_hash": password_hash})
    one = browser(gateway)
    one.sign_in("maria")
    page = one.get("/console/")
    assert rows_of(page)["twilio"] == ("silent for longer than it should be", "none")
    assert "account twilio: no request was accepted" in words(page)
    gateway.close()


# --- the first time, and parts that are away ----------------------------------------------------


def test_an_empty_page_says_what_to_do_next(viewer, agent, admin, gateway) -> None:
    for one, simulator, people in ((viewer, 0, 0), (agent, 1, 0), (admin, 1, 1)):
        page = one.get("/console/").text
        begin = page.partition('class="begin"')[2].partition("</section>")[0]
        assert "http://localhost/webhooks/twilio" in begin
        assert "SMSGATE_PUBLIC_URL" not in begin
        assert begin.count('href="/console/simulator"') == simulator
        assert begin.count('href="/console/people"') == people
    count(gateway, "none")
    assert "What to do next" not in viewer.get("/console/").text


def test_the_page_renews_what_changes(viewer, gateway) -> None:
    page = viewer.get("/console/").text
    assert 'hx-get="/console/home/now" hx-trigger="every 15s"' in page
    count(gateway, "none", 5)
    part = viewer.get("/console/home/now", headers={"HX-Request": "true"})
    assert "Texts in 5 " in words(part)
    assert "<html" not in part.text


def test_without_the_store_the_page_says_so_and_shows_the_days(viewer, gateway) -> None:
    gateway.records.days.keep({ago(1): {"texts": 1_111}})
    away = open_redis("redis://127.0.0.1:1/0").connection_pool
    for part in (gateway.store.metrics._gatherer.client, gateway.store.ledger._client):
        part.connection_pool = away
    page = viewer.get("/console/")
    said = words(page)
    assert "Not everything can be told" in said
    assert "2026" in said or "1,111" in said
    assert rows_of(page)["store"][0] != "works"
    assert viewer.get("/console/home/now").status_code == 200


def test_without_the_records_the_page_says_so_and_shows_today(viewer, gateway) -> None:
    count(gateway, "opt_out", 3)
    assert viewer.get("/console/").status_code == 200
    gateway.records.close()
    (gateway.settings.data_dir / "records.sqlite3").write_bytes(b"no database" * 1000)
    page = viewer.get("/console/")
    said = words(page)
    assert "Not everything can be told" in said
    assert "Opt-outs 3 " in said
    assert rows_of(page)["records"][0] != "works"


@pytest.mark.parametrize("path", ["/console/", "/console/home/now"])
def test_nobody_sees_it_without_signing_in(visitor, path) -> None:
    assert visitor.get(path).location == "/console/in"
