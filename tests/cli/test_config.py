"""``smsgate config``: what it refuses, what it tells, and what monitors read from its exit code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from smsgate.metrics.snapshot import Process
from smsgate.pipeline.configuration import load_settings
from smsgate.pipeline.services import build_store
from smsgate.store.store import Store
from tests.cli.conftest import Terminal
from tests.pipeline.configuration.conftest import CONFIG


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


def test_the_doctor_tells_when_processes_run_different_versions(
    there: Terminal, store: Store
) -> None:
    version = there.json("config", "check")["version"]  # type: ignore[index,call-overload]
    began_us = store.heartbeats.now_us() - 61_000_000
    store.heartbeats.beat(Process("p", "web", "h", 7, version, started_us=began_us))
    assert processes(there) == [
        ("ok", f"all run one version of the configuration: {version}"),
    ]
    old = Process("q", "web", "h", 8, "v0", changed=("/x/smsgate.toml",), problem="a: b")
    store.heartbeats.beat(old)
    told = {one["text"] for one in there.json("doctor")["results"]}
    for title, details in (
        ("The processes run different versions of the configuration", "v0 in 1"),
        ("A file of the configuration was changed and is not loaded yet", "/x/smsgate.toml on h"),
        ("Processes keep older keyword sets and replies", "Web on h: a: b"),
    ):
        assert any(one.startswith(title) and details in one for one in told), title


def test_while_processes_are_restarted_one_after_the_other_nothing_is_told(
    there: Terminal, store: Store
) -> None:
    now_us = store.heartbeats.now_us()
    for id_, version in (("p", "v0"), ("q", "v1")):
        store.heartbeats.beat(Process(id_, "web", "h", 7, version, started_us=now_us))
    assert "different versions" not in str(there.json("doctor"))


def processes(there: Terminal) -> list[tuple[str, str]]:
    found = there.json("doctor")["results"]
    return [(one["state"], one["text"]) for one in found if one["subject"].startswith("process")]


def test_an_account_is_added_with_its_comments_kept(there: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "smsgate.toml"
    file.write_text("# ours\n" + file.read_text())
    assert there.run("config", "add", "account", "telnyx") == 0
    assert "+ [accounts.telnyx]" in there.output
    assert "export TELNYX_PUBLIC_KEY=…" in there.output
    assert file.read_text().startswith("# ours\n")
    found = there.json("config", "check")
    assert found["accounts"] == ["twilio", "telnyx"]  # type: ignore[index,call-overload]


def test_the_file_keeps_its_mode_and_the_link_to_it(there: Terminal, tmp_path: Path) -> None:
    """Services run as another user, who has to read it still."""
    link, file = tmp_path / "smsgate.toml", tmp_path / "kept.toml"
    link.rename(file)
    file.chmod(0o640)
    link.symlink_to(file)
    assert there.run("config", "add", "account", "telnyx") == 0
    assert link.is_symlink()
    assert file.stat().st_mode & 0o777 == 0o640
    assert "[accounts.telnyx]" in file.read_text()


def test_a_program_is_added(there: Terminal) -> None:
    given = ("--title", "Acme Orders", "--account", "twilio", "--sender", "+14155550888")
    assert there.run("config", "add", "program", "orders", *given) == 0
    found = there.json("config", "check")
    assert found["programs"] == ["alerts", "orders"]  # type: ignore[index,call-overload]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("account", "twilo"), "'twilo' is not one of"),
        (("account", "twilio"), "There is a table [accounts.twilio] already"),
        (("account", "telnyx", "--set", "publik=x"), "/smsgate.toml: accounts.telnyx.publik"),
        (("account", "telnyx", "--name", "my.own"), "accounts.my.own: must be a name of a-z"),
        (("account", "vonage", "--set", "api_key=replace-me"), "api_key must be"),
        (
            ("program", "x", "--title", "X", "--account", "nobody", "--sender", "*"),
            "programs.x.account: there is no account 'nobody'",
        ),
    ],
)
def test_what_would_be_a_fault_is_not_written(
    there: Terminal, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    before = (tmp_path / "smsgate.toml").read_text()
    assert there.run("config", "add", *arguments) == 2
    assert said in there.errors
    assert str(tmp_path) in there.errors or "smsgate.toml" not in there.errors
    assert (tmp_path / "smsgate.toml").read_text() == before


@pytest.mark.parametrize("broken", [b"[accounts\n", b"accounts = 3\n", b"\xff\xfe"])
def test_nothing_is_added_to_a_file_that_is_broken(
    there: Terminal, tmp_path: Path, broken: bytes
) -> None:
    (tmp_path / "smsgate.toml").write_bytes(broken)
    assert there.run("config", "add", "account", "telnyx") == 2
    assert f"{tmp_path}/smsgate.toml: " in there.errors
    assert (tmp_path / "smsgate.toml").read_bytes() == broken
