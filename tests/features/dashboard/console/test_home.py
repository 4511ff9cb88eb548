"""Home: what needs a person, today, and the days before."""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from smsgate.domain.messages import Arrival, Decision, Entry, Intent
from smsgate.features.dashboard import statistics
from smsgate.features.dashboard.statistics import keep_counts, kept_counts
from smsgate.metrics.counters import MESSAGES, REPLIES
from smsgate.monitoring.deadlines import Deadline
from smsgate.store.connection import open_redis
from tests.fakes.browser import Browser
from tests.fakes.own_services import heartbeat
from tests.fakes.pages import HTMX
from tests.fakes.processes import wait_until
from tests.fakes.refused_writes import CAUSES


def words(answer) -> str:
    assert answer.status_code == 200, answer.text
    text = re.sub(r"<rect.*?</rect>", " ", answer.text, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def count(services, intent: str, times: int = 1) -> None:
    services.store.metrics.count(MESSAGES, "twilio", intent, times=times)
    services.store.metrics.flush()


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
    services.store.metrics.count(REPLIES, "twilio", "opt_out", "sent", times=3)
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
    keep_counts(
        services.records.database, {ago(3): {"texts": 1_234, "opt_outs": 5}, ago(40): {"texts": 9}}
    )
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


@pytest.mark.parametrize("outcome", ["late", "refused", "unknown"])
def test_a_confirmation_that_nobody_can_vouch_for_is_missed(viewer, services, outcome) -> None:
    metrics = services.store.metrics
    metrics.count(REPLIES, "twilio", "opt_out", outcome, times=6)
    metrics.count(REPLIES, "twilio", "help", outcome)
    # The provider has the opt-out and tells the subscriber itself; a START came meanwhile.
    for settled in ("opted_out", "superseded"):
        metrics.count(REPLIES, "twilio", "opt_out", settled)
    metrics.flush()
    assert "Confirmations missed 6 " in words(viewer.get("/console/"))


# --- counting -----------------------------------------------------------------------------------


def test_the_sums_of_a_day_outlive_the_store(viewer, services, redis_client) -> None:
    count(services, "opt_out", 9)
    statistics.save_counts(services.store, services.records)
    redis_client.flushall()
    services.store.metadata.create(buckets=8)
    count(services, "opt_out", 2)
    statistics.save_counts(services.store, services.records)
    assert kept_counts(services.records.database, ago(0))[ago(0)]["opt_outs"] == 9
    assert "Opt-out requests 9 " in words(viewer.get("/console/"))
    count(services, "opt_out", 9)
    statistics.save_counts(services.store, services.records)
    assert kept_counts(services.records.database, ago(0))[ago(0)]["opt_outs"] == 11


def test_the_keeper_puts_them_into_the_records(services) -> None:
    from workers.threads import record_threads

    count(services, "opt_in", 3)
    record_threads(services.archiver, services.forgetting)[1].run_once()
    assert kept_counts(services.records.database, ago(0))[ago(0)]["opt_ins"] == 3


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
    assert "Confirmations missed unknown " in said


@contextmanager
def brief(someone: Browser, *names: str) -> Iterator[None]:
    """Its pages wait half a second for these; a busy machine may take longer to ask the others."""
    auth = someone.application.extensions["smsgate_applications"]["console"]().extensions[
        "smsgate_auth"
    ]
    with pytest.MonkeyPatch.context() as patch:
        for name in names:
            patch.setattr(auth.deadlines, name, Deadline(0.5))
        if "records" in names:
            patch.setattr(auth.sessions, "_deadline", Deadline(0.5))
        yield


def test_a_redis_that_hangs_is_unknown_and_holds_up_no_page(viewer, services, redis_server) -> None:
    keep_counts(services.records.database, {ago(1): {"texts": 1_111}})
    viewer.get("/console/")  # makes the application, whose deadlines are cut
    with stopped(redis_server), brief(viewer, "store", "queue", "archiver"):
        page = viewer.get("/console/")
        shows_nothing_of_the_store(page)
        assert "No answer " in words(page)  # Redis itself is waited for twice as long
        assert ": 1,111</title>" in page.text
        assert "today: unknown</title>" in page.text
        assert len(re.findall(r'<td [^>]*class="count"[^>]*>unknown</td>', page.text)) == 7
        shows_nothing_of_the_store(viewer.get("/console/home/now", headers=HTMX))
    assert wait_until(lambda: "The store" not in str(needs_of(viewer.get("/console/"))))


def test_a_queue_of_its_own_that_is_gone_is_told_alone(viewer, services, monkeypatch) -> None:
    refused = open_redis("redis://127.0.0.1:1/0").connection_pool
    monkeypatch.setattr(services.job_queue.redis, "connection_pool", refused)
    page = viewer.get("/console/")
    assert needs_of(page)[0][1].startswith("The job queue is away: opt-outs block, but")
    assert "The queue cannot be used: " in words(page)
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
        assert "Opt-out requests 3 " in words(page)
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
