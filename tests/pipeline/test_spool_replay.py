"""Back from the spool: one effect when the store is back, and everybody knows what waits."""

from __future__ import annotations

import dataclasses
import socket
from pathlib import Path

import pytest

from smsgate.domain.errors import SignatureRefused, SpoolUnavailable, StoreUnavailable
from smsgate.domain.messages import Arrival, Intent
from smsgate.metrics.counters import by_family
from smsgate.pipeline import spool_replay
from smsgate.process.configuration import load_configuration
from smsgate.process.services import build_services
from smsgate.store.keys import PARTITION_KEYS, partition_of
from tests.fakes.values import NUMBER, OTHER, entry

PARTITION = partition_of(NUMBER)


@pytest.fixture
def cut_off(environ, services):
    """A gateway of the same host whose store is away."""
    other = build_services(load_configuration(environ | {"REDIS_URL": "redis://127.0.0.1:1/0"}))
    yield other
    other.close()


def refuse(cut_off, request):
    with pytest.raises(StoreUnavailable):
        cut_off.ingest.receive("twilio", request)


def allowed(services):
    return services.gate.check([NUMBER], program="alerts")[0].allowed


def texts(services, number=NUMBER):
    return [
        (event.entry.text, event.outcome)
        for event in services.history.of_number(number)
        if event.kind != "reply"
    ]


def test_a_message_that_could_not_be_stored_waits_on_disk_and_is_replayed(
    services, cut_off, signed
):
    refuse(cut_off, signed("STOP"))
    with pytest.raises(StoreUnavailable):
        cut_off.spool_replay.replay()  # the store is still away: the spool stays as it is
    assert cut_off.spool.report().count == 1
    assert "SmsgateSpool" in {one.name for one in services.monitor.look().conditions}

    services.spool_replay.replay()
    assert services.spool.report().count == 0
    assert allowed(services) is False
    services.applier.drain(PARTITION)
    assert texts(services) == [("STOP", "applied")]


def test_an_ordinary_text_or_a_forged_one_is_not_kept(cut_off, signed):
    cut_off.ingest.receive("twilio", signed("good morning"))
    request = signed("STOP")
    with pytest.raises(SignatureRefused):
        cut_off.ingest.receive("twilio", dataclasses.replace(request, body=request.body + b"&x=y"))

    assert cut_off.spool.report().count == 0


@pytest.mark.parametrize("retried_first", [True, False])
def test_the_provider_s_own_retry_and_the_replay_are_one_message(
    services, cut_off, signed, retried_first
):
    request = signed("STOP")
    refuse(cut_off, request)
    if retried_first:
        services.ingest.receive("twilio", request)
    services.spool_replay.replay()
    if not retried_first:
        assert services.ingest.receive("twilio", request).outcome == "duplicate"
    services.applier.drain(PARTITION)
    assert texts(services) == [("STOP", "applied")]
    services.store.metrics.flush()  # of what the webhooks count nothing is here
    counted = by_family(services.store.metrics.sums())["messages"]
    assert counted == ({} if retried_first else {("twilio", "opt_out"): 1})


def test_what_one_partition_refuses_keeps_nothing_else_on_disk(services, redis_client):
    """Else a text without an id would be stored again at each replay."""
    redis_client.lpush(PARTITION_KEYS[partition_of(OTHER)].inbox, "not a stream")
    numbers = (NUMBER, OTHER)
    services.spool.keep([Arrival(entry(number=one, message_id="")) for one in numbers])
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            services.spool_replay.replay()
    assert redis_client.xlen(PARTITION_KEYS[partition_of(NUMBER)].inbox) == 1
    assert [one.entry.number for one in services.spool.oldest(9)] == [OTHER]


def test_what_waited_keeps_its_order(services, cut_off, signed):
    for text in ("STOP", "START", "STOP", "START"):
        refuse(cut_off, signed(text))
    services.spool_replay.replay()
    services.applier.drain(PARTITION)

    assert texts(services) == [
        ("STOP", "applied"),
        ("START", "applied"),
        ("STOP", "applied"),
        ("START", "applied"),
    ]
    assert allowed(services) is True


