"""Redis answers reads and refuses writes: no gate says "allowed" until every opt-out is in."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace

import pytest
import requests
import responses
from twilio.rest import Client
from werkzeug.serving import make_server

from smsgate import Gate
from smsgate.cli.main import run
from smsgate.client import SmsGate
from smsgate.domain.errors import (
    RecordsDiffer,
    RecordsUnavailable,
    SpoolUnavailable,
    StoreNotReady,
    StoreUnavailable,
)
from smsgate.integrations.requests import GatedAdapter, in_json
from smsgate.integrations.twilio import GatedHttpClient
from smsgate.process.configuration import load_configuration
from smsgate.process.services import build_services
from smsgate.records import Records
from smsgate.store import write_lease
from smsgate.store.keys import PARTITION_KEYS
from smsgate.web import create_app
from tests.fakes.loopback import serving
from tests.fakes.processes import wait_until
from tests.fakes.refused_writes import CAUSES
from tests.fakes.values import NUMBER, OTHER

KEY = "a-key-that-is-long-enough-for-tests"
API = "https://api.example.com/messages"


@pytest.fixture
def services(services, monkeypatch):
    """Whose renewals hold for so long that a slow machine changes nothing."""
    monkeypatch.setattr(write_lease, "LASTS_MS", 600_000)
    monkeypatch.setattr(write_lease, "FRESH_MS", 0)
    return services


@pytest.fixture
def url(services):
    with serving(make_server("127.0.0.1", 0, create_app(services), threaded=True)) as url:
        yield url


@pytest.fixture
def sent():
    """What leaves for providers; our own endpoint is asked for real."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.add_passthru("http://127.0.0.1")
        mock.post(API, status=200)
        mock.post(url="https://api.twilio.com/2010-04-01/Accounts/AC1/Messages.json", status=201)
        yield mock.calls


@pytest.fixture
def gates(redis_url, url, environ, sent):
    """Every way to the gate: asks for one number, raises where it cannot tell."""
    own, over_http = Gate.from_url(redis_url), SmsGate(url, KEY)
    twilio = Client("AC1", "token", http_client=GatedHttpClient(own, program="alerts"))
    session = requests.Session()
    session.mount(API, GatedAdapter(over_http, program="alerts", recipients=in_json("to")))

    def by_api():
        answer = requests.post(
            f"{url}/v1/check",
            json={"program": "alerts", "numbers": [NUMBER]},
            headers={"Authorization": f"Bearer {KEY}"},
            timeout=10,
        )
        if answer.status_code == 503:
            assert answer.json()["reason"] == "store_not_ready"
            raise StoreNotReady(answer.json()["detail"])

    def by_command():
        code = run(["check", NUMBER, "--program", "alerts"], environ)
        if code == 2:
            raise StoreNotReady("exit code 2")

    return {
        "in this process": lambda: own.check([NUMBER], program="alerts"),
        "require": lambda: own.require([NUMBER], program="alerts"),
        "POST /v1/check": by_api,
        "smsgate check": by_command,
        "smsgate.client": lambda: over_http.allows(NUMBER, program="alerts"),
        "Twilio's SDK": lambda: twilio.messages.create(to=NUMBER, from_="+14155550999", body="Hi"),
        "requests": lambda: session.post(API, json={"to": NUMBER}),
    }


def cannot_tell(gates):
    """The ways that cannot tell, of all."""
    found = set()
    for name, ask in gates.items():
        try:
            ask()
        except StoreNotReady:
            found.add(name)
    return found


@contextmanager
def refused(services, redis_client, code):
    """Writes are refused, a moment after the lease was renewed for the last time."""
    services.store.write_lease.open(200)
    with CAUSES[code](redis_client):
        yield


def open_now(redis_client):
    """Let the time pass for which the gate stays shut after a lapse."""
    for keys in PARTITION_KEYS:
        redis_client.hset(keys.metadata, "opens", 1)


@pytest.mark.parametrize("code", CAUSES)
def test_a_stop_that_is_refused_is_followed_by_no_text(
    services, gates, signed, sent, redis_client, code
):
    assert cannot_tell(gates) == set()

    with refused(services, redis_client, code):
        with pytest.raises(StoreUnavailable):
            services.ingest.receive("twilio", signed("STOP"))
        with pytest.raises(StoreUnavailable):
            services.lease_renewal.renew()
        assert wait_until(lambda: services.store.write_lease.obstacle() is not None)
        left = len(sent)
        assert cannot_tell(gates) == gates.keys()

    services.lease_renewal.renew()
    open_now(redis_client)
    with pytest.raises(StoreNotReady, match="opt-outs wait in spools"):
        gates["in this process"]()
    assert cannot_tell(gates) == gates.keys()

    services.spool_replay.replay()
    services.lease_renewal.renew()
    assert services.gate.check([NUMBER], program="alerts")[0].reason == "hold"
    assert services.gate.allows(OTHER, program="alerts")
    assert [one.request.url for one in sent[left:] if "127.0.0.1" not in one.request.url] == []


def test_no_other_host_opens_the_gate_before_the_one_with_the_opt_out_has_spoken(
    services, environ, signed, tmp_path, redis_client
):
    other = build_services(load_configuration(environ | {"SMSGATE_DATA_DIR": str(tmp_path / "b")}))
    with refused(services, redis_client, "OOM"):
        with pytest.raises(StoreUnavailable):
            services.ingest.receive("twilio", signed("STOP"))
        assert wait_until(lambda: services.store.write_lease.obstacle() is not None)

    other.lease_renewal.renew()
    with pytest.raises(StoreNotReady, match="takes writes again"):
        other.gate.check([NUMBER], program="alerts")
    services.lease_renewal.renew()
    open_now(redis_client)
    other.lease_renewal.renew()
    with pytest.raises(StoreNotReady, match="opt-outs wait in spools"):
        other.gate.check([NUMBER], program="alerts")
    services.spool_replay.replay()
    services.lease_renewal.renew()
    assert not services.gate.allows(NUMBER, program="alerts")
    other.close()


