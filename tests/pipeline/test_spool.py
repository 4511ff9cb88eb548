"""While the store is away: 503, the message on disk, and one effect when the store is back."""

from __future__ import annotations

import dataclasses
import errno
import os
import socket
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from smsgate.domain.errors import (
    SignatureRefused,
    SpoolUnavailable,
    StoreNotReady,
    StoreUnavailable,
)
from smsgate.domain.messages import Arrival, Intent
from smsgate.metrics.counters import by_family
from smsgate.pipeline import spool_replay
from smsgate.pipeline.spool import Spool
from smsgate.process.configuration import load_configuration
from smsgate.process.services import build_services
from smsgate.store.keys import PARTITION_KEYS, partition_of
from tests.fakes.somebody_else import as_somebody_else
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


def counted(services) -> dict[tuple[str, ...], float]:
    """How many messages are counted, by account and intent."""
    services.store.metrics.flush()
    return dict(by_family(services.store.metrics.sums())["messages"])


def test_what_is_replayed_is_counted_once(services, cut_off, signed):
    request = signed("STOP")
    refuse(cut_off, request)
    assert counted(services) == {}
    services.spool_replay.replay()
    assert counted(services) == {("twilio", "opt_out"): 1}

    refuse(cut_off, request)
    services.spool_replay.replay()
    assert counted(services) == {("twilio", "opt_out"): 1}


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


def test_a_host_that_is_taken_down_after_its_replay_leaves_the_gate_open(services, cut_off, signed):
    refuse(cut_off, signed("STOP"))
    services.lease_renewal.renew()
    with pytest.raises(StoreNotReady, match="opt-outs wait in the spool of this host"):
        allowed(services)

    services.spool_replay.replay()  # and nothing of this host renews the lease afterwards

    assert services.store.write_lease.spooled() == []
    assert allowed(services) is False


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


def test_a_store_that_is_still_away_leaves_the_spool_as_it_is(cut_off, signed):
    refuse(cut_off, signed("STOP"))

    with pytest.raises(StoreUnavailable):
        cut_off.spool_replay.replay()
    assert cut_off.spool.report().count == 1


def test_a_spool_that_cannot_be_written_does_not_change_the_answer(environ, tmp_path, signed):
    (tmp_path / "var").write_text("a file where a folder should be")
    services = build_services(load_configuration(environ | {"REDIS_URL": "redis://127.0.0.1:1/0"}))

    refuse(services, signed("STOP"))
    with pytest.raises(SpoolUnavailable):
        services.spool.keep([Arrival(entry())])
    services.close()


def test_one_process_of_a_host_replays_at_a_time(tmp_path):
    first, second = Spool(tmp_path / "spool.sqlite3"), Spool(tmp_path / "spool.sqlite3")
    first.keep([Arrival(entry())])

    with first.replayer() as mine, second.replayer() as theirs:
        assert (mine, theirs) == (True, False)
    with second.replayer() as mine:
        assert mine


def test_the_outage_began_with_the_oldest_message_that_waits(tmp_path):
    spool = Spool(tmp_path / "spool.sqlite3")
    spool.keep([Arrival(entry(Intent.OPT_OUT))])
    spool.keep([Arrival(entry(Intent.OPT_IN))])
    first, second = spool.oldest(10)
    assert first.began_us == second.began_us == first.arrived_us

    spool.drop([first])
    spool.keep([Arrival(entry(Intent.HELP))])
    assert {one.began_us for one in spool.oldest(10)} == {first.arrived_us}


def test_it_says_how_many_of_its_messages_would_block(tmp_path):
    spool = Spool(tmp_path / "spool.sqlite3")
    assert spool.state() is None
    intents = (Intent.OPT_OUT, Intent.OPT_IN, Intent.OPT_OUT_ALL, Intent.REVIEW, Intent.HELP)
    spool.keep([Arrival(entry(intent)) for intent in intents])

    state = spool.state()
    assert (state.messages, state.blocking) == (5, 3)
    assert state.oldest_us == spool.oldest(1)[0].arrived_us
    assert Spool(tmp_path / "spool.sqlite3").state() == state, "its id stays"
    spool.drop(spool.oldest(4))
    assert (spool.state().messages, spool.state().blocking) == (1, 0)
    assert Spool(tmp_path / "other").state() is None


