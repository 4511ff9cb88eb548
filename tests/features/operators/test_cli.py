"""The people of the console from a terminal, and the first link that ``smsgate dev`` prints."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from smsgate.cli.dev import welcome
from smsgate.cli.session import person
from smsgate.domain.errors import LinkBroken
from smsgate.features.operators.service import first_link
from smsgate.process.configuration import Configuration, load_settings
from smsgate.records import Records
from smsgate.records.operator_actions import ActionAuthor
from tests.fakes.people import People, newest_actions, put_factor, set_operator

PASSWORD = "$argon2id$made-up"
CONFIG = Path(__file__).parents[3] / "config"


@pytest.fixture
def environ(tmp_path):
    return {
        "SMSGATE_DATA_DIR": str(tmp_path),
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "SMSGATE_PUBLIC_URL": "https://sms.example.com/",
    }


@pytest.fixture
def records(tmp_path):
    found = Records(f"sqlite:///{tmp_path / 'records.sqlite3'}")
    found.migrate()
    yield found
    found.close()


@pytest.fixture
def here(records, terminal, environ):
    """A terminal beside records that have their tables; no Redis is needed."""
    return terminal(**environ)


def whose(records, link: str) -> str | None:
    """The operator of a link, None where it opens nothing."""
    try:
        return People(records).linked(link.rpartition("/")[2]).id
    except LinkBroken:
        return None


def may_sign_in(records, name: str) -> None:
    set_operator(records, name, password_hash=PASSWORD)
    put_factor(records, People(records).named(name))


def test_somebody_is_added_by_a_link_and_never_by_a_password(here, records) -> None:
    assert here.run("operators", "add", "Maria", "--role", "agent") == 0
    link = here.output.strip()
    assert link.startswith("https://sms.example.com/console/password/")
    assert "not shown again" in here.errors
    row = People(records).named("maria")
    assert whose(records, link) == row.id
    assert (row.role, row.password_hash) == ("agent", "")
    added = newest_actions(records, 1)[0]
    assert (added.what, added.actor) == ("person added", person())
    assert here.run("operators", "add", "MARIA", "--role", "agent") == 2
    assert "use another one" in here.errors
    assert here.run("operators", "add", "jo", "--role", "agent", "--password", "x") == 2


def test_everybody_is_listed(here, records) -> None:
    assert here.run("operators", "list") == 0
    assert "smsgate operators add" in here.output
    for name in ("jo", "maria", "zoe"):
        here.run("operators", "add", name, "--role", "admin")
    may_sign_in(records, "jo")
    set_operator(records, "zoe", subject="x")
    found = here.json("operators", "list")["items"]
    assert found[0] == {
        "name": "jo",
        "role": "admin",
        "state": "active",
        "two_step": True,
        "email": "",
    }
    states = [(one["state"], one["two_step"]) for one in found[1:]]
    assert states == [("no password yet", False), ("single sign-on", False)]
    assert PASSWORD not in here.output


def test_a_reset_takes_the_password_and_on_demand_the_second_factor(here, records) -> None:
    here.run("operators", "add", "maria", "--role", "viewer")
    may_sign_in(records, "maria")
    told = here.json("operators", "reset", "maria")
    assert whose(records, told["link"]) == People(records).named("maria").id
    row = People(records).named("maria")
    assert (row.password_hash, row.has_second_factor) == ("", True)
    assert here.run("operators", "reset", "maria", "--second-factor") == 0
    assert not People(records).named("maria").has_second_factor
    assert whose(records, told["link"]) is None
    assert here.run("operators", "reset", "nobody") == 2
    assert "no operator of that name" in here.errors


def test_who_is_deactivated_gets_no_other_role(here, records) -> None:
    here.run("operators", "add", "maria", "--role", "viewer")
    assert here.run("operators", "end", "maria") == 0
    assert here.run("operators", "role", "maria", "admin") == 2
    assert "maria is deactivated: reset them" in here.errors
    assert People(records).named("maria").role == "viewer"


def test_a_new_smsgate_says_how_to_become_its_first_admin(environ, records, capsys) -> None:
    environ["SMSGATE_CONFIG"] = str(CONFIG)
    configuration = Configuration(load_settings(environ), {}, ())

    def said() -> str:
        link = first_link(records.database, ActionAuthor(person()))
        welcome("http://127.0.0.1:8000", configuration, link)
        return capsys.readouterr().out

    link = re.search(r"^http://127.0.0.1:8000/console/password/[\w-]{43}$", said(), re.MULTILINE)[0]
    assert whose(records, link) == People(records).named("admin").id
    set_operator(records, "admin", password_hash=PASSWORD)
    assert "first admin" not in said()
    words = " ".join(said().split())
    assert f"export SMSGATE_DATA_DIR={environ['SMSGATE_DATA_DIR']}" in words
