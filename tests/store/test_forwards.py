"""Forwards: of a number in order, claimed by one, taken out once; all of it or nothing."""

from __future__ import annotations

import msgspec
import pytest

from smsgate.consent.events import Event
from smsgate.domain.entry_parts import ForwardContent
from smsgate.domain.errors import StoreUnavailable
from smsgate.domain.forwards import Forward, UndeliveredForward, forward_id
from smsgate.domain.messages import Arrival, Intent, Reply
from smsgate.store import forwards
from smsgate.store.keys import PARTITION_KEYS, PARTITIONS, partition_of
from smsgate.store.numbers import Effects
from tests.fakes.contents import contents
from tests.fakes.processes import wait_until
from tests.fakes.values import NUMBER, entry

PARTITION = partition_of(NUMBER)
KEYS = PARTITION_KEYS[PARTITION]
OTHER = next(
    number
    for number in (f"+1415555{place:04}" for place in range(1000))
    if partition_of(number) == PARTITION and number != NUMBER
)
BUCKETS = 8
EVENT = Event(id="e1", kind="forward", outcome="given_up", number=NUMBER)
TAKEN = msgspec.structs.replace(EVENT, id="e2", outcome="taken")
REPLY = Reply(
    id="5-0",
    kind="app",
    account="twilio",
    number=NUMBER,
    sender="+14155550999",
    program="alerts",
    text="hi",
    deadline_us=10,
)
ORDINARY = {"intent": Intent.NONE, "forward_content": ForwardContent()}


@pytest.fixture
def put(store):
    """Commit entries of a partition, each of which goes on; gives their forwards."""

    def put(*numbers: str, program: str = "alerts") -> list[Forward]:
        entries = [entry(number=one, program=program, **ORDINARY) for one in numbers]
        store.inbox.add([Arrival(one) for one in entries])
        batch = store.inbox.read(PARTITION, len(entries))
        made = [
            Forward(
                id=forward_id(PARTITION, one.id),
                entry=one.entry,
                inbox_id=one.id,
                event="e",
                outcome="recorded",
                event_time_us=1,
            )
            for one in batch.entries
        ]
        effects = Effects(before={}, after={}, forwards=made)
        assert store.commits.commit(PARTITION, batch, effects, BUCKETS).done
        return made

    return put


def claim_one(store):
    """Wait until there is one to claim."""
    found = []

    def claimed() -> bool:
        found.extend([] if found else store.forwards.claim("alerts", PARTITIONS))
        return bool(found)

    assert wait_until(claimed)
    return found[0]


def ids(claims) -> list[str]:
    return [claim.forward.id for claim in claims]


def test_a_commit_puts_forwards_behind_those_of_their_number(store, put):
    made = put(NUMBER, OTHER, NUMBER)

    assert store.forwards.waiting(PARTITION) == made
    assert store.backlog.read().forwards.count == 3
    assert {*ids(store.forwards.claim("alerts", 99))} == {made[0].id, made[1].id}
    assert store.forwards.claim("alerts", 99) == []
    assert store.forwards.claim("service", 99) == []


def test_a_message_that_comes_while_another_of_its_number_is_under_way_waits(store, put):
    put(NUMBER)
    assert len(store.forwards.claim("alerts", PARTITIONS)) == 1
    put(NUMBER)
    assert store.forwards.claim("alerts", PARTITIONS) == []


def test_ids_sort_as_their_messages_came():
    inbox = ["1764003600123-2", "1764003600123-10", "1764003600124-0"]
    assert [forward_id(3, one) for one in inbox] == sorted(forward_id(3, one) for one in inbox)


def test_what_is_taken_is_gone_and_the_next_of_its_number_is_due_with_what_was_said(
    store, put, redis_client
):
    _, second = put(NUMBER, NUMBER)
    (claim,) = store.forwards.claim("alerts", PARTITIONS)

    assert store.forwards.complete(claim, TAKEN, [REPLY]) == (True, True)
    assert store.unsent_replies.waiting(PARTITION) == [REPLY]
    assert store.forwards.waiting(PARTITION) == [second]
    (claim,) = store.forwards.claim("alerts", PARTITIONS)
    assert store.forwards.complete(claim, TAKEN) == (True, False)
    assert list(store.ledger_reader.of_partition(PARTITION)) == [TAKEN, TAKEN]
    left = [key for key in contents(redis_client) if b"forward" in key]
    assert left == []


