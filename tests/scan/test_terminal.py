"""What commands print of secrets: nothing, whatever is wrong."""

from __future__ import annotations

import pytest

from smsgate.cli.main import run
from tests.scan import canaries
from tests.scan.canaries import NUMBER, TEXT, WRONG, Canaries
from tests.scan.conftest import environ_of

SECRETS = Canaries(numbers=False)
"""Who sits at the terminal may see the numbers that they ask about."""
AWAY = f"redis://:{canaries.REDIS_PASSWORD}@127.0.0.1:1/0"
NO_DATABASE = f"postgresql://smsgate:{canaries.DATABASE_PASSWORD}@127.0.0.1:1/smsgate"
COMMANDS = (
    ("doctor",),
    ("doctor", "--json"),
    ("doctor", "twilio", "--json"),
    ("doctor", "kannel"),
    ("doctor", WRONG[:12]),
    ("config", "check"),
    ("alerts", "test", "--json"),
    ("check", NUMBER, "--program", "alerts"),
    ("status", NUMBER),
    ("history", NUMBER),
    ("replies", "list", "--json"),
    ("records", "status"),
    ("keys", "list"),
    ("review", "list"),
    ("refusals", "list"),
    ("init",),
)


@pytest.fixture
def environ(tmp_path, redis_url):
    return environ_of(tmp_path, redis_url)


def printed(capsys, environ, command) -> list[str]:
    run(command, environ)
    said = capsys.readouterr()
    assert said.out + said.err
    return SECRETS.in_(said.out + said.err)


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"REDIS_URL": AWAY},
        {"DATABASE_URL": NO_DATABASE},
        {"REDIS_URL": f"http://:{canaries.REDIS_PASSWORD}@x", "QUEUE_URL": canaries.REDIS_PASSWORD},
        {"DATABASE_URL": f"mysql://u:{canaries.DATABASE_PASSWORD}@x/y"},
        {"REDIS_URL": f"redis+sentinel://:{canaries.REDIS_PASSWORD}@127.0.0.1:1/name"},
        {"REDIS_URL": f"redis+sentinel://h:1/n?sentinel_password={canaries.REDIS_PASSWORD}"},
    ],
    ids=[
        "well",
        "redis away",
        "no database",
        "no redis url",
        "no database url",
        "no sentinel",
        "no sentinel with a password",
    ],
)
def test_no_command_prints_a_secret(capsys, environ, changed):
    environ |= changed
    found = {command: printed(capsys, environ, command) for command in COMMANDS}
    assert {command: seen for command, seen in found.items() if seen} == {}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f'auth_token  = "{canaries.AUTH_TOKEN}"', f'auth_token = "{WRONG} {TEXT}"'),
        (f'secret      = "{canaries.PATH_SECRET}"', f'secret = "{WRONG}/{TEXT}"'),
        (f'"{canaries.FEED_SECRET}"', f'"{WRONG}"'),
        ("nosuch://", f"{WRONG} "),
        ("@127.0.0.1:9?", "@mail.example.com:9?"),
        (f'"{canaries.MAIL_PASSWORD}"\n', f'"${{{WRONG}"\n'),
        ('provider    = "kannel"', 'provider = "cannel"'),
    ],
)
def test_a_fault_of_the_configuration_is_told_without_what_stands_there(
    capsys, environ, tmp_path, before, after
):
    file = tmp_path / "config" / "smsgate.toml"
    text = file.read_text(encoding="utf-8")
    assert before in text
    file.write_text(text.replace(before, after), encoding="utf-8")
    assert run(("config", "check"), environ) == 2
    said = capsys.readouterr()
    assert Canaries().in_(said.out + said.err) == []
