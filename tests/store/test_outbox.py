"""The outbox: a reply is claimed by one sender, and never sent by a second one."""

from __future__ import annotations

import msgspec
import pytest

from smsgate.consent.events import ConsentState, Event
from smsgate.domain.errors import StoreUnavailable
from smsgate.domain.messages import Arrival, Reply
from smsgate.store.keys import PARTITION_KEYS, partition_of
from smsgate.store.numbers import Effects
from smsgate.store.outbox import LEASE_MS
from tests.fakes.contents import contents
from tests.fakes.values import NUMBER, entry

PARTITION = partition_of(NUMBER)
KEYS = PARTITION_KEYS[PARTITION]
EVENT = Event(id="e1", kind="reply", outcome="sent", number=NUMBER)


def reply(id_: str) -> Reply:
    return Reply(
        id=id_,
        kind="opt_out",
        account="twilio",
        number=NUMBER,
        sender="+14155550999",
        program="alerts",
        text="bye",
        deadline_us=10,
    )


def put(store, *replies):
    """Replies with the times (us) at which they are due."""
    store.inbox.add([Arrival(entry())])
    batch = store.inbox.read(PARTITION, 100)
    effects = Effects({NUMBER: ConsentState()}, {NUMBER: ConsentState()}, replies=replies)
    return store.commits.commit(PARTITION, batch, effects, 8)


def test_replies_are_claimed_in_the_order_in_which_they_are_due(store):
    put(store, (reply("2-0"), 2_000), (reply("1-0"), 1_000))

    assert [store.outbox.claim(PARTITION).reply.id for _ in range(2)] == ["1-0", "2-0"]
    assert store.outbox.claim(PARTITION) is None


def test_what_is_not_due_is_not_claimed(store, redis_client):
    seconds, _ = redis_client.time()
    put(store, (reply("1-0"), (seconds + 60) * 1_000_000))

    assert store.outbox.claim(PARTITION) is None


def test_a_reply_that_is_done_leaves_an_event_and_nothing_else(store, redis_client):
    put(store, (reply("1-0"), 0))
    claim = store.outbox.claim(PARTITION)

    assert store.outbox.done(claim, EVENT) == (True, None)
    assert store.outbox.done(claim, EVENT) == (False, None)
    assert store.unsent_replies.pending() == (0, [])
    assert store.outbox.depth(PARTITION) == 0
    assert redis_client.exists(KEYS.claims, KEYS.replies) == 0
    assert list(store.ledger_reader.of_partition(PARTITION)) == [EVENT]


def test_a_reply_that_is_tried_again_waits_until_it_is_due(store, redis_client):
    put(store, (reply("1-0"), 0))
    claim = store.outbox.claim(PARTITION)
    seconds, _ = redis_client.time()
    later = msgspec.structs.replace(claim.reply, tries=1)
    store.outbox.put_back(claim, later, (seconds + 60) * 1_000_000)
    assert store.outbox.claim(PARTITION) is None

    redis_client.zadd(KEYS.outbox, {"1-0": 0})
    again = store.outbox.claim(PARTITION)
    assert again.reply.tries == 1
    assert not again.abandoned


def test_the_reply_of_a_sender_that_died_is_said_to_be_abandoned(store, redis_client):
    put(store, (reply("1-0"), 0))
    lost = store.outbox.claim(PARTITION)
    due = int(redis_client.zscore(KEYS.outbox, "1-0"))
    assert due == lost.now_us // 1000 + LEASE_MS

    redis_client.zadd(KEYS.outbox, {"1-0": 0})
    found = store.outbox.claim(PARTITION)
    assert found.abandoned
    assert store.outbox.done(lost, EVENT) == (False, None)
    assert store.outbox.done(found, EVENT) == (True, None)


def test_a_job_for_the_outbox_is_asked_for_until_nothing_is_due(store, redis_client):
    assert put(store, (reply("1-0"), 0)).notify_outbox
    assert not put(store, (reply("2-0"), 0)).notify_outbox

    while (claim := store.outbox.claim(PARTITION)) is not None:
        store.outbox.done(claim, EVENT)
    assert put(store, (reply("3-0"), 0)).notify_outbox


@pytest.mark.parametrize("broken", ["outbox", "replies", "claims", "ledger"])
def test_a_key_of_the_wrong_type_settles_nothing(store, redis_client, broken):
    put(store, (reply("1-0"), 0))
    claim = store.outbox.claim(PARTITION)
    redis_client.delete(getattr(KEYS, broken))
    redis_client.rpush(getattr(KEYS, broken), "a list")
    before = contents(redis_client)

    with pytest.raises(StoreUnavailable):
        store.outbox.done(claim, EVENT)
    assert contents(redis_client) == before


def test_a_claim_whose_answer_was_lost_is_given_again(store, monkeypatch):
    put(store, (reply("1-0"), 0), (reply("2-0"), 0))
    monkeypatch.setattr("smsgate.store.outbox.token_hex", lambda _: "the same token")
    first, again = store.outbox.claim(PARTITION), store.outbox.claim(PARTITION)

    assert first.reply.id == again.reply.id == "1-0"
    assert not again.abandoned