def test_what_is_put_back_comes_before_the_others_of_its_number_when_it_is_due(store, put):
    first, _ = put(NUMBER, NUMBER)
    (claim,) = store.forwards.claim("alerts", PARTITIONS)
    later = msgspec.structs.replace(first, tries=1, note="answered 500")
    assert store.forwards.retry_later(claim, later, claim.now_us + 150_000)

    assert store.forwards.claim("alerts", PARTITIONS) == []
    assert claim_one(store).forward == later


def test_a_claim_whose_sender_died_is_anothers_when_its_lease_ends(store, put, monkeypatch):
    monkeypatch.setattr(forwards, "LEASE_MS", 100)
    put(NUMBER)
    (dead,) = store.forwards.claim("alerts", PARTITIONS)
    monkeypatch.undo()
    found = claim_one(store)

    assert store.forwards.complete(dead, TAKEN) == (False, False)
    assert store.forwards.retry_later(dead, dead.forward, 1) is False
    assert store.forwards.complete(found, TAKEN) == (True, False)


def test_a_partition_that_is_not_ready_gives_none_up_for_a_call(store, put, redis_client):
    (made,) = put(NUMBER)
    redis_client.hset(KEYS.metadata, "ready", 0)
    assert store.forwards.claim("alerts", 99) == []
    redis_client.hset(KEYS.metadata, "ready", 1)
    assert ids(store.forwards.claim("alerts", 99)) == [made.id]


def test_few_calls_are_shared_out_to_partitions_one_after_another(store, put):
    (made,) = put(NUMBER)
    assert store.forwards.claim("alerts", 0) == []
    assert store.forwards.claim("alerts", 3, (PARTITION + 1) % PARTITIONS) == []
    assert ids(store.forwards.claim("alerts", 3, PARTITION)) == [made.id]


def test_of_many_partitions_one_that_fails_holds_up_no_other(store, put, redis_client):
    (made,) = put(NUMBER)
    redis_client.set(
        PARTITION_KEYS[(PARTITION + 1) % PARTITIONS].forwards_due("alerts"), "a string"
    )

    assert ids(store.forwards.claim("alerts", 99)) == [made.id]
    for keys in PARTITION_KEYS:
        redis_client.set(keys.forwards_due("alerts"), "a string")
    with pytest.raises(StoreUnavailable, match="WRONGTYPE"):
        store.forwards.claim("alerts", 99)


def test_one_that_somebody_is_at_is_not_given_up(store, put):
    (made,) = put(NUMBER)
    letter = UndeliveredForward(made, "why", 1)
    (claim,) = store.forwards.claim("alerts", PARTITIONS)
    assert store.forwards.give_up(letter, EVENT) is False

    store.forwards.retry_later(claim, made, 0)
    assert store.forwards.give_up(letter, EVENT)
    assert store.forwards.give_up(letter, EVENT) is False
    assert store.forwards.dead(PARTITION) == [letter]
    assert store.backlog.read().forwards_dead == 1
    assert list(store.ledger_reader.of_partition(PARTITION)) == [EVENT]


def test_giving_up_one_that_is_not_its_numbers_oldest_leaves_the_oldest_alone(store, put):
    _, second = put(NUMBER, NUMBER)
    (claim,) = store.forwards.claim("alerts", PARTITIONS)
    assert store.forwards.give_up(UndeliveredForward(second, "why", 1), EVENT)

    assert store.forwards.claim("alerts", PARTITIONS) == []  # the lease of the first still runs
    assert store.forwards.complete(claim, TAKEN) == (True, False)


