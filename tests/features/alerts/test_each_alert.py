"""Each condition, brought about for real, reaches a person with what to do about it."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec
import pytest
import yaml

from smsgate.consent.reviews import REVIEW_DEADLINE_US
from smsgate.domain.messages import REPLY_WINDOW_US, Intent, Reply
from smsgate.features.alerts import service
from smsgate.features.alerts.service import AlertService
from smsgate.metrics.snapshot import DeliveryCounts, OptOutListState
from smsgate.monitoring.conditions import (
    MAX_DELIVERY_AGE_S,
    MAX_HOLD_AGE_S,
    MAX_INBOX_AGE_S,
    MAX_OPT_OUT_LIST_FAILING_S,
    MAX_OUTBOX_AGE_S,
    MAX_RECORDS_LAG_S,
    MAX_REFUSED_REQUESTS,
    TABLE,
)
from smsgate.notifications import Message
from smsgate.store.account_requests import RefusedRequest
from smsgate.store.keys import PARTITION_KEYS, partition_of
from smsgate.store.shared_keys import shared_key
from tests.fakes.own_services import ALERTS, all_at_work, heartbeat, make_services
from tests.fakes.values import NUMBER, entry, failed_reply, spool_depth
from tests.monitoring.test_alert_rules import DOCS

KEYS = PARTITION_KEYS[partition_of(NUMBER)]


def ago(seconds: float) -> str:
    """An id of a stream from so long ago."""
    return f"{int((time.time() - seconds) * 1000)}-1"


def old_inbox(services, redis) -> None:
    row = {"e": msgspec.json.encode(entry(Intent.HELP)), "s": "0"}
    redis.xadd(KEYS.inbox, row, id=ago(MAX_INBOX_AGE_S + 5))


def old_hold(services, redis) -> None:
    redis.hset(KEYS.holds, f"all:{NUMBER}", ago(MAX_HOLD_AGE_S + 5))


def old_reply(services, redis) -> None:
    """Which is tried again in a minute."""
    deadline_us = int((time.time() - MAX_OUTBOX_AGE_S - 5) * 1_000_000) + REPLY_WINDOW_US
    reply = Reply("1-1-0", "opt_out", "twilio", NUMBER, "+14155550999", "alerts", "t", deadline_us)
    redis.hset(KEYS.replies, reply.id, msgspec.json.encode(reply))
    redis.zadd(KEYS.outbox, {reply.id: (time.time() + 60) * 1000})


def no_clock(services, redis) -> None:
    services.store.heartbeats.withdraw("clock on host-1")


def no_web(services, redis) -> None:
    services.store.heartbeats.withdraw("web on host-1")


def no_worker(services, redis) -> None:
    """Which is told instead of what waits for one."""
    services.store.heartbeats.withdraw("worker on host-1")
    old_inbox(services, redis)
    old_hold(services, redis)


def no_sender(services, redis) -> None:
    services.store.heartbeats.withdraw("sender on host-1")
    old_reply(services, redis)
    old_delivery(services, redis)


def replies_not_accepted(services, redis) -> None:
    """From the first attempt on."""
    deadline_us = int(time.time() * 1_000_000) + REPLY_WINDOW_US
    reply = Reply("1-1-0", "opt_out", "twilio", NUMBER, "+14155550999", "alerts", "t", deadline_us)
    reply = msgspec.structs.replace(reply, problem="Twilio answered 500")
    redis.hset(KEYS.replies, reply.id, msgspec.json.encode(reply))
    redis.zadd(KEYS.outbox, {reply.id: (time.time() + 60) * 1000})


def old_review(services, redis) -> None:
    redis.hset(KEYS.reviews, f"alerts:{NUMBER}", ago(REVIEW_DEADLINE_US / 2_000_000 + 60))


def dead_letter(services, redis) -> None:
    redis.hset(KEYS.dead, "1-1-0", failed_reply())


def old_delivery(services, redis) -> None:
    made_us = int((time.time() - MAX_DELIVERY_AGE_S - 5) * 1_000_000)
    services.store.delivery_counts.write(DeliveryCounts(1, 0, made_us))


def failed_delivery(services, redis) -> None:
    services.store.delivery_counts.write(DeliveryCounts(failed=1))


def spool(services, redis) -> None:
    services.store.backlog.note_spool(spool_depth("web-2", 3, 60.0))


def unusable(services, redis) -> None:
    services.store.backlog.note_spool(spool_depth("web-2", 0, 0.0, "it cannot be written"))


def lag(services, redis) -> None:
    redis.xadd(KEYS.ledger, {"e": "{}"}, id=ago(MAX_RECORDS_LAG_S + 5))


def records_away(services, redis) -> None:
    """Nothing happens meanwhile, so nothing waits for them."""
    services.records.close()
    (services.settings.data_dir / "records.sqlite3").write_bytes(b"no database" * 1000)


def memory(services, redis) -> None:
    redis.config_set("maxmemory", int(redis.info("memory")["used_memory"] / 0.7))


def silent(services, redis) -> None:
    redis.hset(shared_key("accepted", "twilio"), "newest", int((time.time() - 7300) * 1000))


def burst(services, redis) -> None:
    for place in range(MAX_REFUSED_REQUESTS):
        services.store.quarantine.add("twilio", RefusedRequest(f"p{place}", "f", "POST", "u"))


def lost_opt_out(services, redis) -> None:
    services.store.acceptance.note_unblocked("twilio", "tel:anonymous")


def failing_opt_out_list(services, redis) -> None:
    since_us = int((time.time() - MAX_OPT_OUT_LIST_FAILING_S - 5) * 1_000_000)
    state = OptOutListState(problem="Twilio answered 401", failing_since_us=since_us)
    services.store.opt_out_lists.write(state, "twilio")


def refused_writes(services, redis) -> None:
    redis.config_set("maxmemory", 1)


def lost_store(services, redis) -> None:
    redis.delete(*[keys.metadata for keys in PARTITION_KEYS])


def shut_gate(services, redis) -> None:
    for keys in PARTITION_KEYS:
        redis.hset(keys.metadata, "lease", int((time.time() - 60) * 1000))


def weak(services, redis) -> None:
    redis.config_set("appendfsync", "everysec")


def mixed_versions(services, redis) -> None:
    before = services.store.health.now_us() - 61_000_000
    for version in ("v1", "v2"):
        one = heartbeat("worker", f"host-{version}", started_us=before)
        services.store.heartbeats.beat(msgspec.structs.replace(one, version=version))


def changed_file(services, redis) -> None:
    services.store.heartbeats.beat(heartbeat("web", changed=("config/smsgate.toml",)))


def unusable_content(services, redis) -> None:
    services.store.heartbeats.beat(heartbeat("web", problem="console keywords/en.toml: is no TOML"))


BROUGHT_ABOUT: dict[str, Callable[..., None]] = {
    "SmsgateStoreRefusesWrites": refused_writes,
    "SmsgateGateShut": shut_gate,
    "SmsgateStoreLost": lost_store,
    "SmsgateInboxStuck": old_inbox,
    "SmsgateHoldStuck": old_hold,
    "SmsgateOutboxStuck": old_reply,
    "SmsgateRepliesNotAccepted": replies_not_accepted,
    "SmsgateAway": no_web,
    "SmsgateWorkerAway": no_worker,
    "SmsgateSenderAway": no_sender,
    "SmsgateClockAway": no_clock,
    "SmsgateReviewsOld": old_review,
    "SmsgateDeadLetters": dead_letter,
    "SmsgateDeliveriesStuck": old_delivery,
    "SmsgateDeliveriesFailed": failed_delivery,
    "SmsgateSpool": spool,
    "SmsgateSpoolUnusable": unusable,
    "SmsgateNotReady": records_away,
    "SmsgateRecordsLag": lag,
    "SmsgateLedgerFull": memory,
    "SmsgateAccountSilent": silent,
    "SmsgateRefusedBurst": burst,
    "SmsgateOptOutsBlockedNobody": lost_opt_out,
    "SmsgateOptOutListFails": failing_opt_out_list,
    "SmsgateVersionsDiffer": mixed_versions,
    "SmsgateFilesNotLoaded": changed_file,
    "SmsgateContentNotTaken": unusable_content,
    "SmsgateWeakDurability": weak,
}


def test_every_rule_that_the_clock_tells_is_brought_about_here():
    rules = yaml.safe_load((DOCS / "alerts.yml").read_text(encoding="utf-8"))["groups"][0]["rules"]
    elsewhere = {"SmsgateConfirmationsSlow", "SmsgateAlertsFail"}  # test_service.py
    elsewhere |= {"SmsgateAccountWithoutSecret"}  # console/test_setup.py of accounts
    assert {one["alert"] for one in rules} - elsewhere == BROUGHT_ABOUT.keys()


@pytest.mark.parametrize("name", BROUGHT_ABOUT)
def test_it_is_told_with_its_severity_and_what_to_do(
    tmp_path, redis_url, redis_client, name, monkeypatch
) -> None:
    sent: list[Message] = []
    monkeypatch.setattr(service, "send", lambda _, message: sent.append(message) or "")
    toml = ALERTS.replace("[programs", "silent_hours = 2\nopt_out_list = true\n\n[programs", 1)
    services = make_services(tmp_path, redis_url, toml + '[alerts]\nto = ["slack://a/b/c"]\n')
    all_at_work(services.store)
    services.records.migrate()
    services.store.acceptance.note("twilio", newest=True, several=False)
    parts = services.store, services.settings, services.monitor, services.records
    alerting = AlertService(*parts)
    alerting.check()
    alerting.check()
    assert sent == [], "quiet while all is well"

    BROUGHT_ABOUT[name](services, redis_client)
    alerting.check()
    alerting.check()
    redis_client.config_set("maxmemory", 0)
    services.close()

    (message,) = sent
    kinds = {"page": "failure", "ticket": "warning"}
    of_name = [kind for kind in TABLE.values() if kind.name == name]
    assert message.kind in {kinds[kind.severity] for kind in of_name}
    assert any(kind.text in message.body for kind in of_name)
    assert "\nTo do: " in message.body
    assert NUMBER not in message.title + message.body
