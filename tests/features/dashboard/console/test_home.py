"""Home: what needs a person, today beside the usual, and whether all is well."""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import msgspec
import pytest

from smsgate.domain.messages import Arrival, Decision, Entry, Intent
from smsgate.features.dashboard import statistics
from smsgate.metrics.counters import CONFIRMED_S, MESSAGES, REPLIES
from smsgate.pipeline.deadlines import Deadline
from smsgate.records.daily_counts import DailyCountStorage
from smsgate.store.keys import PARTITION_KEYS, partition_of
from smsgate.store.redis_address import open_redis
from tests.fakes.browser import Browser
from tests.fakes.own_services import heartbeat
from tests.fakes.pages import HTMX
from tests.fakes.processes import wait_until
from tests.fakes.refused_writes import CAUSES
from tests.fakes.values import entry


def words(answer) -> str:
    assert answer.status_code == 200, answer.text
    text = re.sub(r"<rect.*?</rect>", " ", answer.text, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def count(services, intent: str, times: int = 1) -> None:
    services.store.metrics.count(MESSAGES, "twilio", intent, times=times)
    services.store.metrics.flush()


def confirm(services, took_s: float, times: int = 1) -> None:
    metrics = services.store.metrics
    for _ in range(times):
        metrics.count(REPLIES, "twilio", "opt_out", "sent")
        metrics.took(CONFIRMED_S, took_s, "twilio")
    metrics.flush()


def day_counts(services) -> DailyCountStorage:
    return DailyCountStorage(services.records.database)


def ago(days: int):
    return statistics.today() - timedelta(days=days)


# --- today --------------------------------------------------------------------------------------


def test_today_is_counted(viewer, services) -> None:
    count(services, "none", 30)
    count(services, "opt_out", 3)
    count(services, "opt_out_all", 2)
    count(services, "opt_in", 4)
    count(services, "help")
    count(services, "review", 2)
    count(services, "duplicate", 50)
    confirm(services, 1.2, 3)
    services.store.metrics.count(REPLIES, "twilio", "opt_out", "late")
    services.store.metrics.count(REPLIES, "twilio", "help", "sent")
    services.store.metrics.flush()
    said = words(viewer.get("/console/"))
    for told in (
        "Texts received 42 ",
        "Opt-out requests 5 ",
        "Opt-in requests 4 ",
        "Help requests 1 ",
        "Sent to review 2 ",
        "Confirmations sent 3 ",
    ):
        assert told in said


def test_the_days_are_a_chart_and_a_table(viewer, services) -> None:
    day_counts(services).save({ago(3): {"texts": 1_234, "opt_outs": 5}, ago(40): {"texts": 9}})
    count(services, "opt_out", 7)
    page = viewer.get("/console/").text
    chart = re.search(r'<svg class="bars".*?</svg>', page, re.DOTALL)[0]
    assert re.findall(r'x="(\d+)" .*?height="([\d.]+)"', chart) == [
        ("260", "48.0"),
        ("270", "0"),
        ("280", "0"),
        ("290", "1.5"),
    ]
    assert ": 1,234</title>" in chart
    table = page.partition("Day by day")[2]
    table = re.findall(r"<tr[^>]*><th scope=\"row\"[^>]*>(.*?)</th>(.*?)</tr>", table)
    rows = {day: re.findall(r">([\d,]+)<", cells) for day, cells in table}
    assert [*rows][:4] == [str(ago(back)) for back in range(4)]
    assert rows[str(ago(3))][:3] == ["1,234", "5", "0"]
    assert str(ago(40)) not in rows


def test_confirmations_are_watched_for_five_minutes(viewer, services) -> None:
    confirm(services, 0.2, 199)
    confirm(services, 400.0, 1)
    assert confirmed(viewer) == "99.5 % within five minutes 1 of 200 missed"
    assert '<span class="badge bad">99.5 % within' in viewer.get("/console/").text


def settle(services, outcome: str, times: int = 1, kind: str = "opt_out") -> None:
    services.store.metrics.count(REPLIES, "twilio", kind, outcome, times=times)
    services.store.metrics.flush()


def confirmed(viewer) -> str:
    """What the page says of confirmations."""
    said = words(viewer.get("/console/")).partition(" Confirmations ")[2]
    said = said.partition(" Confirmations ")[2]
    return said.partition(" Days are in UTC")[0]


def test_without_confirmations_there_is_no_data(viewer, services) -> None:
    page = viewer.get("/console/").text
    assert "within five minutes" not in page
    assert confirmed(viewer) == "no data: none due today or yesterday"
    settle(services, "sent", kind="help")
    settle(services, "opted_out")  # the provider has it, and tells the subscriber itself
    settle(services, "superseded")
    assert confirmed(viewer) == "no data: none due today or yesterday"


@pytest.mark.parametrize("outcome", ["late", "refused", "unknown"])
def test_six_missed_of_six_are_none_in_time(viewer, services, outcome) -> None:
    settle(services, outcome, 6)
    assert confirmed(viewer) == "0 % within five minutes 6 of 6 missed"
    assert '<span class="badge bad">0 % within' in viewer.get("/console/").text


def test_one_missed_of_very_many_is_not_rounded_away(viewer, services) -> None:
    confirm(services, 0.2)
    settle(services, "sent", 99_998)
    settle(services, "late")
    assert "99.99 % within five minutes 1 of 100,000 missed" in confirmed(viewer)


@pytest.mark.parametrize("drained", [False, True])
def test_confirmations_that_wait_past_their_time_are_missed(viewer, services, drained) -> None:
    """Because no worker applies their opt-outs, or no sender takes them."""
    confirm(services, 0.2, 2)
    number = "+14155550001"
    keys, now_us = PARTITION_KEYS[partition_of(number)], services.store.health.now_us()
    stop = msgspec.json.encode(entry(Intent.OPT_OUT, number, text="STOP"))
    received_s = 290 if drained else 310
    at_us = now_us - received_s * 1_000_000
    client = services.store.client
    client.xadd(keys.inbox, {"e": stop, "s": at_us}, id=f"{at_us // 1000}-*")
    if drained:
        services.applier.drain(partition_of(number))
        ((id_, raw),) = client.hgetall(keys.replies).items()
        late = msgspec.json.decode(raw)
        late["deadline_us"] -= 20_000_000
        client.hset(keys.replies, id_, msgspec.json.encode(late))
    assert confirmed(viewer).endswith("66.66 % within five minutes at least 1 of 3 missed")


# --- counting -----------------------------------------------------------------------------------


def test_the_sums_of_a_day_outlive_the_store(viewer, services, redis_client) -> None:
    count(services, "opt_out", 9)
    statistics.save_counts(services.store, services.records)
    redis_client.flushall()
    services.store.metadata.create(buckets=8)
    count(services, "opt_out", 2)
    statistics.save_counts(services.store, services.records)
    assert day_counts(services).since(ago(0))[ago(0)]["opt_outs"] == 9
    assert "Opt-out requests 9 " in words(viewer.get("/console/"))
    count(services, "opt_out", 9)
    statistics.save_counts(services.store, services.records)
    assert day_counts(services).since(ago(0))[ago(0)]["opt_outs"] == 11


def test_the_keeper_puts_them_into_the_records(services) -> None:
    from workers.ledger_archiver import ArchiverThread

    count(services, "opt_in", 3)
    thread = ArchiverThread(services)
    thread.run_once()
    assert day_counts(services).since(ago(0))[ago(0)]["opt_ins"] == 3
    count(services, "opt_in", 3)
    thread.run_once()  # not a minute later
    assert day_counts(services).since(ago(0))[ago(0)]["opt_ins"] == 3


# --- what needs a person ------------------------------------------------------------------------


def review(services) -> None:
    entry = Entry(
        number="+14155550123",
        program="alerts",
        decision=Decision(Intent.REVIEW, rule="unsure"),
        source="text",
        account="twilio",
        text="please do stop that maybe",
    )
    services.store.inbox.add([Arrival(entry)])
    for partition in range(16):
        services.applier.drain(partition)


def test_texts_that_wait_are_told_with_the_time_that_is_left(viewer, services) -> None:
    assert "waits for a person" not in words(viewer.get("/console/"))
    review(services)
    page = viewer.get("/console/")
    assert "1 text needs review, 24 h left for the oldest" in words(page)
    assert '<a href="/console/review">Review</a>' in page.text


def test_an_admin_is_asked_for_a_second_factor(admin, viewer) -> None:
    assert "You are an admin without two-step sign-in" in words(admin.get("/console/"))
    assert "two-step sign-in" not in words(viewer.get("/console/"))


# --- is it well ---------------------------------------------------------------------------------


def rows_of(answer) -> dict[str, tuple[str, str]]:
    """By component its status, and how long ago it was seen."""
    table = answer.text.partition('id="health"')[2].partition("</table>")[0]
    cell = r"<td[^>]*>(.*?)</td>"
    found = re.findall(rf'<th scope="row"[^>]*>(.*?)</th>\s*{cell}\s*{cell}', table)
    bare = [[re.sub(r"<[^>]+>", "", cell) for cell in row] for row in found]
    return {name: (how, re.sub(r".* UTC ", "", seen)) for name, how, seen in bare}


def test_every_part_says_how_it_is_and_when_it_gave_a_sign(viewer, services) -> None:
    services.store.acceptance.note("twilio", newest=True, several=False)
    services.store.backlog.note_spool("host-1", 4, 60)
    services.store.heartbeats.beat(heartbeat("worker"), 600)
    rows = rows_of(viewer.get("/console/"))
    assert rows["twilio"] == ("receiving", "just now")
    assert rows["worker"] == ("1 running", "just now")
    assert rows["clock"][0].startswith("No clock is running")
    services.store.heartbeats.beat(heartbeat("sender"))
    services.store.heartbeats.withdraw(heartbeat("sender").id)
    status, seen = rows_of(viewer.get("/console/"))["sender"]
    assert (status.partition(":")[0], seen) == ("No sender is running", "just now")
    assert rows["spool of host-1"][0].startswith("4 messages wait on the disk of host host-1")
    for name in ("store", "queue", "records"):
        assert rows[name] == ("operational", "just now")


# --- what cannot be read is unknown, in red, first ----------------------------------------------


def needs_of(answer) -> list[tuple[str, str]]:
    """The tone of each thing that needs attention, and what is said of it."""
    part = answer.text.partition('aria-labelledby="needs"')[2].partition("</section>")[0]
    found = re.findall(r'<li class="notice (\w+)"><strong>(.*?)</strong>', part, re.DOTALL)
    return [(tone, re.sub(r"<[^>]+>", "", said)) for tone, said in found]


@contextmanager
def stopped(server) -> Iterator[None]:
    """A Redis that hangs: it takes connections and answers nothing."""
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.process.pid, signal.SIGCONT)


