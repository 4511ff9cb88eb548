"""A real gateway, and browsers in which a viewer, an agent and an admin are signed in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from smsgate.features.operators import passwords
from smsgate.features.operators.sessions import Sessions, Visitor
from smsgate.monitoring import deadlines
from smsgate.process.services import Services
from smsgate.records import Records
from tests.fakes.browser import PASSWORD, Browser, browser, browser_in_session
from tests.fakes.own_services import ALERTS, HERE, ORDERS, make_services
from tests.fakes.people import add_operator

PUBLIC_NAME = '[web]\nhosts = ["sms.example.com"]\n'
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""Hashes with hardly any work; ``features/operators/test_passwords.py`` has the real parameters."""
_HASH = QUICK.hash(PASSWORD)


@pytest.fixture
def password_hash(monkeypatch: pytest.MonkeyPatch) -> str:
    """The hash of ``PASSWORD``."""
    monkeypatch.setattr(passwords, "_HASHER", QUICK)
    monkeypatch.setattr(passwords, "_NOBODYS_HASH", _HASH)
    return _HASH


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages wait for a collaborator for as long as a busy machine may take."""
    monkeypatch.setattr(deadlines, "PAGE_ANSWER_S", 30.0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """For a gateway: its data directory has records already."""
    records = Records(f"sqlite:///{tmp_path / 'var' / 'records.sqlite3'}")
    records.migrate()
    records.close()
    return tmp_path


@pytest.fixture
def services(folder: Path, redis_url: str, password_hash: str) -> Iterator[Services]:
    """A real one, on an empty store and empty records; it understands no texts.

    It is tried out on its own machine, and answers under the public name by https as well.
    """
    made = make_services(folder, redis_url, ALERTS + ORDERS + PUBLIC_NAME, **HERE)
    yield made
    made.close()


@pytest.fixture
def visitor(services: Services) -> Browser:
    """Nobody is signed in."""
    return browser(services)


@pytest.fixture
def operator(services: Services, password_hash: str) -> Callable[..., str]:
    """Makes an operator who can sign in with ``PASSWORD``; gives the name."""

    def make(name: str, role: str) -> str:
        add_operator(services.records, name, role, password_hash)
        return name

    return make


@pytest.fixture
def signed_in(services: Services, password_hash: str) -> Callable[[str], Browser]:
    """Makes an operator of a role, who bears its name, and gives a browser with their session.

    Nobody types a password: most tests begin so, and what signing in does has tests of its own.
    """

    def enter(role: str) -> Browser:
        row = add_operator(services.records, role, role, password_hash)
        visitor = Visitor("127.0.0.1", "127.0.0.1", "A browser")
        token = Sessions(services.records.database).start(row, visitor)
        return browser_in_session(services, token)

    return enter


@pytest.fixture
def viewer(signed_in: Callable[[str], Browser]) -> Browser:
    """A browser in which the operator ``viewer`` is signed in."""
    return signed_in("viewer")


@pytest.fixture
def agent(signed_in: Callable[[str], Browser]) -> Browser:
    """A browser in which the operator ``agent`` is signed in."""
    return signed_in("agent")


@pytest.fixture
def admin(signed_in: Callable[[str], Browser]) -> Browser:
    """A browser in which the operator ``admin`` is signed in."""
    return signed_in("admin")