def test_one_that_is_tried_again_by_hand_takes_its_old_place(store, put):
    first, second = put(NUMBER, NUMBER)
    letter = UndeliveredForward(first, "why", 1)
    store.forwards.give_up(letter, EVENT)
    assert store.forwards.settle_dead(letter, EVENT, first)

    assert store.forwards.settle_dead(letter, EVENT, first) is False
    assert store.forwards.waiting(PARTITION) == [first, second]
    assert ids(store.forwards.claim("alerts", PARTITIONS)) == [first.id]


def test_what_a_person_wants_forgotten_is_gone_even_while_somebody_is_at_it(store, put):
    first, second, third = put(NUMBER, NUMBER, OTHER)
    store.forwards.give_up(UndeliveredForward(first, "why", 1), EVENT)
    claims = store.forwards.claim("alerts", 99)
    assert {*ids(claims)} == {second.id, third.id}

    assert store.forwards.forget(NUMBER) == 2
    mine = next(one for one in claims if one.forward == second)
    assert store.forwards.complete(mine, TAKEN, [REPLY]) == (False, False)
    assert store.unsent_replies.waiting(PARTITION) == []
    assert (store.forwards.waiting(PARTITION), store.forwards.dead(PARTITION)) == ([third], [])


def test_overdue_are_those_that_waited_longest(store, put, redis_client):
    made = put(NUMBER, OTHER, NUMBER)
    for age, one in zip((3, 1, 2), made, strict=True):
        redis_client.zadd(KEYS.forwards_since, {one.id: age})
    assert store.forwards.overdue(PARTITION, 2_000, 9) == [made[1], made[2]]
    assert store.forwards.overdue(PARTITION, 9_000, 1) == [made[1]]


BREAKABLE = {
    "forwards": KEYS.forwards,
    "since": KEYS.forwards_since,
    "claims": KEYS.forwards_claims,
    "dead": KEYS.forwards_dead,
    "due": KEYS.forwards_due("alerts"),
    "queue": KEYS.forwards_of("alerts", NUMBER),
    "outbox": KEYS.outbox,
    "replies": KEYS.replies,
    "notify": KEYS.notify_outbox,
    "ledger": KEYS.ledger,
    "metadata": KEYS.metadata,
}
TOUCHED = {
    "claim": {"due", "forwards", "claims", "queue", "metadata"},
    "commit": {"forwards", "since", "queue", "due"},
    "taken": {
        "due",
        "forwards",
        "claims",
        "since",
        "queue",
        "outbox",
        "replies",
        "notify",
        "ledger",
    },
    "give_up": {"due", "forwards", "claims", "since", "queue", "dead", "ledger"},
    "bury": {"due", "forwards", "since", "queue", "dead", "ledger"},
}


@pytest.mark.parametrize(
    ("what", "broken"), [(what, key) for what, keys in TOUCHED.items() for key in sorted(keys)]
)
def test_an_error_at_any_key_leaves_everything_as_it_was(store, put, redis_client, what, broken):
    (made,) = put(NUMBER)
    letter = UndeliveredForward(made, "why", 1)
    claims = store.forwards.claim("alerts", PARTITIONS) if what == "taken" else []
    if what == "bury":
        assert store.forwards.give_up(letter, EVENT)
    key = BREAKABLE[broken]
    redis_client.delete(key)
    redis_client.rpush(key, "a list")
    before = contents(redis_client)
    doing = {
        "claim": lambda: store.forwards.claim("alerts", 1, PARTITION),
        "commit": lambda: put(NUMBER),
        "taken": lambda: store.forwards.complete(claims[0], TAKEN, [REPLY]),
        "give_up": lambda: store.forwards.give_up(letter, EVENT),
        "bury": lambda: store.forwards.settle_dead(letter, EVENT, made),
    }
    with pytest.raises(StoreUnavailable, match="WRONGTYPE"):
        doing[what]()
    after = contents(redis_client)
    if what == "commit":  # what came in before it is not of the commit
        for one in (KEYS.inbox, KEYS.notify_inbox):
            before.pop(one.encode(), None)
            after.pop(one.encode(), None)
    assert after == before