def shows_nothing_of_the_store(page) -> None:
    said = words(page)
    tone, first = needs_of(page)[0]
    assert tone == "bad"
    assert first.startswith("The store is away: nobody can be texted")
    assert "figures and running processes are unknown." in said
    assert "All clear" not in said
    assert "queue" not in "".join(one for _, one in needs_of(page)[1:])
    for title in ("Texts received", "Opt-out requests", "Help requests", "Confirmations sent"):
        assert f"{title} unknown " in said, title
    assert "Confirmations unknown" in said
    assert "badge good" not in page.text.partition('aria-labelledby="health"')[0]
    rows = rows_of(page)
    assert {rows[name][0] for name in ("twilio", "worker", "sender", "clock")} == {"unknown"}
    assert rows["store"][0].startswith("The store is away: ")
    assert rows["queue"][0].startswith("The job queue is away: ")
    assert rows["records"][0] == "reachable, lag unknown"
    assert [*rows][-2:] == ["records", "spool"]  # what is well stands last
    assert {rows[name][1] for name in ("twilio", "sender", "store")} == {"unknown"}
    assert rows["spool"] == ("operational", "just now")


@contextmanager
def brief(someone: Browser, *names: str) -> Iterator[None]:
    """Its pages wait half a second for these; a busy machine may take longer to ask the others."""
    auth = someone.application.extensions["smsgate_applications"]["console"].extensions[
        "smsgate_auth"
    ]
    with pytest.MonkeyPatch.context() as patch:
        for name in names:
            patch.setattr(auth.deadlines, name, Deadline(0.5))
        if "records" in names:
            patch.setattr(auth.sessions, "_deadline", Deadline(0.5))
        yield


