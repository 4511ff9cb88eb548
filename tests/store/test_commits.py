"""Commits: all effects of a batch, once, or none."""

from __future__ import annotations

import msgspec
import pytest

from smsgate.consent.events import ConsentState, Event, Mark, NumberState
from smsgate.domain.errors import StoreNotReady, StoreUnavailable
from smsgate.domain.messages import ALL, Arrival, Reply
from smsgate.store.keys import PARTITION_KEYS, hold_field, partition_of
from smsgate.store.numbers import KEEP_MARKS_S, Effects, Move
from tests.fakes.contents import contents
from tests.fakes.values import NUMBER, entry, set_key

PARTITION = partition_of(NUMBER)
KEYS = PARTITION_KEYS[PARTITION]
BUCKETS = 8
STATE = NumberState(marks={ALL: Mark(stops=True, event_time_us=5, account="twilio", id="5-0")})
EVENT = Event(id="e1", kind="opt_out", outcome="applied", number=NUMBER)
REPLY = Reply(
    id="5-0",
    kind="opt_out",
    account="twilio",
    number=NUMBER,
    sender="+14155550999",
    program="alerts",
    text="bye",
    deadline_us=10,
)
EFFECTS = Effects(
    before={
        NUMBER: ConsentState(opted_out=frozenset({"promos"}), exceptions=frozenset({"alerts"}))
    },
    after={NUMBER: ConsentState(everywhere=True, opted_out=frozenset({"alerts"}), state=STATE)},
    events=[EVENT],
    replies=[(REPLY, 3_000)],
    decided=[(hold_field("alerts", NUMBER), "2-0")],
)


@pytest.fixture
def batch(store, redis_client):
    redis_client.sadd(set_key(KEYS, "set", "promos", NUMBER, BUCKETS), NUMBER[1:])
    redis_client.sadd(set_key(KEYS, "exceptions", "alerts", NUMBER, BUCKETS), NUMBER[1:])
    redis_client.hset(KEYS.reviews, hold_field("alerts", NUMBER), "1-0")
    store.inbox.add([Arrival(entry())])
    return store.inbox.read(PARTITION, 10)


def test_a_commit_writes_sets_state_holds_events_replies_and_cursor(store, redis_client, batch):
    committed = store.commits.commit(PARTITION, batch, EFFECTS, BUCKETS)

    member = {NUMBER[1:].encode()}
    assert committed.done
    assert committed.notify_outbox
    assert redis_client.smembers(set_key(KEYS, "set", ALL, NUMBER, BUCKETS)) == member
    assert redis_client.object("encoding", set_key(KEYS, "set", ALL, NUMBER, BUCKETS)) == b"intset"
    assert redis_client.smembers(set_key(KEYS, "set", "alerts", NUMBER, BUCKETS)) == member
    assert redis_client.smembers(set_key(KEYS, "set", "promos", NUMBER, BUCKETS)) == set()
    assert redis_client.smembers(set_key(KEYS, "exceptions", "alerts", NUMBER, BUCKETS)) == set()
    assert msgspec.json.decode(redis_client.get(KEYS.number(NUMBER)), type=NumberState) == STATE
    assert KEEP_MARKS_S - 3600 < redis_client.ttl(KEYS.number(NUMBER)) <= KEEP_MARKS_S
    assert redis_client.hgetall(KEYS.holds) == {}
    assert redis_client.hgetall(KEYS.reviews) == {}
    assert list(store.ledger_reader.of_partition(PARTITION)) == [EVENT]
    assert [reply for _, reply in store.unsent_replies.pending()[1]] == [REPLY]
    assert redis_client.get(KEYS.cursor).decode() == batch.entries[-1].id
    assert len(store.inbox_reader.latest(PARTITION, 99)) == 0
    assert redis_client.exists(KEYS.notify_inbox)
    assert store.inbox.mark_idle(PARTITION)
    assert not redis_client.exists(KEYS.notify_inbox)


def test_two_workers_with_one_batch_have_one_effect(store, redis_client, batch):
    assert store.commits.commit(PARTITION, batch, EFFECTS, BUCKETS).done
    before = contents(redis_client)

    assert not store.commits.commit(PARTITION, batch, EFFECTS, BUCKETS).done
    assert contents(redis_client) == before


def test_entries_that_came_in_the_meantime_stay_with_their_hold(store, redis_client, batch):
    added = store.inbox.add([Arrival(entry())])
    store.commits.commit(PARTITION, batch, EFFECTS, BUCKETS)

    assert redis_client.hgetall(KEYS.holds) == {
        hold_field(ALL, NUMBER).encode(): added[0].id.encode()
    }
    assert redis_client.exists(KEYS.notify_inbox)
    assert [one.id for one in store.inbox.read(PARTITION, 10).entries] == [added[0].id]