def test_a_spooled_stop_that_is_older_than_a_start_changes_nothing(
    services, cut_off, signed, monkeypatch
):
    # Exact, as Redis has this host's clock; a slow answer would make the STOP seem newer.
    monkeypatch.setattr(services.spool_replay, "_ahead_us", lambda: 0)
    services.ingest.receive("twilio", signed("STOP"))
    services.applier.drain(PARTITION)
    refuse(cut_off, signed("unsubscribe"))
    services.ingest.receive("twilio", signed("START"))
    services.applier.drain(PARTITION)

    services.spool_replay.replay()
    services.applier.drain(PARTITION)
    assert texts(services)[-1] == ("unsubscribe", "stale")
    assert allowed(services) is True


def test_against_a_spooled_start_whatever_was_stored_since_the_outage_began_is_newer(
    services, cut_off, signed
):
    """Even where this host's clock is ahead, so that the START seems to have come last."""
    services.ingest.receive("twilio", signed("STOP"))
    services.applier.drain(PARTITION)
    refuse(cut_off, signed("HELP", OTHER))
    services.ingest.receive("twilio", signed("quit"))
    services.applier.drain(PARTITION)
    refuse(cut_off, signed("START"))

    services.spool_replay.replay()
    services.applier.drain(PARTITION)
    assert texts(services)[-1] == ("START", "stale")
    assert allowed(services) is False


def test_a_spooled_start_lifts_a_stop_from_before_the_outage(services, cut_off, signed):
    services.ingest.receive("twilio", signed("STOP"))
    services.applier.drain(PARTITION)
    refuse(cut_off, signed("START"))

    services.spool_replay.replay()
    services.applier.drain(PARTITION)
    assert allowed(services) is True


def test_a_spool_that_cannot_be_written_does_not_change_the_answer(environ, tmp_path, signed):
    (tmp_path / "var").write_text("a file where a folder should be")
    services = build_services(load_configuration(environ | {"REDIS_URL": "redis://127.0.0.1:1/0"}))

    refuse(services, signed("STOP"))
    with pytest.raises(SpoolUnavailable):
        services.spool.keep([Arrival(entry())])
    services.close()


def told_by(services):
    """What is reported after another look."""
    services.spool_replay.note()
    return services.store.backlog.spools()


def without_folder(folder: Path) -> None:
    folder.rename(folder.parent / "was")
    folder.write_text("")


def damaged(folder: Path) -> None:
    for file in folder.glob("spool.sqlite3*"):
        file.unlink()
    (folder / "spool.sqlite3").write_text("not a database, but something of this length")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [(without_folder, "No message can be kept"), (damaged, "file is not a database")],
)
def test_what_becomes_unusable_is_told_by_readyz_and_to_everybody(services, spoil, said):
    """Also where its depth is not known, which must not keep the news."""
    services.spool_replay.note()
    assert [one.problem for one in services.store.backlog.spools()] == [""]
    spoil(services.settings.data_dir)
    state = services.monitor.look()
    assert said in state.unusable["spool"].text
    for seen in (state.snapshot.spools, told_by(services)):
        (one,) = seen
        assert said.lower() in one.problem.lower()


@pytest.fixture
def beside(environ, services, tmp_path):
    """A gateway of the same host and store with a data directory of its own."""
    folder = {"SMSGATE_DATA_DIR": str(tmp_path / "beside")}
    other = build_services(load_configuration(environ | folder))
    yield other
    other.close()


def test_two_data_directories_of_a_host_report_their_spools_beside_each_other(services, beside):
    arrival = Arrival(entry(Intent.OPT_OUT))
    services.spool.keep([arrival])
    for one in (services, beside):
        one.spool_replay.note()
        one.lease_renewal.renew()
    found = {one.folder: one.count for one in services.store.backlog.spools()}
    assert found == {services.spool.folder: 1, beside.spool.folder: 0}
    # Each knows its own better than what was reported, and says it once.
    beside.spool.keep([arrival, arrival])
    for one in (services, beside):
        seen = one.monitor.look().snapshot.spools
        assert len({spool.place for spool in seen}) == len(seen) == 2
    (opt_outs,) = services.store.write_lease.spooled()
    assert opt_outs.folder == services.spool.folder

    spool_replay.forget_spool(services.store, socket.gethostname(), "ops", "its disk broke")
    assert services.store.backlog.spools() == services.store.write_lease.spooled() == []