def test_a_spool_of_0_2_is_refused_and_stays_as_it_is(tmp_path):
    path = tmp_path / "spool.sqlite3"
    with sqlite3.connect(path) as file:
        file.execute("PRAGMA journal_mode = WAL")
        file.execute(
            "CREATE TABLE spool (id INTEGER PRIMARY KEY AUTOINCREMENT, arrived_us INTEGER NOT NULL,"
            " began_us INTEGER NOT NULL, sent_us INTEGER, entry BLOB NOT NULL,"
            " blocks INTEGER NOT NULL DEFAULT 1)"
        )
        file.execute("CREATE TABLE spool_id AS SELECT lower(hex(randomblob(8))) AS id")
        row = (1, 1, msgspec.json.encode(entry(Intent.OPT_OUT)))
        file.execute("INSERT INTO spool (arrived_us, began_us, entry) VALUES (?, ?, ?)", row)
    file.close()
    path.with_suffix(".blocks").touch()
    before, names = path.read_bytes(), modes(tmp_path)

    spool = Spool(path)
    told = f"the spool {path} is that of smsgate 0.1 or 0.2, .* docs/upgrading.md"
    asked = (spool.check, spool.state, lambda: spool.oldest(1))
    for ask in (*asked, lambda: spool.drop([]), lambda: spool.keep([Arrival(entry())])):
        with pytest.raises(SpoolUnavailable, match=told):
            ask()
    with pytest.raises(StoreNotReady, match=told):
        spool.refuse_opt_outs()
    assert (path.read_bytes(), modes(tmp_path)) == (before, names)


def test_a_spool_whose_maker_was_killed_is_no_older_one(tmp_path):
    """SQLite moves its log into the file when the last one closes it, which a kill prevents."""
    spool = Spool(tmp_path / "spool.sqlite3")
    with spool._open(make=True):
        assert Spool(tmp_path / "spool.sqlite3").report().count == 0


_LOOK = "import sys; from pathlib import Path; from smsgate.pipeline.spool import Spool; "
_LOOK += "print(Spool(Path(sys.argv[1])).state().messages)"


def test_who_looks_takes_no_message_from_under_another_thread_and_process(tmp_path):
    """Whichever process closes the file last deletes its log, with what waits in it."""
    spool = Spool(tmp_path / "spool.sqlite3")
    spool.keep([Arrival(entry())])
    with spool._open():
        assert spool.state().messages == 1  # as another thread, whose look ends before ours
        command = [sys.executable, "-c", _LOOK, str(tmp_path / "spool.sqlite3")]
        assert subprocess.run(command, capture_output=True, check=True).stdout == b"1\n"
        assert (tmp_path / "spool.sqlite3-wal").exists()


def modes(folder) -> dict[str, int]:
    return {one.name: one.stat().st_mode & 0o777 for one in folder.iterdir()}


def test_only_its_own_user_can_read_a_spool(tmp_path):
    """Whatever the umask, and while SQLite has its own files beside it."""
    before = os.umask(0)
    try:
        spool = Spool(tmp_path / "var" / "spool.sqlite3")
        spool.keep([Arrival(entry())])
        with spool.replayer(), spool._open() as file:
            file.execute("DELETE FROM spool WHERE id = 0")
            files = modes(tmp_path / "var")
    finally:
        os.umask(before)
    beside = {f"spool.sqlite3{end}" for end in ("", "-wal", "-shm")}
    assert set(files) == {*beside, "spool.lock", "spool.blocks"}
    assert set(files.values()) == {0o600}
    assert modes(tmp_path)["var"] == 0o700


# --- a data directory that cannot be used -------------------------------------------------------


def refusal(spool: Spool, *, make: bool = False) -> SpoolUnavailable:
    with pytest.raises(SpoolUnavailable) as raised:
        spool.check(make=make)
    return raised.value