def test_the_newest_entry_of_a_list_is_remembered(store):
    """Of an import: an undo that comes in between leaves its own mark in the sets."""
    listed = {"numbers": (NUMBER,)}
    for action, more, stays in (
        ("", {}, True),
        ("import", listed, False),
        ("undo_import", listed, True),
    ):
        before = store.inbox_reader.last_list(PARTITION)
        store.inbox.add([Arrival(entry(action=action, **more))])
        batch = store.inbox.read(PARTITION, 10)
        store.commits.commit(PARTITION, batch, Effects(before={}, after={}), BUCKETS)
        expected = before if stays else batch.entries[-1].id
        assert store.inbox_reader.last_list(PARTITION) == expected


def test_without_metadata_nothing_is_applied(bare_store, redis_client):
    bare_store.inbox.add([Arrival(entry())])
    batch = bare_store.inbox.read(PARTITION, 1)

    with pytest.raises(StoreNotReady):
        bare_store.commits.commit(PARTITION, batch, EFFECTS, BUCKETS)
    assert len(bare_store.inbox_reader.latest(PARTITION, 99)) == 1
    assert redis_client.hlen(KEYS.holds) == 1


REVIEW = hold_field("alerts", NUMBER).encode()
BREAKABLE = {
    "cursor": KEYS.cursor,
    "lists": KEYS.lists,
    "inbox": KEYS.inbox,
    "holds": KEYS.holds,
    "reviews": KEYS.reviews,
    "ledger": KEYS.ledger,
    "outbox": KEYS.outbox,
    "replies": KEYS.replies,
    "notify_inbox": KEYS.notify_inbox,
    "notify_outbox": KEYS.notify_outbox,
    "set": set_key(KEYS, "set", ALL, NUMBER, BUCKETS),
    "removed set": set_key(KEYS, "set", "promos", NUMBER, BUCKETS),
    "number": KEYS.number(NUMBER),
}


@pytest.mark.parametrize("broken", BREAKABLE)
def test_an_error_at_any_key_leaves_everything_as_it_was(store, redis_client, batch, broken):
    redis_client.delete(BREAKABLE[broken])
    redis_client.pfadd(BREAKABLE[broken], "a string that is no text, or")
    if broken in ("cursor", "lists", "notify_inbox", "notify_outbox", "number"):
        redis_client.delete(BREAKABLE[broken])
        redis_client.rpush(BREAKABLE[broken], "a list")
    before = contents(redis_client)

    with pytest.raises(StoreUnavailable, match="WRONGTYPE"):
        store.commits.commit(PARTITION, batch, EFFECTS, BUCKETS)
    assert contents(redis_client) == before


def test_more_numbers_and_fields_than_one_call_is_given_are_all_written(store, redis_client):
    """Lua hands over some thousand values at once, and no more."""
    numbers = [
        one for one in (f"+1415{at:07}" for at in range(40_000)) if partition_of(one) == PARTITION
    ]
    fields = [hold_field("alerts", number) for number in numbers]
    redis_client.hset(KEYS.reviews, mapping=dict.fromkeys(fields, "1-0"))
    store.inbox.add([Arrival(entry(number=number)) for number in numbers])
    batch = store.inbox.read(PARTITION, len(numbers))
    left = numbers[: len(numbers) // 2]
    effects = Effects(
        before=dict.fromkeys(numbers, ConsentState()),
        after=dict.fromkeys(numbers, ConsentState(everywhere=True, state=STATE)),
        decided=[(field, "2-0") for field in fields],
        moves=[Move(left, ConsentState(), ConsentState(locked=True))],
    )

    assert store.commits.commit(PARTITION, batch, effects, BUCKETS).done
    blocked = [
        redis_client.smembers(set_key(KEYS, "set", ALL, f"+{at}", BUCKETS)) for at in range(8)
    ]
    assert sum(map(len, blocked)) == len(numbers) > 2_000
    locked = [
        redis_client.smembers(set_key(KEYS, "lock", "all", f"+{at}", BUCKETS)) for at in range(8)
    ]
    assert {f"+{int(one)}" for some in locked for one in some} == {*left}
    assert redis_client.hgetall(KEYS.holds) == redis_client.hgetall(KEYS.reviews) == {}
    assert len(redis_client.keys(f"{KEYS.prefix}number:*")) == len(numbers)


@pytest.mark.parametrize(("second", "left"), [("6-0", {}), ("4-0", {REVIEW: b"5-0"})])
def test_a_review_that_ends_twice_in_a_batch_ends_as_it_would_one_by_one(
    store, redis_client, batch, second, left
):
    """The second is settled by what the first has left, not by what stood before the batch."""
    redis_client.hset(KEYS.reviews, REVIEW, "1-0 5-0")
    decided = [(REVIEW.decode(), "3-0"), (REVIEW.decode(), second)]
    effects = Effects(before={}, after={}, decided=decided)

    store.commits.commit(PARTITION, batch, effects, BUCKETS)
    assert redis_client.hgetall(KEYS.reviews) == left