def test_a_redis_that_hangs_is_unknown_and_holds_up_no_page(viewer, services, redis_server) -> None:
    confirm(services, 0.2)
    day_counts(services).save({ago(1): {"texts": 1_111}})
    with stopped(redis_server), brief(viewer, "store", "queue", "archiver"):
        page = viewer.get("/console/")
        shows_nothing_of_the_store(page)
        assert "No answer " in words(page)  # Redis itself is waited for twice as long
        assert ": 1,111</title>" in page.text
        assert "today: unknown</title>" in page.text
        assert len(re.findall(r'<td [^>]*class="count"[^>]*>unknown</td>', page.text)) == 6
        shows_nothing_of_the_store(viewer.get("/console/home/now", headers=HTMX))
    assert wait_until(lambda: "The store" not in str(needs_of(viewer.get("/console/"))))
    assert "100 % within five minutes" in words(viewer.get("/console/"))


def test_a_queue_of_its_own_that_is_gone_is_told_alone(viewer, services, monkeypatch) -> None:
    refused = open_redis("redis://127.0.0.1:1/0").connection_pool
    monkeypatch.setattr(services.job_queue.redis, "connection_pool", refused)
    page = viewer.get("/console/")
    assert needs_of(page)[0][1].startswith("The job queue is away: opt-outs block, but")
    assert "The queue cannot be used: " in words(page)
    assert rows_of(page)["queue"][0].startswith("The job queue is away: ")
    assert rows_of(page)["store"][0] == "operational"
    assert "Texts received 0 " in words(page)


