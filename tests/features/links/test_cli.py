from __future__ import annotations

import json

import pytest

from smsgate.cli.main import run
from tests.fakes.own_services import ALERTS, NEW, PUBLIC_URL, make_services

NUMBER = "+14155550123"


@pytest.fixture
def environ(tmp_path, redis_url) -> dict[str, str]:
    make_services(tmp_path, redis_url, ALERTS).close()
    return {
        "SMSGATE_CONFIG": str(tmp_path / "config"),
        "SMSGATE_DATA_DIR": str(tmp_path / "var"),
        "REDIS_URL": redis_url,
        "SMSGATE_PUBLIC_URL": PUBLIC_URL,
        "SMSGATE_SECRET_KEYS": NEW,
    }


def test_the_terminal_makes_a_link(environ, capsys) -> None:
    assert run(["link", NUMBER, "--program", "alerts"], environ) == 0
    plain = capsys.readouterr().out.strip()
    assert plain.startswith(f"{PUBLIC_URL}/o/")
    assert len(plain.rpartition("/")[2]) <= 26
    assert run(["link", NUMBER, "--program", "alerts", "--json"], environ) == 0
    assert json.loads(capsys.readouterr().out)["link"] == plain
    assert run(["link", "(415) 555-0123", "--program", "alerts"], environ) == 0
    assert capsys.readouterr().out.strip() == plain, "as it is dialled in the program's region"


def test_the_terminal_says_what_a_link_lacks(environ, capsys) -> None:
    for command, said in (
        (["link", "12", "--program", "alerts"], "no phone number"),
        (["link", NUMBER, "--program", "nothing"], "no program is called 'nothing'"),
    ):
        assert run(command, environ) == 2
        assert said in capsys.readouterr().err
    for name in ("SMSGATE_PUBLIC_URL", "SMSGATE_SECRET_KEYS"):
        assert run(["link", NUMBER, "--program", "alerts"], environ | {name: ""}) == 2
        assert name in capsys.readouterr().err
