"""What hinders a process at its start is one sentence and exit code 2."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest
import redis

from smsgate.domain.errors import RecordsUnavailable, SmsGateError
from smsgate.records import Records
from tests.fakes.served import free_port
from tests.fakes.somebody_else import as_somebody_else
from workers import processes

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


def problem(name: str, environ: Mapping[str, str], host: str = "127.0.0.1") -> str:
    """Why a process does not start: one sentence."""
    with pytest.raises(SmsGateError) as caught:
        processes.run(name, host, environ)
    assert caught.value.exit_code == 2
    (line,) = str(caught.value).splitlines()
    return line


def test_web_does_not_start_on_a_data_directory_that_cannot_be_written(
    environ: Mapping[str, str], tmp_path: Path
) -> None:
    (tmp_path / "var").write_text("")
    assert problem("web", environ).startswith(
        f"no message can be kept in the data directory {tmp_path / 'var'} ("
    )


@pytest.mark.parametrize("name", processes.PROCESSES)
def test_no_process_starts_on_a_faulty_configuration(environ: Mapping[str, str], name: str) -> None:
    assert "PORT" in problem(name, {**environ, "PORT": "x"})


@pytest.mark.parametrize("name", processes.PROCESSES)
def test_no_process_starts_on_a_store_of_0_2(
    name: str,
    environ: Mapping[str, str],
    redis_url: str,
    redis_client: redis.Redis,
) -> None:
    environ = {**environ, "REDIS_URL": redis_url, "PORT": str(free_port())}
    redis_client.hset("smsgate:{3}:marker", mapping={"store": "a", "layout": 1, "ready": 1})
    before = redis_client.hgetall("smsgate:{3}:marker")
    line = problem(name, environ)
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


def test_a_port_or_an_address_that_cannot_be_used_is_one_sentence(
    environ: Mapping[str, str],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        line = problem("web", {**environ, "PORT": str(port)})
    assert line.startswith(f"Port {port} of 127.0.0.1 cannot be used (Address already in use)")
    assert "set PORT" in line
    line = problem("web", {**environ, "PORT": str(port)}, "192.0.2.1")
    assert line.startswith(f"Port {port} of 192.0.2.1 cannot be used (")