def test_a_data_directory_that_can_be_used_is_left_as_it_is(tmp_path):
    folder = tmp_path / "var"
    spool = Spool(folder / "spool.sqlite3")
    spool.check()
    assert not folder.exists()
    spool.check(make=True)
    assert modes(tmp_path) == {"var": 0o700}
    spool.keep([Arrival(entry())])
    spool.check()
    assert spool.report().count == 1
    assert set(modes(folder)) == {"spool.sqlite3", "spool.blocks"}
    spool.drop(spool.oldest(1))
    assert set(modes(folder)) == {"spool.sqlite3"}


def test_a_gate_on_a_host_whose_spool_cannot_be_read_cannot_tell(tmp_path):
    spool = Spool(tmp_path / "spool.sqlite3")
    spool.keep([Arrival(entry())])
    (tmp_path / "spool.sqlite3").write_bytes(b"this is no database" * 99)
    with pytest.raises(StoreNotReady, match=r"the gate cannot tell: the spool .* cannot be used"):
        spool.refuse_opt_outs()


def test_a_data_directory_of_another_user_says_who_may_not_write():
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        folder = Path(place) / "var"
        folder.mkdir(mode=0o555)
        with as_somebody_else():
            error = refusal(Spool(folder / "spool.sqlite3"))
    assert f"the data directory {folder} (Permission denied" in str(error)
    assert "SMSGATE_DATA_DIR" in str(error)
    if not os.geteuid():
        assert "that user 65534 may write" in str(error)
    assert not error.is_full


@pytest.fixture
def closed_folder() -> Iterator[Path]:
    """A data directory as smsgate makes it, of another user: nobody else may look into it."""
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        folder = Path(place) / "var"
        folder.mkdir()
        (folder / "spool.sqlite3").write_bytes(b"")
        folder.chmod(0)
        yield folder
        folder.chmod(0o700)


def test_what_nobody_may_look_into_is_not_taken_for_empty(closed_folder):
    spool = Spool(closed_folder / "spool.sqlite3")
    with as_somebody_else(), pytest.raises(SpoolUnavailable):
        spool.state()


def test_a_spool_that_cannot_be_written_is_told(tmp_path):
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o777)
        spool = Spool(Path(place) / "spool.sqlite3")
        spool.keep([Arrival(entry())])
        (Path(place) / "spool.sqlite3").chmod(0o444)
        with as_somebody_else():
            assert "cannot be used" in str(refusal(spool))


def test_a_foreign_file_of_that_name_is_told(tmp_path):
    file = tmp_path / "spool.sqlite3"
    file.write_bytes(b"something else" * 100)
    assert str(refusal(Spool(file))).startswith(f"the spool {file} cannot be used: ")


def test_a_disk_that_is_full_is_told_apart_and_what_waits_is_still_counted(tmp_path, monkeypatch):
    def full(**_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    Spool(tmp_path / "spool.sqlite3").keep([Arrival(entry())])
    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    spool = Spool(tmp_path / "spool.sqlite3")
    error = refusal(spool)
    assert "No space left on device" in str(error)
    assert error.is_full
    said = spool.report()
    assert (said.count, said.problem) == (1, str(error))


def test_a_directory_that_becomes_unusable_is_told_by_readyz_and_to_everybody(
    services, cut_off, signed
):
    folder = services.settings.data_dir
    services.spool_replay.note()
    assert [one.problem for one in services.store.backlog.spools()] == [""]
    for file in folder.iterdir():
        file.rename(folder.parent / f"was-{file.name}")
    folder.rmdir()
    folder.write_text("")
    unusable = services.monitor.look().unusable["spool"]
    assert "no message can be kept" in unusable.text.lower()

    services.spool_replay.note()
    (one,) = services.store.backlog.spools()
    assert "no message can be kept" in one.problem


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


def test_a_spool_that_cannot_be_read_is_told_to_everybody(services, cut_off, signed):
    """Its depth is not known, and that must not keep the news."""
    folder = services.settings.data_dir
    services.spool_replay.note()
    for file in folder.glob("spool.sqlite3*"):
        file.unlink()
    (folder / "spool.sqlite3").write_text("not a database, but something of this length")
    services.spool_replay.note()
    (one,) = services.store.backlog.spools()
    assert "not a database" in one.problem
    (here,) = services.monitor.look().snapshot.spools
    assert "not a database" in here.problem
