"""A store behind Sentinels: the primary dies, and another one answers in its place."""

from __future__ import annotations

import signal
from urllib.parse import quote

import pytest
from redis import SSLConnection

from smsgate import AsyncGate, Gate
from smsgate.consent.events import PublishedProgram
from smsgate.domain.errors import SmsGateError, StoreUnavailable
from smsgate.domain.messages import Arrival
from smsgate.store.connection import open_redis
from smsgate.store.store import Store
from tests.fakes.blocking import Blocking
from tests.fakes.cluster import until
from tests.fakes.sentinels import Sentinels, start_sentinels
from tests.fakes.values import NUMBER, OTHER, entry

pytestmark = pytest.mark.full
MANY = [f"+1415{place:07}" for place in range(6_000)]
"""So many that the gate streams them."""


@pytest.fixture
def sentinels(tmp_path, groups) -> Sentinels:
    return start_sentinels(tmp_path, groups)


def reasons(gate: Gate, *numbers: str) -> list[str]:
    return [one.reason for one in gate.check(numbers, program="alerts")]


@pytest.fixture(params=["gate", "async gate"])
def gate(request, sentinels):
    if request.param == "gate":
        yield Gate.from_url(sentinels.url)
        return
    gate = Blocking(lambda: AsyncGate.from_url(sentinels.url))
    yield gate
    gate.end()


def test_a_failover_changes_no_answer_and_the_gate_never_says_allowed_meanwhile(sentinels, gate):
    store = Store(open_redis(sentinels.url))
    store.metadata.create(buckets=8)
    store.programs.publish({"alerts": PublishedProgram()})
    store.inbox.add([Arrival(entry())])
    assert reasons(gate, NUMBER, OTHER, *MANY)[:2] == ["hold", ""]
    store.numbers._client.wait(1, 2000)  # the replica has it

    sentinels.primary.kill()
    sentinels.primary.wait()
    heard = []

    def answers() -> bool:
        try:
            heard.append(reasons(gate, NUMBER))
        except SmsGateError:
            return False
        return True

    until(answers)
    assert heard == [["hold"]]
    assert reasons(gate, NUMBER, OTHER, *MANY)[:2] == ["hold", ""]
    until(lambda: added(store))
    assert reasons(gate, OTHER) == ["hold"]


def added(store: Store) -> bool:
    """Whether the inbox takes an opt-out of the other number; a provider would try again."""
    try:
        store.inbox.add([Arrival(entry(number=OTHER, message_id="SM2"))])
    except SmsGateError:
        return False
    return True


@pytest.mark.parametrize(
    ("path", "database"), [("/ours", 0), ("/ours/0", 0), ("/nobody", None)], ids=str
)
def test_the_url_names_the_primary_and_its_database(sentinels, path, database):
    client = open_redis(sentinels.url.removesuffix("/ours") + path)
    if database is None:
        with pytest.raises(SmsGateError):
            Store(client).metadata.create()
        return
    Store(client).metadata.create()
    assert client.info("keyspace")[f"db{database}"]["keys"] == 16


PASSWORD = "p+ss/w@rd%"
QUOTED = quote(PASSWORD, safe="")
WATCHER = f"user watcher on >{PASSWORD} +@all"


@pytest.mark.parametrize(
    ("line", "query"),
    [
        (f"requirepass {PASSWORD}", f"?sentinel_password={QUOTED}"),
        (WATCHER, f"?sentinel_username=watcher&sentinel_password={QUOTED}"),
    ],
    ids=["password", "user"],
)
def test_sentinels_may_have_a_password_of_their_own(tmp_path, groups, line, query):
    url = start_sentinels(tmp_path, groups, line, "user default off" * (line == WATCHER)).url
    until(lambda: found(url + query))
    for other in ("", "?sentinel_password=another"):
        with pytest.raises(StoreUnavailable) as refused:
            Store(open_redis(url + other)).metadata.create()
        assert "another" not in str(refused.value)
    gate = Gate.from_url(url + query)
    with pytest.raises(SmsGateError, match="alerts"):
        gate.check([NUMBER], program="alerts")


def found(url: str) -> bool:
    """Whether the store behind the Sentinels can be made."""
    try:
        Store(open_redis(url)).metadata.create()
    except StoreUnavailable:
        return False
    return True


def test_over_tls_the_sentinels_are_asked_so_too():
    client = open_redis("rediss+sentinel://one,two:26380/ours", 1)
    pool = client.connection_pool
    asked = [one.connection_pool for one in pool.sentinel_manager.sentinels]
    assert [one.connection_kwargs["port"] for one in asked] == [26379, 26380]
    assert {one.connection_class for one in asked} == {SSLConnection}
    assert issubclass(pool.connection_class, SSLConnection)


def test_nothing_is_acknowledged_that_no_replica_has(sentinels):
    store = Store(open_redis(sentinels.url))
    store.metadata.create(buckets=8)
    store.inbox.add([Arrival(entry())])
    sentinels.replica.send_signal(signal.SIGSTOP)
    try:
        with pytest.raises(StoreUnavailable, match="no replica"):
            store.inbox.add([Arrival(entry(number=OTHER, message_id="SM2"))])
    finally:
        sentinels.replica.send_signal(signal.SIGCONT)
    until(lambda: added(store))
