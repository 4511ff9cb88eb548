"""What somebody is told, and from when on."""

from __future__ import annotations

from dataclasses import replace
from unittest.mock import Mock

import msgspec
import pytest
from msgspec.structs import replace as replace_struct

from smsgate.domain.errors import Obstacle, StoreUnavailable
from smsgate.metrics.snapshot import (
    KINDS,
    AccountTraffic,
    Backlog,
    OptOutListState,
    ProcessSnapshot,
    QueueDepth,
    RebuildProgress,
    SpoolDepth,
    SystemSnapshot,
    WaitingReplies,
)
from smsgate.monitoring.conditions import MANY, REVIEW_DEADLINE_S, conditions
from smsgate.monitoring.monitor import take_snapshot
from smsgate.store.keys import PARTITION_KEYS
from tests.fakes.own_services import heartbeat
from tests.fakes.values import NUMBER, failed_reply

NONE = QueueDepth(0, 0.0)
IDLE = Backlog(NONE, NONE, NONE, NONE, dead=0, clock=True)
ALL = ProcessSnapshot(1, tuple(heartbeat(kind) for kind in KINDS))
HEALTHY = SystemSnapshot(1_000_000.0, IDLE, NONE, 0.0, (), (), (), ALL)
HALF = REVIEW_DEADLINE_S / 2


def seen(**changed) -> SystemSnapshot:
    backlog = {key: changed.pop(key) for key in [*changed] if key in Backlog.__slots__}
    return replace(HEALTHY, backlog=replace(IDLE, **backlog), **changed)


def without(*kinds: str, **changed) -> SystemSnapshot:
    """As seen, where no process of these kinds runs."""
    running = tuple(one for one in ALL.running if one.name not in kinds)
    return seen(processes=ProcessSnapshot(1, running), **changed)


def account(**changed) -> SystemSnapshot:
    fields = {"accepted_s": 999_000.0, "silent_after_s": 0.0, "refused": 0} | changed
    return seen(accounts=(AccountTraffic("twilio", **fields),))


def failing(since_s: float) -> SystemSnapshot:
    """Where a provider's opt-out list cannot be compared."""
    status = OptOutListState(
        problem="Twilio answered 401: …", failing_since_us=int(since_s * 1_000_000)
    )
    return account(opt_out_list=status)


FULL, SHUT = Obstacle("Redis refuses writes", "more memory"), Obstacle("no write", "start web")


def said_by_web(**said):
    """A web process that says this of itself beside the others."""
    running = (*ALL.running, heartbeat("web", "host-2", **said))
    return seen(processes=ProcessSnapshot(1, running))


def mixed(seconds):
    """Processes that have run two versions for so long."""
    old, new = (replace_struct(heartbeat(kind), version=kind) for kind in ("web", "worker"))
    others = [one for one in ALL.running if one.name not in ("web", "worker")]
    now_us = seconds * 1_000_000
    return seen(processes=ProcessSnapshot(now_us, (old, new, *others)))