def test_the_host_whose_spool_has_an_opt_out_cannot_tell_at_once(
    services, gates, signed, redis_client
):
    """Long before the lease has lapsed, or a process of the host has said what it has."""
    here = {"POST /v1/check", "smsgate check", "smsgate.client", "requests"}
    with CAUSES["OOM"](redis_client), pytest.raises(StoreUnavailable):
        services.ingest.receive("twilio", signed("STOP"))
    with pytest.raises(StoreNotReady, match="opt-outs wait in the spool of this host"):
        services.gate.check([OTHER], program="alerts")
    assert cannot_tell(gates) == here

    services.spool_replay.replay()
    assert services.gate.check([NUMBER], program="alerts")[0].reason == "hold"


def test_what_blocks_nobody_may_wait_in_a_spool(services, signed, redis_client):
    with CAUSES["OOM"](redis_client):
        for text in ("START", "HELP"):
            with pytest.raises(StoreUnavailable):
                services.ingest.receive("twilio", signed(text))
    services.lease_renewal.renew()
    open_now(redis_client)
    assert services.spool.report().count == 2
    assert services.gate.allows(NUMBER, program="alerts")


def test_a_host_that_cannot_read_its_spool_vouches_for_nothing(services, redis_client):
    services.settings.data_dir.mkdir(exist_ok=True)
    (services.settings.data_dir / "spool.sqlite3").write_bytes(b"this is no database" * 99)
    before = redis_client.hget(PARTITION_KEYS[0].metadata, "lease")
    with pytest.raises(SpoolUnavailable):
        services.lease_renewal.renew()
    assert redis_client.hget(PARTITION_KEYS[0].metadata, "lease") == before


def test_a_server_is_vouched_for_where_the_records_cannot_be_read_only_if_it_was_compared(
    services, redis_client
):
    away = replace(services, records=Records("postgresql://127.0.0.1:1/records"))
    before = redis_client.hget(PARTITION_KEYS[0].metadata, "lease")
    with pytest.raises(RecordsUnavailable):
        away.lease_renewal.renew()
    assert redis_client.hget(PARTITION_KEYS[0].metadata, "lease") == before

    services.lease_renewal.renew()
    for keys in PARTITION_KEYS:
        redis_client.hset(keys.metadata, "lease", 1)
    away.lease_renewal.renew()
    assert int(redis_client.hget(PARTITION_KEYS[0].metadata, "lease")) > 1
    away.close()


def test_a_store_of_other_records_is_not_vouched_for(services, redis_client):
    services.records.migrate()
    services.records.remember_store("another store", 8, 1)
    before = redis_client.hget(PARTITION_KEYS[0].metadata, "lease")
    with pytest.raises(RecordsDiffer):
        services.lease_renewal.renew()
    assert redis_client.hget(PARTITION_KEYS[0].metadata, "lease") == before


def test_the_processes_renew_once_a_second(services, redis_client):
    before = redis_client.hget(PARTITION_KEYS[3].metadata, "lease")
    thread = services.lease_renewal.thread()
    thread.start()
    assert wait_until(lambda: redis_client.hget(PARTITION_KEYS[3].metadata, "lease") != before)
    second = redis_client.hget(PARTITION_KEYS[3].metadata, "lease")
    assert wait_until(lambda: redis_client.hget(PARTITION_KEYS[3].metadata, "lease") != second)
    thread.close()


def test_a_process_says_at_once_what_its_spool_holds_whoever_renews(
    services, signed, redis_client, monkeypatch
):
    services.lease_renewal.renew()
    monkeypatch.setattr(write_lease, "FRESH_MS", 60_000)
    with CAUSES["OOM"](redis_client), pytest.raises(StoreUnavailable):
        services.ingest.receive("twilio", signed("STOP"))
    services.lease_renewal.renew()
    assert [one.count for one in services.store.write_lease.spooled()] == [1]
    services.spool_replay.replay()
    assert services.store.write_lease.spooled() == []


def test_readiness_says_that_writes_are_refused_and_why(services, url, redis_client):
    services.records.migrate()
    key = {"Authorization": "Bearer a-key-that-is-long-enough-for-tests"}
    assert requests.get(f"{url}/readyz", headers=key, timeout=10).status_code == 200
    with CAUSES["OOM"](redis_client):
        answer = requests.get(f"{url}/readyz", headers=key, timeout=10)
        assert answer.status_code == 503
        assert "Redis refuses writes" in answer.json()["collaborators"]["store"]
    assert "store" not in services.monitor.look().unusable


def test_readiness_says_that_the_gate_is_shut_and_that_webhooks_are_accepted(services, url):
    services.records.migrate()
    assert requests.get(f"{url}/readyz", timeout=10).status_code == 200
    spooled = write_lease.SpooledOptOuts("web-2", 1, 1_700_000_000)
    services.store.write_lease.renew("spool-2", spooled)
    key = {"Authorization": "Bearer a-key-that-is-long-enough-for-tests"}
    answer = requests.get(f"{url}/readyz", headers=key, timeout=10)
    assert (answer.status_code, answer.json()["accepts"]) == (503, True)
    assert answer.json()["collaborators"]["store"].startswith(
        "The gate cannot tell, so nobody can be texted. "
        "Opt-outs wait in spools and are not in the store yet: "
        "1 on host web-2"
    )