def test_a_redis_that_refuses_writes_is_told_first(viewer, services, redis_client) -> None:
    count(services, "opt_out", 3)
    with CAUSES["OOM"](redis_client):
        page = viewer.get("/console/")
    tone, first = needs_of(page)[0]
    assert tone == "bad"
    assert first.startswith("Redis refuses writes: opt-outs wait on disk, and the gate ")
    told = str(needs_of(page))
    assert told.count("Redis refuses writes") == 1  # one cause is told once
    assert "records" not in told
    assert "queue" not in told
    rows = rows_of(page)
    assert rows["store"][0].startswith("Redis refuses writes: ")
    # Such a Redis takes no heartbeats: nobody can tell who is at work.
    assert {rows[name][0] for name in ("worker", "sender", "clock")} == {"unknown"}
    assert "Opt-out requests 3 " in words(page)


def test_records_that_hang_are_unknown_and_who_was_there_stays(viewer, services) -> None:
    """As a database that is stopped, and answers nothing for ever."""
    count(services, "opt_out", 3)
    assert viewer.get("/console/").status_code == 200
    answers = threading.Event()
    database = type(services.records.database)
    reading = database.reading

    def hangs(self):
        assert answers.wait(30)
        return reading(self)

    with pytest.MonkeyPatch.context() as patch, brief(viewer, "records", "archiver"):
        patch.setattr(database, "reading", hangs)
        page = viewer.get("/console/")
        assert "No answer within" in words(page)
        assert rows_of(page)["records"][0].startswith("The records cannot be used")
        assert "Opt-out requests 3 " in words(page)
        assert rows_of(page)["store"][0] == "operational"
        again = viewer.get("/console/")
        assert re.search(r"No answer for \d+ s", words(again))
        answers.set()
    assert wait_until(lambda: "question" not in {one.name for one in threading.enumerate()})
    assert wait_until(lambda: "The records" not in str(needs_of(viewer.get("/console/"))))


def test_a_stopped_sender_stands_at_the_top(viewer, services, redis_client) -> None:
    redis_client.config_set("appendfsync", "everysec")
    review(services)
    for kind in ("web", "worker", "clock"):
        services.store.heartbeats.beat(heartbeat(kind), forgotten_s=60)
    page = viewer.get("/console/")
    tone, first = needs_of(page)[0]
    assert (tone, "No sender is running" in first) == ("bad", True)
    assert "after five minutes they are no longer sent" in first
    assert "Start a sender. Details smsgate run sender" in words(page)
    assert next(iter(rows_of(page))) == "sender"
    assert rows_of(page)["sender"][0].startswith("No sender is running")
