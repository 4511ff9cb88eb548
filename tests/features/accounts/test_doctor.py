"""``smsgate doctor``: one page, the worst first, each line with what mends it."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from smsgate.process.configuration import PLACEHOLDER
from smsgate.process.services import Services
from smsgate.store.health import exposures
from smsgate.store.keys import PARTITION_KEYS
from smsgate.store.shared_keys import PROCESSES, shared_key
from tests.cli.conftest import CONFIG as SHIPPED
from tests.cli.conftest import Terminal
from tests.fakes.own_services import ALERTS, ORDERS, all_at_work, make_services
from tests.fakes.refused_writes import CAUSES
from tests.fakes.values import failed_reply

CONFIG = ALERTS.replace("Acme Alerts", "Acme News") + ORDERS


@pytest.fixture
def services(tmp_path: Path, redis_url: str) -> Iterator[Services]:
    """With every process at work, and records."""
    made = make_services(tmp_path, redis_url, CONFIG)
    all_at_work(made.store)
    made.records.migrate()
    yield made
    made.close()


@pytest.fixture
def there(
    services: Services, tmp_path: Path, redis_url: str, terminal: Callable[..., Terminal]
) -> Terminal:
    return terminal(
        SMSGATE_CONFIG=str(tmp_path / "config"),
        SMSGATE_DATA_DIR=str(tmp_path / "var"),
        REDIS_URL=redis_url,
        SMSGATE_PUBLIC_URL="https://sms.example.com",
        SMSGATE_SECRET_KEYS="abcdef0123456789" * 2,
        SMSGATE_API_KEYS="a-key-that-is-long-enough-for-tests",
    )


def test_where_all_is_well_a_monitor_is_told_so_and_nothing_else(there: Terminal) -> None:
    assert there.run("doctor", "--monitor") == 0
    assert there.output == "All clear.\n"


def test_the_worst_comes_first_and_each_says_what_mends_it(
    there: Terminal, redis_client: redis.Redis
) -> None:
    redis_client.hset(PARTITION_KEYS[1].reviews, "alerts:+14155550123", "1000-0")
    redis_client.hset(PARTITION_KEYS[1].dead, "1-1-0", failed_reply())
    redis_client.config_set("appendfsync", "everysec")
    assert there.run("doctor", "--monitor") == 2
    lines = there.output.splitlines()
    assert [line.split()[:2] for line in lines[::2]] == [
        ["fault", "reviews:"],
        ["warning", "replies:"],
        ["warning", "store:"],
    ]
    mends = ["`smsgate review list`", "`smsgate replies list --state failed`", "`appendonly yes`"]
    for line, mend in zip(lines[1::2], mends, strict=True):
        assert line.lstrip().startswith(f"→ {mend}")
    assert "+1415" not in there.output


def test_warnings_are_1_for_a_monitor_and_0_for_a_person(
    there: Terminal, redis_client: redis.Redis
) -> None:
    redis_client.hset(PARTITION_KEYS[1].dead, "1-1-0", failed_reply())
    assert there.run("doctor", "--monitor") == 1
    assert there.run("doctor") == 0
    found = there.json("doctor", "--monitor")["results"]
    assert [one["subject"] for one in found] == ["replies"]
    assert there.output.count("→") == 0


def test_a_redis_on_another_host_without_password_or_tls_is_told(there: Terminal) -> None:
    there.environ = {**there.environ, "QUEUE_URL": "redis://redis.invalid:6379/0"}
    found = there.json("doctor", "--monitor")["results"]
    told = [one["text"] for one in found if one["subject"] == "QUEUE_URL"]
    assert len(told) == 2
    assert "without a password" in told[0]
    assert "without TLS" in told[1]
    assert there.run("doctor", "--monitor") == 2
    assert "→ `rediss://USER:PASSWORD@host`" in there.output


def test_password_and_tls_are_asked_of_other_hosts_alone() -> None:
    other = "10.0.0.7:6379"
    quiet = [
        "redis://127.0.0.1:6379/0",
        "redis://localhost/0",
        "redis://[::1]:6379/0",
        "redis://[::1]/0",
        "redis+cluster://127.0.0.1:7000,127.0.0.1:7001",
        "unix:///run/redis.sock",
        f"rediss://:secret@{other}/0",
        f"rediss://{other}/0?password=secret",
        f"rediss+cluster://user:secret@{other},10.0.0.8:6379",
        f"rediss+sentinel://:secret@{other}/ours?sentinel_password=other",
    ]
    assert [exposures(url) for url in quiet] == [[]] * len(quiet)
    for url, count in {
        f"redis://{other}/0": 2,
        "redis://redis:6379/0": 2,
        "redis://[2001:db8::1]:6379/0": 2,
        f"redis://:secret@{other}/0": 1,
        f"redis://user:@{other}/0": 2,
        f"rediss://{other}/0": 1,
        f"redis+cluster://127.0.0.1:7000,{other}": 2,
        f"redis+sentinel://{other}/ours?sentinel_password=other": 2,
    }.items():
        assert len(exposures(url)) == count, url
        assert "secret" not in " ".join(exposures(url))


def test_a_worker_and_a_sender_that_do_not_run_are_faults(
    there: Terminal, services: Services
) -> None:
    for kind in ("worker", "sender"):
        services.store.heartbeats.withdraw(f"{kind} on host-1")
    assert there.run("doctor", "--monitor") == 2
    lines = there.output.splitlines()
    assert [line.split(" is running:")[0].split() for line in lines[::2]] == [
        ["fault", "worker:", "No", "worker"],
        ["fault", "sender:", "No", "sender"],
    ]
    assert lines[1].strip() == "→ `smsgate run worker`"
    assert there.run("doctor") == 2
    assert "web: running: 1 on host-1" in there.output


@pytest.mark.parametrize(
    ("variable", "said"),
    [
        ("SMSGATE_PUBLIC_URL", "SMSGATE_PUBLIC_URL is not set"),
        ("SMSGATE_SECRET_KEYS", "SMSGATE_SECRET_KEYS is not set"),
        ("SMSGATE_API_KEYS", "there is no API key"),
    ],
)
def test_a_variable_that_is_missing_is_named(there: Terminal, variable: str, said: str) -> None:
    there.environ = {name: one for name, one in there.environ.items() if name != variable}
    ((subject, told, _),) = faults_of(there)
    assert subject == "configuration"
    assert told.startswith(said)
    assert there.run("doctor", "--monitor") == 1
    assert there.run("config", "check") == 0
    assert said in there.output


def test_a_program_with_the_name_of_the_example_is_told(there: Terminal, tmp_path: Path) -> None:
    shipped = tomllib.loads((SHIPPED / "smsgate.toml").read_text())
    assert [one["name"] for one in shipped["programs"].values()] == [PLACEHOLDER]
    file = tmp_path / "config" / "smsgate.toml"
    file.write_text(file.read_text().replace("Acme News", PLACEHOLDER))
    ((_, told, _),) = faults_of(there)
    assert told.startswith("program 'alerts' still has the name of the example")


# --- one cause, one line ------------------------------------------------------------------------


def faults_of(there: Terminal) -> list[tuple[str, str, str]]:
    """Subject, sentence and remedy of all that is amiss."""
    found = there.json("doctor", "--monitor")["results"]
    return [(one["subject"], one["text"], one["remedy"]) for one in found]


@pytest.mark.parametrize(
    "url",
    ["redis://127.0.0.1:1/0", "redis+sentinel://127.0.0.1:1/mymaster", "unix:///nowhere.sock"],
)
def test_a_redis_that_is_down_is_one_line(there: Terminal, url: str, redis_url: str) -> None:
    there.environ = {**there.environ, "REDIS_URL": url}
    if "sentinel" in url:
        there.environ |= {"QUEUE_URL": redis_url}
    ((subject, said, mend),) = faults_of(there)
    assert subject == "store"
    assert said.startswith("The store is away: nobody can be texted")
    assert said.count("The store cannot be used: ") == 1
    assert len(said) < 250
    assert mend == "start Redis, or set REDIS_URL"
    assert there.run("doctor") == 2


@pytest.mark.parametrize("cause", CAUSES)
def test_a_redis_that_refuses_writes_is_one_line(
    there: Terminal, redis_client: redis.Redis, cause: str
) -> None:
    """Of the processes, whose heartbeats it does not take either, nothing is said then."""
    for id_ in redis_client.smembers(PROCESSES):
        redis_client.delete(shared_key("process", id_.decode()))
    with CAUSES[cause](redis_client):
        found = there.json("doctor")["results"]
        ((subject, said, mend),) = faults_of(there)
    assert subject == "store"
    assert said.startswith("Redis refuses writes: ")
    assert mend
    assert not {"web", "worker", "processes"} & {one["subject"] for one in found}


def test_a_store_that_is_new_is_one_line(
    there: Terminal, services: Services, redis_client: redis.Redis
) -> None:
    redis_client.flushall()
    all_at_work(services.store)
    ((subject, _, mend),) = faults_of(there)
    assert subject == "store"
    assert mend.endswith("`smsgate init`")


def test_programs_that_no_gate_knows_are_named(there: Terminal, redis_client: redis.Redis) -> None:
    for keys in PARTITION_KEYS:
        redis_client.delete(keys.programs)
    found = faults_of(there)
    assert [subject for subject, _, _ in found] == ["program alerts", "program orders"]
    assert "start the clock" in found[0][2]


def test_a_data_directory_that_cannot_be_written_is_one_line(
    there: Terminal, services: Services
) -> None:
    unwritable = str(services.settings.data_dir / "records.sqlite3")
    there.environ = {
        **there.environ,
        "SMSGATE_DATA_DIR": unwritable,
        "DATABASE_URL": f"sqlite:///{unwritable}",
    }
    found = [one for one in faults_of(there) if one[0] != "configuration"]
    ((subject, said, mend),) = found
    assert subject.startswith("spool of ")
    assert mend.startswith("let SMSGATE_DATA_DIR be a writable folder")
    assert "No message can be kept in the data directory" in said
