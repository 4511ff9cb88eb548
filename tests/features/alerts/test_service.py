"""Each address is told of what lasts, each day again, and that it is over; so is a failure."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from unittest.mock import Mock

import pytest
from structlog.testing import capture_logs

from smsgate.api_keys import Caller
from smsgate.domain.errors import NotFound, RecordsUnavailable, StoreUnavailable
from smsgate.features.alerts import service
from smsgate.features.alerts.service import AlertService
from smsgate.features.replies.operations import (
    ReplyQuery,
    dismiss_reply,
    list_replies,
    retry_reply,
)
from smsgate.interface.operation import Context
from smsgate.interface.schemas import RowChoice
from smsgate.monitoring.conditions import REVIEW_DEADLINE_S, conditions
from smsgate.monitoring.monitor import take_snapshot
from smsgate.records import chain_digest
from smsgate.settings import Alerts
from smsgate.store.keys import PARTITION_KEYS
from smsgate.store.shared_keys import shared_key
from tests.fakes import manual
from tests.fakes.own_services import ALERTS, all_at_work, make_services
from tests.fakes.told import work
from tests.fakes.values import NUMBER, failed_reply, spool_depth

FAILED, UNREACHED = "1 reply failed at twilio: 30007", "Alerts do not reach the address slack 1"
DIGEST = "digest of the records"
TWO = '[alerts]\nto = ["slack://a/b/c", "${MAIL}"]\n'


@pytest.fixture
def services(tmp_path, redis_url):
    environ = {"MAIL": "mailtos://u:p@h", "SMSGATE_PUBLIC_URL": "https://sms.example.com"}
    made = make_services(tmp_path, redis_url, ALERTS + TWO, **environ)
    all_at_work(made.store)
    made.records.migrate()
    yield made
    made.close()


class Apprise:
    """Keeps what each service was sent, or fails."""

    def __init__(self) -> None:
        self.sent, self.problems = [], {}
        self.most = 1_000_000
        """How many a service takes before it hangs."""

    def send(self, url, message):
        scheme = url.get_secret_value().partition(":")[0]
        if problem := self.problems.get(scheme):
            return problem
        if len(self.titles(scheme)) >= self.most or "web-3" in message.title + message.body:
            return "there was no answer within 30 s"
        self.sent.append((scheme, message))
        return ""

    def titles(self, wanted: str = "slack") -> list[str]:
        host = "smsgate at sms.example.com: "
        return [one.title.removeprefix(host) for scheme, one in self.sent if scheme == wanted]


@pytest.fixture
def apprise(monkeypatch) -> Apprise:
    made = Apprise()
    monkeypatch.setattr(service, "send", made.send)
    return made


@pytest.fixture
def later(monkeypatch):
    """Lets time pass for alerts alone."""

    def pass_(seconds: float) -> None:
        now = time.time() + seconds
        monkeypatch.setattr("smsgate.features.alerts.service.time.time", lambda: now)

    return pass_


def alerting(services) -> AlertService:
    return AlertService(services.store, services.settings, services.monitor, services.records)


def check(*alerting, times=2) -> None:
    for _ in range(times):
        for one in alerting:
            one.check()


def give_up(redis_client) -> None:
    redis_client.hset(PARTITION_KEYS[1].dead, "1-1-0", failed_reply())


def mend(redis_client) -> None:
    redis_client.delete(PARTITION_KEYS[1].dead)


def test_a_condition_is_told_when_it_lasts_each_day_and_when_it_is_over(
    services, apprise, redis_client, later
):
    one = alerting(services)
    give_up(redis_client)
    check(one, times=1)
    assert apprise.sent == []
    check(one, times=3)
    assert apprise.titles() == apprise.titles("mailtos") == [FAILED]
    (_, message), *_ = apprise.sent
    assert message.kind == "warning"
    assert message.body.startswith("Retry or dismiss them.\nTo do: `smsgate replies list")
    assert message.body.splitlines()[-1].startswith("https://sms.example.com/console/replies")
    later(24 * 3600 + 60)
    check(one)
    assert apprise.titles()[1:] == [f"{FAILED} (for 24 h)"]
    mend(redis_client)
    check(one, times=3)
    assert apprise.titles()[2:] == [f"Over after 24 h: {FAILED}"]
    assert apprise.sent[-1][1].kind == "success"
    give_up(redis_client)
    check(one)
    assert apprise.titles()[3:] == [FAILED]


def test_a_failed_reply_that_cannot_be_read_is_told_and_hides_no_other_alert(
    services, apprise, redis_client
):
    """As what a newer version wrote. It is in the list of failed replies, to dismiss."""
    one = alerting(services)
    redis_client.hset(PARTITION_KEYS[1].dead, "1-1-0", b'{"reply": 1}')
    redis_client.config_set("appendfsync", "everysec")
    check(one)
    assert sorted(apprise.titles()) == [
        "1 reply failed at unknown: it cannot be read",
        "Redis is configured so that it can lose acknowledged writes",
    ]
    context = Context(Caller("ana", "admin"), is_person=True)
    (row,) = list_replies.run(context, ReplyQuery(state="failed"), services.store).items
    assert (row.id, row.problem, row.can_retry) == ("1-1-0", "it cannot be read", False)
    with pytest.raises(NotFound):
        retry_reply.run(context, RowChoice(row.id), services.store, services.job_queue)
    dismiss_reply.run(context, RowChoice(row.id), services.store)
    services.archiver.move_all()
    check(one)
    assert apprise.titles()[-1].startswith("Over after")


def test_of_two_clocks_one_tells_and_the_other_goes_on_where_it_ended(
    services, apprise, redis_client, monkeypatch
):
    one, other = alerting(services), alerting(services)
    monkeypatch.setattr(other, "_clock", "another:1")
    give_up(redis_client)
    check(one, other)
    assert apprise.titles() == [FAILED]
    redis_client.delete(shared_key("alert-lease"))
    check(other, one)
    assert apprise.titles() == [FAILED]
    mend(redis_client)
    check(other, one)
    (over,) = apprise.titles()[1:]
    assert re.fullmatch(rf"Over after \d+ s: {re.escape(FAILED)}", over)


def test_a_channel_that_is_down_gets_each_alert_once_it_is_up_and_is_a_condition_meanwhile(
    services, apprise, redis_client
):
    apprise.problems["slack"] = "A Connection error occurred posting to Slack."
    one = alerting(services)
    give_up(redis_client)
    with capture_logs() as lines:
        check(one, times=20)  # five minutes
    assert [[*line["problems"]] for line in lines] == [["slack 1"]]
    assert apprise.titles() == []
    assert apprise.titles("mailtos") == [FAILED, UNREACHED]
    (failing,) = (
        found
        for found in conditions(take_snapshot(services.store, services.settings))
        if found.name == "SmsgateAlertsFail"
    )
    assert failing.title == UNREACHED
    assert failing.text.startswith("A Connection error occurred posting to Slack. ")
    apprise.problems.clear()
    check(one, times=3)
    assert apprise.titles() == [FAILED]
    assert apprise.titles("mailtos")[2].endswith(f": {UNREACHED}")
    assert not take_snapshot(services.store, services.settings).alert_failures


def test_of_many_conditions_each_is_told_once_though_a_service_hangs_or_refuses_one(
    services, apprise, redis_client
):
    one = alerting(services)
    for number in range(15):
        unusable = spool_depth(f"web-{number}", problem="it cannot be written")
        services.store.backlog.note_spool(unusable)
    apprise.most = 4
    check(one, times=3)
    assert len(apprise.titles()) == 4
    apprise.most = 100
    check(one, times=4)
    told = [title for title in apprise.titles() if "web-" in title]
    assert len(told) == len({*told}) == 14


def test_how_long_it_lasted_counts_no_time_in_which_nobody_could_be_told(
    services, apprise, redis_client, later
):
    one = alerting(services)
    give_up(redis_client)
    check(one)
    mend(redis_client)
    later(120)
    apprise.problems["slack"] = "away"
    check(one, times=3)
    later(3600)
    apprise.problems.clear()
    check(one)
    assert f"Over after 2 min: {FAILED}" in apprise.titles()


def test_a_store_that_is_away_is_told_once_and_that_it_is_back(services, apprise, monkeypatch):
    away = Mock(side_effect=StoreUnavailable("the store cannot be used"))
    one = alerting(services)
    apprise.problems["mailtos"] = "away"
    with monkeypatch.context() as broken:
        broken.setattr(services.store.ledger_reader, "waiting", away)
        check(one, times=1)
        assert apprise.sent == []
        check(one, times=2)
        apprise.problems.clear()
        check(one)
    check(one)
    for scheme in ("slack", "mailtos"):
        begins, ends = apprise.titles(scheme)
        assert begins.startswith("The store is away: nobody can be texted")
        assert ends.endswith(f": {begins}")


def test_a_warning_that_becomes_a_failure_is_told_at_once(services, apprise, redis_client):
    one = alerting(services)
    for share in (0.6, 1.1):
        at_ms = int((time.time() - share * REVIEW_DEADLINE_S) * 1000)
        redis_client.hset(PARTITION_KEYS[1].reviews, f"alerts:{NUMBER}", f"{at_ms}-1")
        check(one, times=3)
    assert [message.kind for scheme, message in apprise.sent if scheme == "slack"] == [
        "warning",
        "failure",
    ]


def test_what_an_address_of_before_was_told_is_forgotten(
    services, apprise, redis_client, tmp_path, redis_url
):
    give_up(redis_client)
    check(alerting(services))
    assert len(services.store.alert_state.read().sent) == 2
    one_left = replace(services.settings, alerts=Alerts(services.settings.alerts.to[1:]))
    redis_client.delete(shared_key("alert-lease"))
    check(AlertService(services.store, one_left, services.monitor, services.records))
    assert len(services.store.alert_state.read().sent) == 1


def test_no_address_is_shown_or_stored(services, apprise, redis_client):
    give_up(redis_client)
    check(alerting(services))
    kept = redis_client.get("smsgate:alerts").decode()
    for secret in ("slack://", "u:p@h"):
        assert secret not in repr(services.settings) + kept


def keep_a_record(services) -> str:
    """Gives the digest."""
    manual.opt_out(services, NUMBER, "all", "ana", "by phone")
    work(services)
    services.archiver.move_all()
    return chain_digest(services.records.reader.heads())


def test_the_digest_of_the_records_is_logged_and_sent_once_a_day(
    services, apprise, later, monkeypatch
):
    one, other = alerting(services), alerting(services)
    monkeypatch.setattr(other, "_clock", "another:1")
    apprise.problems["slack"] = "away"
    digest = keep_a_record(services)
    with capture_logs() as lines:
        check(one, other, times=3)
    assert [line["digest"] for line in lines if "digest" in line] == [digest]
    assert apprise.titles("mailtos") == [DIGEST, UNREACHED]
    assert digest in apprise.sent[0][1].body
    apprise.problems.clear()
    check(one, other)
    assert apprise.titles() == [DIGEST]
    later(24 * 3600 + 60)
    check(one, other)
    assert [apprise.titles(to).count(DIGEST) for to in ("slack", "mailtos")] == [2, 2]


def test_a_digest_that_cannot_be_read_is_told_later_that_day(services, apprise, monkeypatch):
    away = Mock(side_effect=RecordsUnavailable("no database"))
    one = alerting(services)
    keep_a_record(services)
    with monkeypatch.context() as broken:
        broken.setattr(services.records.reader, "heads", away)
        check(one)
    assert DIGEST not in apprise.titles()
    check(one)
    assert DIGEST in apprise.titles()