BOUNDS = [
    (seen(), seen(write_obstacle=FULL), "SmsgateStoreRefusesWrites"),
    (seen(), seen(gate_obstacle=SHUT), "SmsgateGateShut"),
    (seen(), seen(store_obstacle=SHUT), "SmsgateStoreLost"),
    (seen(inbox=QueueDepth(9, 29)), seen(inbox=QueueDepth(9, 31)), "SmsgateInboxStuck"),
    (seen(holds=QueueDepth(9, 59)), seen(holds=QueueDepth(9, 61)), "SmsgateHoldStuck"),
    (seen(outbox=QueueDepth(9, 59)), seen(outbox=QueueDepth(9, 61)), "SmsgateOutboxStuck"),
    (seen(clock=True), seen(clock=False), "SmsgateClockAway"),
    (seen(), without("clock", clock=False), "SmsgateClockAway"),
    (seen(), without("web"), "SmsgateAway"),
    (seen(), without("worker"), "SmsgateWorkerAway"),
    (seen(), without("sender"), "SmsgateSenderAway"),
    (seen(), without(*KINDS, clock=False), "SmsgateAway"),
    (seen(reviews=QueueDepth(1, HALF)), seen(reviews=QueueDepth(1, HALF + 1)), "SmsgateReviewsOld"),
    (mixed(59), mixed(61), "SmsgateVersionsDiffer"),
    (seen(), said_by_web(changed=("smsgate.toml",)), "SmsgateFilesNotLoaded"),
    (seen(), said_by_web(problem="is no TOML"), "SmsgateContentNotTaken"),
    (seen(dead=0), seen(dead=1), "SmsgateDeadLetters"),
    (failing(1_000_000.0 - 3_600), failing(1_000_000.0 - 3_601), "SmsgateOptOutListFails"),
    (
        seen(replies=(WaitingReplies("twilio", 1, 5, 295, ""),)),
        seen(replies=(WaitingReplies("twilio", 1, 5, 295, "Twilio answered 500"),)),
        "SmsgateRepliesNotAccepted",
    ),
    (
        seen(deliveries=QueueDepth(9, 599)),
        seen(deliveries=QueueDepth(9, 601)),
        "SmsgateDeliveriesStuck",
    ),
    (seen(deliveries_failed=0), seen(deliveries_failed=1), "SmsgateDeliveriesFailed"),
    (seen(ledger=QueueDepth(9, 59)), seen(ledger=QueueDepth(9, 61)), "SmsgateRecordsLag"),
    (
        seen(ledger=QueueDepth(MANY // 2 - 1, 1)),
        seen(ledger=QueueDepth(MANY // 2, 1)),
        "SmsgateLedgerFull",
    ),
    (seen(memory=0.59), seen(memory=0.6), "SmsgateLedgerFull"),
    (seen(), seen(alert_failures={"slack 1": "no answer"}), "SmsgateAlertsFail"),
    (
        seen(spools=(SpoolDepth("a", 0, 0, 0),)),
        seen(spools=(SpoolDepth("a", 1, 5, 0),)),
        "SmsgateSpool",
    ),
    (
        seen(spools=(SpoolDepth("a", 0, 0, 0),)),
        seen(spools=(SpoolDepth("a", 1, 5, 0, "it cannot be written"),)),
        "SmsgateSpoolUnusable",
    ),
    (account(silent_after_s=1_001.0), account(silent_after_s=999.0), "SmsgateAccountSilent"),
    (
        account(accepted_s=0.0),
        account(accepted_s=0.0, silent_after_s=9.0),
        "SmsgateAccountSilent",
    ),
    (account(refused=19), account(refused=20), "SmsgateRefusedBurst"),
    (account(), account(has_secret=False), "SmsgateAccountWithoutSecret"),
    (account(), account(unblocked=("ACME",)), "SmsgateOptOutsBlockedNobody"),
    (seen(), seen(weaknesses=("appendonly is off",)), "SmsgateWeakDurability"),
    (seen(), seen(weaknesses=("maxmemory-policy is not noeviction",)), "SmsgateNotReady"),
]
"""What is seen right before a condition begins, right after, and its name."""
HALF_AND_WHOLE = [
    (seen(reviews=QueueDepth(1, HALF + 1)), seen(reviews=QueueDepth(1, 2 * HALF + 1))),
    (seen(ledger=QueueDepth(MANY // 2, 1)), seen(ledger=QueueDepth(MANY, 1))),
    (seen(memory=0.7), seen(memory=0.8)),
]
"""What is seen near a bound, and beyond it."""


@pytest.mark.parametrize(("quiet", "loud", "name"), BOUNDS)
def test_a_condition_is_told_from_its_bound_on_with_what_mends_it(quiet, loud, name):
    assert conditions(quiet) == []
    (one,) = conditions(loud)
    assert one.name == name
    assert one.title
    assert one.text.endswith(".")
    assert one.command
    assert "{" not in one.title + one.text + one.command


def test_where_redis_refuses_writes_that_alone_is_told_with_its_remedy():
    """Nobody can give a heartbeat then, and nothing that waits can be done."""
    waiting = {
        "inbox": QueueDepth(9, 100),
        "outbox": QueueDepth(9, 100),
        "ledger": QueueDepth(9, 100),
    }
    (one,) = conditions(
        seen(
            processes=None,
            clock=False,
            write_obstacle=FULL,
            gate_obstacle=SHUT,
            memory=1.0,
            **waiting,
        )
    )
    assert (one.name, one.subject, one.command) == (
        "SmsgateStoreRefusesWrites",
        "store",
        FULL.remedy,
    )


def test_that_the_store_is_rebuilt_is_told_alone_and_how_far_it_has_come():
    """Nothing that waits can be done meanwhile, and the clock does nothing else."""
    waiting = {
        "inbox": QueueDepth(9, 100),
        "holds": QueueDepth(9, 100),
        "ledger": QueueDepth(9, 100),
    }
    progress = RebuildProgress("the store is empty", "numbers", 120_000, 1_000_000)
    (one,) = conditions(
        seen(store_obstacle=SHUT, gate_obstacle=SHUT, rebuild=progress, clock=False, **waiting)
    )
    assert "nobody can be texted until it is ready" in one.title
    assert one.text.startswith(
        "Store lost, rebuilding (the store is empty): 120,000 of 1,000,000 numbers so far. "
    )
    assert one.command == "wait until it is done"

    asked = msgspec.structs.replace(progress, why="", what="messages", total=0)
    (one,) = conditions(seen(store_obstacle=SHUT, rebuild=asked))
    assert one.text.startswith("Rebuilding the store: 120,000 messages so far.")

    without_clock = conditions(without("clock", store_obstacle=SHUT, clock=False))
    assert [one.name for one in without_clock] == ["SmsgateStoreLost", "SmsgateClockAway"]


def test_without_web_and_clock_that_is_told_and_not_that_nobody_renews_the_lease():
    assert [one.name for one in conditions(without("web", "clock", gate_obstacle=SHUT))] == [
        "SmsgateAway",
        "SmsgateClockAway",
    ]
    assert {one.name for one in conditions(without("clock", gate_obstacle=SHUT))} == {
        "SmsgateGateShut",
        "SmsgateClockAway",
    }


@pytest.mark.parametrize(
    ("kind", "waiting"),
    [
        ("worker", {"inbox": QueueDepth(9, 100), "holds": QueueDepth(9, 100)}),
        ("sender", {"outbox": QueueDepth(9, 100), "deliveries": QueueDepth(9, 1000)}),
        ("clock", {"ledger": QueueDepth(9, 100), "clock": False}),
    ],
)
def test_that_no_process_is_there_is_told_once_and_not_for_all_that_waits_for_it(kind, waiting):
    (one,) = conditions(without(kind, **waiting))
    assert (one.subject, one.is_failure) == (kind, True)
    assert one.command == f"`smsgate run {kind}`"
    assert len(conditions(seen(**waiting))) == len([name for name in waiting if name != "holds"])


def test_reviews_past_their_deadline_and_a_ledger_that_is_full_are_faults():
    for half, whole in HALF_AND_WHOLE:
        assert [conditions(half)[0].is_failure, conditions(whole)[0].is_failure] == [False, True]


def test_opt_outs_that_blocked_nobody_name_the_account_and_the_newest_senders():
    (one,) = conditions(account(unblocked=("tel:anonymous", "ACME", "b", "c", "d")))
    assert one.title.startswith("Opt-outs to account twilio blocked nobody")
    assert "from 'tel:anonymous', 'ACME', 'b' and 2 more." in one.text


def test_failed_replies_name_account_and_error_and_no_number(services, redis_client):
    dead = {id_: failed_reply("twilio", f"30007: {NUMBER} is filtered") for id_ in "abc"}
    redis_client.hset(PARTITION_KEYS[1].dead, mapping=dead)
    told = {one.name: one for one in conditions(take_snapshot(services.store, services.settings))}
    assert told["SmsgateDeadLetters"].title == (
        "3 replies failed at twilio: 30007: +••• is filtered"
    )
    redis_client.hset(PARTITION_KEYS[2].dead, "d", failed_reply("sinch", "", "late"))
    told = {one.name: one for one in conditions(take_snapshot(services.store, services.settings))}
    assert told["SmsgateDeadLetters"].title == (
        "4 replies failed: 3 at twilio: 30007: +••• is filtered; 1 at sinch: late"
    )


def test_replies_that_are_not_accepted_are_told_at_once():
    """Not only when the oldest has waited for a minute."""
    waiting = (WaitingReplies("twilio", 2, 5.0, 295.0, "Twilio answered 500"),)
    (one,) = conditions(seen(outbox=QueueDepth(2, 5.0), replies=waiting))
    assert (one.name, one.severity) == ("SmsgateRepliesNotAccepted", "ticket")
    assert one.title == "Replies of account twilio are not accepted"
    assert "Twilio answered 500; 2 waiting, the first expires in 5 min" in one.text
    (one,) = conditions(seen(outbox=QueueDepth(2, 61.0), replies=waiting))
    assert one.name == "SmsgateOutboxStuck"
    assert "Twilio answered 500" in one.text


def test_a_redis_that_hangs_is_away_and_is_not_said_to_refuse_writes(services, monkeypatch):
    error = StoreUnavailable("the store cannot be used: Timeout reading from socket")
    hangs = Mock(side_effect=error)
    monkeypatch.setattr(services.store.write_lease, "refuse_unwritable", hangs)
    state = services.monitor.look()
    assert state.snapshot is None
    assert "Timeout reading from socket" in state.unusable["store"].text
    assert state.unusable["store"].title.startswith("The store is away")
