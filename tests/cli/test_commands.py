"""The commands around a store: what they say, and the exit codes that scripts rely on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from smsgate.consent.events import PublishedProgram
from smsgate.domain.errors import StoreUnavailable
from smsgate.domain.messages import Arrival, Decision, Entry, Intent
from smsgate.metrics.counters import GATE, by_family
from smsgate.process.configuration import load_configuration
from smsgate.process.services import build_services
from smsgate.store.connection import open_redis
from smsgate.store.keys import partition_of
from smsgate.store.programs import StorePrograms
from smsgate.store.store import Store
from tests.cli.conftest import Terminal
from tests.fakes import manual
from tests.fakes.own_services import all_at_work

NUMBER, OTHER = "+14155550123", "+14155550124"


@pytest.fixture
def ready(redis_url: str, tmp_path: Path, terminal: Callable[..., Terminal]) -> Terminal:
    """A terminal beside a store that is ready, and where nobody works on the inbox."""
    there = terminal(REDIS_URL=redis_url, SMSGATE_DATA_DIR=str(tmp_path))
    assert there.run("init") == 0
    return there


def opt_out(there: Terminal, number: str) -> None:
    """Opt a number out and apply it, as a worker would."""
    services = build_services(load_configuration(there.environ))
    manual.opt_out(services, number, "all", "tests", "asked by phone")
    for partition in range(16):
        services.applier.drain(partition)
    services.close()


def test_all_allowed_is_0_some_blocked_1_and_no_number_2(ready: Terminal) -> None:
    opt_out(ready, NUMBER)
    assert ready.run("check", OTHER, "--program", "alerts") == 0
    assert ready.run("check", OTHER, NUMBER, "--program", "alerts") == 1
    assert ready.run("check", OTHER, "12345", NUMBER, "--program", "alerts") == 2


def test_a_check_says_why_and_since_when(ready: Terminal) -> None:
    opt_out(ready, NUMBER)
    ready.run("check", OTHER, NUMBER)
    allowed, blocked = ready.output.splitlines()
    assert allowed == f"{OTHER}  allowed"
    assert blocked.startswith(f"{NUMBER}  blocked opted_out_all since 20")


def test_a_check_as_json_keeps_the_order_asked(ready: Terminal) -> None:
    opt_out(ready, NUMBER)
    answer = ready.json("check", NUMBER, OTHER, "12345")
    assert isinstance(answer, dict)
    assert answer["program"] == "alerts"
    results = [(one["number"], one["allowed"], one["reason"]) for one in answer["results"]]
    assert results == [
        (NUMBER, False, "opted_out_all"),
        (OTHER, True, ""),
        ("12345", None, "invalid"),
    ]


def test_a_command_that_looks_does_not_count_as_a_send(ready: Terminal, redis_url: str) -> None:
    opt_out(ready, NUMBER)
    for command in (["check", NUMBER, OTHER], ["status", NUMBER], ["history", NUMBER], ["doctor"]):
        ready.run(*command)
    counted = by_family(Store(open_redis(redis_url)).metrics.sums())
    assert counted["events"]
    assert not counted[GATE.name]


COULD_NOT_TELL = [
    ("nothing listens there", {"REDIS_URL": "redis://127.0.0.1:1/0"}, "cannot be used"),
    ("REDIS_URL is rubbish", {"REDIS_URL": "http://x"}, "redis://"),
]


@pytest.mark.parametrize(
    ("environ", "said"), [row[1:] for row in COULD_NOT_TELL], ids=[row[0] for row in COULD_NOT_TELL]
)
def test_what_cannot_be_told_is_2_and_says_why(
    terminal: Callable[..., Terminal], environ: dict[str, str], said: str
) -> None:
    there = terminal(**environ)
    assert there.run("check", NUMBER, "--program", "alerts") == 2
    assert said in there.errors


def test_a_flushed_store_is_2_and_never_allowed(ready: Terminal, redis_client: redis.Redis) -> None:
    redis_client.flushall()
    for named in ([], ["--program", "alerts"]):
        assert ready.run("check", NUMBER, *named) == 2
        assert "allowed" not in ready.output
        assert "no metadata" in ready.errors


def test_an_unknown_program_is_2_and_of_several_one_is_to_be_named(
    ready: Terminal, redis_url: str
) -> None:
    assert ready.run("check", NUMBER, "--program", "nope") == 2
    assert "nope" in ready.errors
    StorePrograms(open_redis(redis_url)).publish({"orders": PublishedProgram()})
    assert ready.run("check", NUMBER) == 2
    assert "--program alerts|orders" in ready.errors
    assert ready.run("check", NUMBER, "--program", "orders") == 0


def test_a_check_needs_no_configuration_and_takes_its_redis_from_a_file(
    ready: Terminal, terminal: Callable[..., Terminal], tmp_path: Path
) -> None:
    (tmp_path / "url").write_text(ready.environ["REDIS_URL"] + "\n")
    there = terminal(SMSGATE_CONFIG="/nowhere", REDIS_URL_FILE=str(tmp_path / "url"))
    assert there.run("check", NUMBER) == 0


def test_where_no_dev_runs_any_more_it_is_not_texted(
    tmp_path: Path, terminal: Callable[..., Terminal]
) -> None:
    there = terminal(SMSGATE_DATA_DIR=str(tmp_path))
    assert there.run("text", "stop") == 2
    assert "start `smsgate dev`" in there.errors


def test_where_neither_dev_nor_a_redis_is_it_says_so(
    tmp_path: Path, terminal: Callable[..., Terminal], monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: str) -> None:
        raise StoreUnavailable("nothing listens there")

    monkeypatch.setattr("smsgate.cli.check.open_redis", away)
    there = terminal(SMSGATE_DATA_DIR=str(tmp_path))
    assert there.run("check", NUMBER, "--program", "alerts") == 2
    assert "No `smsgate dev` runs here, and REDIS_URL is not set." in there.errors
    named = terminal(SMSGATE_DATA_DIR=str(tmp_path), REDIS_URL="redis://127.0.0.1:1/0")
    assert named.run("check", NUMBER, "--program", "alerts") == 2
    assert "No `smsgate dev`" not in named.errors


def test_init_makes_a_new_store_as_it_was_told_and_says_so(
    redis_url: str, tmp_path: Path, terminal: Callable[..., Terminal]
) -> None:
    there = terminal(REDIS_URL=redis_url, SMSGATE_DATA_DIR=str(tmp_path))
    assert there.run("init", "--buckets", "64") == 0
    said = " ".join(there.output.split())
    assert "new and empty, and so are the records at sqlite:///" in said
    assert "DATABASE_URL or REDIS_URL is wrong" in said
    store = Store(open_redis(redis_url))
    assert store.numbers.bucket_count() == 64
    assert there.run("init") == 0  # one that is ready stays as it is
    assert "ready already" in there.output
    assert Store(open_redis(redis_url)).numbers.bucket_count() == 64
    assert there.run("init", "--buckets", "0") == 2


@pytest.mark.parametrize(
    "command",
    [
        ["init"],
        ["rebuild", "--adopt", "--allow-empty"],
        ["records", "adopt", "--reason", "an upgrade"],
        ["lock", NUMBER, "--reason", "asked by phone"],
        ["replies", "list"],
        ["check", NUMBER, "--program", "alerts"],
        ["doctor"],
    ],
    ids=" ".join,
)
def test_no_command_works_on_a_store_of_0_2(
    redis_url: str,
    redis_client: redis.Redis,
    tmp_path: Path,
    terminal: Callable[..., Terminal],
    command: list[str],
) -> None:
    there = terminal(REDIS_URL=redis_url, SMSGATE_DATA_DIR=str(tmp_path))
    redis_client.hset("smsgate:{0}:marker", mapping={"store": "a", "layout": 1, "ready": 1})
    assert there.run(*command) == 2
    said = " ".join((there.output + there.errors).split())
    assert "Redis has a store of smsgate 0.1 or 0.2, which 0.3 does not read" in said
    assert "docs/upgrading.md" in said
    assert redis_client.keys() == [b"smsgate:{0}:marker"]


def test_status_shows_each_program(ready: Terminal) -> None:
    opt_out(ready, NUMBER)
    assert ready.run("status", NUMBER) == 0
    assert ready.output.startswith("alerts  blocked opted_out_all since 20")
    assert ready.run("status", "12345") == 2
    assert "12345" in ready.errors


def test_history_shows_what_happened(ready: Terminal) -> None:
    opt_out(ready, NUMBER)
    assert ready.run("history", NUMBER) == 0
    assert "Opted out for all programs; applied" in ready.output
    assert "tests entered this. Note: asked by phone." in ready.output
    (event,) = ready.json("history", NUMBER)["events"]  # type: ignore[call-overload,index]
    assert (event["number"], event["actor"]) == (NUMBER, "tests")
    assert ready.run("history", OTHER) == 0
    assert ready.output == "Nothing is recorded of it.\n"


def test_what_a_text_matched_is_told_without_the_rule_s_own_words(ready: Terminal) -> None:
    services = build_services(load_configuration(ready.environ))
    decision = Decision(
        Intent.OPT_OUT, rule="how_to_leave", keyword="{no} ~1 {msg}", note="of a rule"
    )
    entry = Entry(NUMBER, "alerts", decision, text="no more of these", scope="all")
    services.store.inbox.add([Arrival(entry)])
    services.applier.drain(partition_of(NUMBER))
    services.close()
    for command in (["check", NUMBER, "--program", "alerts"], ["status", NUMBER]):
        ready.run(*command)
        assert ready.output.endswith("Z (asks how to opt out)\n")
    assert ready.run("history", NUMBER) == 0
    assert "“no more of these”. Reason for the decision: asks how to opt out." in ready.output
    assert "{no}" not in ready.output
    assert "of a rule" not in ready.output


def test_the_doctor_is_content_with_our_own_redis(ready: Terminal) -> None:
    assert ready.run("records", "migrate") == 0
    assert ready.run("doctor") == 2
    assert "No smsgate process is running" in ready.output
    all_at_work(Store(open_redis(ready.environ["REDIS_URL"])))
    assert ready.run("doctor") == 0
    found = ready.json("doctor")["results"]
    states = {one["subject"]: one["state"] for one in found if one["subject"] != "configuration"}
    assert states == {
        "account twilio": "warning",
        "store": "ok",
        "queue": "ok",
        "spool": "ok",
        "records": "ok",
        "program alerts": "ok",
        "web": "ok",
        "worker": "ok",
        "sender": "ok",
        "clock": "ok",
        "processes": "ok",
    }


def test_dev_says_in_a_sentence_that_its_data_directory_cannot_be_used(
    terminal: Callable[..., Terminal],
) -> None:
    there = terminal()
    assert there.run("dev", "--data-dir", "/proc/smsgate") == 2
    (line,) = there.errors.splitlines()
    assert "no message can be kept in the data directory /proc/smsgate (" in line


def test_a_configuration_in_order_is_0_with_its_warnings(
    terminal: Callable[..., Terminal],
) -> None:
    there = terminal()
    assert there.run("config", "check") == 0
    assert "'twilio' has no secret" in there.output
