"""``smsgate config``: what it refuses, what it tells, and what monitors read from its exit code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from smsgate.process.configuration import load_settings
from smsgate.process.services import build_store
from smsgate.store.store import Store
from tests.cli.conftest import Terminal
from tests.process.conftest import CONFIG


@pytest.fixture
def there(tmp_path: Path, redis_url: str, terminal: Callable[..., Terminal]) -> Terminal:
    (tmp_path / "smsgate.toml").write_text(CONFIG)
    found = terminal(
        SMSGATE_CONFIG=str(tmp_path), SMSGATE_DATA_DIR=str(tmp_path), REDIS_URL=redis_url, TOKEN="t"
    )
    assert found.run("init") == 0
    return found


@pytest.fixture
def store(there: Terminal) -> Iterator[Store]:
    made = build_store(load_settings(there.environ))
    yield made
    made.metrics.close()


def test_a_key_that_can_be_guessed_is_named_with_how_to_make_one(there: Terminal) -> None:
    there.environ = {**there.environ, "SMSGATE_API_KEYS": "a", "SMSGATE_SECRET_KEYS": "a"}
    for command in (("config", "check"), ("init",)):
        assert there.run(*command) == 2
        told = there.output + there.errors
        assert "SMSGATE_API_KEYS: can be guessed" in told
        assert "SMSGATE_SECRET_KEYS: can be guessed" in told
        assert "secrets.token_urlsafe(32)" in told


def rewrite(there: Terminal, old: str, new: str) -> None:
    file = Path(there.environ["SMSGATE_CONFIG"]) / "smsgate.toml"
    file.write_text(file.read_text().replace(old, new))


def test_faults_are_all_told(there: Terminal) -> None:
    rewrite(there, "Acme Alerts", "")
    rewrite(there, '"US"', '"us"')
    assert there.run("config", "check") == 2
    assert "smsgate.toml: programs.alerts.name: is empty: give a text" in there.errors
    assert "smsgate.toml: programs.alerts.region: must be the two capital letters" in there.errors
    found = there.json("config", "check")
    assert [fault["key"] for fault in found["faults"]] == [  # type: ignore[index,call-overload]
        "programs.alerts.name",
        "programs.alerts.region",
    ]


def test_a_dropped_program_is_refused_by_init_too(there: Terminal, store: Store, redis_client):
    rewrite(there, "programs.alerts", "programs.news")
    redis_client.sadd("smsgate:{3}:set:alerts:5", 4)
    for command in (("init",), ("config", "check")):
        assert there.run(*command) == 2
        assert "programs.alerts: is gone, and numbers have opted out of it" in there.errors
    assert set(store.programs.published()) == {"alerts"}


def test_check_says_which_version_it_is(there: Terminal) -> None:
    found = there.json("config", "check")
    assert isinstance(found, dict)
    assert (found["accounts"], found["programs"], found["faults"]) == (["twilio"], ["alerts"], [])
    assert there.run("config", "check") == 0
    assert f"Version: {found['version']}." in there.output
