"""The spool: a file that keeps what the store could not take, for its own user alone."""

from __future__ import annotations

import errno
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from smsgate.domain.errors import SpoolUnavailable, StoreNotReady
from smsgate.domain.messages import Arrival, Intent
from smsgate.pipeline.spool import Spool
from tests.fakes.somebody_else import as_somebody_else
from tests.fakes.values import entry


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


def test_a_spool_that_is_no_database_is_told_and_the_gate_cannot_tell(tmp_path):
    spool = Spool(tmp_path / "spool.sqlite3")
    spool.keep([Arrival(entry())])
    (tmp_path / "spool.sqlite3").write_bytes(b"this is no database" * 99)
    assert str(refusal(spool)).startswith(f"the spool {spool._path} cannot be used: ")
    with pytest.raises(StoreNotReady, match=r"the gate cannot tell: the spool .* cannot be used"):
        spool.refuse_opt_outs()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data directory that other users can reach."""
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        folder = Path(place) / "var"
        folder.mkdir(mode=0o755)
        yield folder
        folder.chmod(0o700)


def test_a_data_directory_of_another_user_says_who_may_not_write(folder):
    with as_somebody_else():
        error = refusal(Spool(folder / "spool.sqlite3"))
    assert f"the data directory {folder} (Permission denied" in str(error)
    assert "SMSGATE_DATA_DIR" in str(error)
    if not os.geteuid():
        assert "that user 65534 may write" in str(error)
    assert not error.is_full


def test_what_nobody_may_look_into_is_not_taken_for_empty(folder):
    spool = Spool(folder / "spool.sqlite3")
    folder.chmod(0)  # as smsgate makes it, of another user
    with as_somebody_else(), pytest.raises(SpoolUnavailable):
        spool.state()


def test_a_spool_that_cannot_be_written_is_told(folder):
    spool = Spool(folder / "spool.sqlite3")
    spool.keep([Arrival(entry())])
    folder.chmod(0o777)
    (folder / "spool.sqlite3").chmod(0o444)
    with as_somebody_else():
        assert "cannot be used" in str(refusal(spool))


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
