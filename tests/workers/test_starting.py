"""What hinders a process at its start is one sentence and exit code 2."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest
import redis

from smsgate.domain.errors import RecordsUnavailable
from smsgate.records import Records
from tests.fakes.served import free_port
from tests.fakes.somebody_else import as_somebody_else
from workers import __main__ as main

CONFIG = Path(__file__).parents[2] / "config"


@pytest.fixture
def environ(tmp_path: Path) -> Mapping[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "SMSGATE_CONFIG": str(CONFIG),
        "SMSGATE_DATA_DIR": str(tmp_path / "var"),
        "DATABASE_URL": f"sqlite:///{tmp_path / 'records.sqlite3'}",
        "REDIS_URL": "redis://127.0.0.1:1/0",
    }


def test_web_does_not_start_on_a_data_directory_that_cannot_be_written(
    environ: Mapping[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "var").write_text("")
    assert main.main(["web"], environ) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"no message can be kept in the data directory {tmp_path / 'var'} (")


@pytest.mark.parametrize("name", main.PROCESSES)
def test_a_faulty_configuration_is_told_and_is_exit_code_2(
    environ: Mapping[str, str],
    capsys: pytest.CaptureFixture[str],
    name: str,
) -> None:
    environ = {**environ, "PORT": "x"}
    assert main.main([name], environ) == 2
    assert "PORT" in capsys.readouterr().err


@pytest.mark.parametrize("name", main.PROCESSES)
def test_no_process_starts_on_a_store_of_0_2(
    name: str,
    environ: Mapping[str, str],
    redis_url: str,
    redis_client: redis.Redis,
    capsys: pytest.CaptureFixture[str],
) -> None:
    environ = {**environ, "REDIS_URL": redis_url, "PORT": str(free_port())}
    redis_client.hset("smsgate:{3}:marker", mapping={"store": "a", "layout": 1, "ready": 1})
    before = redis_client.hgetall("smsgate:{3}:marker")
    assert main.main([name], environ) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("Redis has a store of smsgate 0.1 or 0.2")
    assert "docs/upgrading.md" in line
    assert redis_client.keys() == [b"smsgate:{3}:marker"]
    assert redis_client.hgetall("smsgate:{3}:marker") == before


def test_records_that_may_not_be_read_are_not_taken_for_absent() -> None:
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        folder = Path(place) / "var"
        folder.mkdir(mode=0)
        records = Records(f"sqlite:///{folder / 'records.sqlite3'}")
        with as_somebody_else(), pytest.raises(RecordsUnavailable, match="Permission denied"):
            records.check()
        folder.chmod(0o700)


def test_a_port_that_is_in_use_is_one_sentence(
    environ: Mapping[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        arguments = ["web", "--host", "127.0.0.1"]
        assert main.main(arguments, {**environ, "PORT": str(port)}) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"Port {port} of 127.0.0.1 cannot be used (Address already in use)")
    assert "set PORT" in line


def test_an_address_of_another_host_is_one_sentence(
    environ: Mapping[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    port = str(free_port())
    assert main.main(["web", "--host", "192.0.2.1"], {**environ, "PORT": port}) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"Port {port} of 192.0.2.1 cannot be used (")


def test_a_port_that_is_free_stays_free() -> None:
    port = free_port()
    main._refuse_port("127.0.0.1", port)
    with socket.create_server(("127.0.0.1", port)):
        pass
