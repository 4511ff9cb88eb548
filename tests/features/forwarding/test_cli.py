"""``smsgate deliveries``: what waits for an application, and what was given up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from smsgate.domain.entry_parts import ForwardContent, OriginalRequest
from smsgate.domain.messages import Arrival, Decision, Entry, Intent
from smsgate.pipeline import forwards
from smsgate.pipeline.configuration import load_configuration
from smsgate.pipeline.services import Services, build_services
from smsgate.store.keys import PARTITION_KEYS, partition_of
from tests.cli.conftest import CONFIG, Terminal

NUMBER = "+14155550123"
FORWARD = """
[programs.alerts.forward]
url = "https://app.example.com/sms"
as  = "original"
"""
POSTED = OriginalRequest("POST", "application/x-www-form-urlencoded", b"Body=Hello&AddOns=hidden")


@pytest.fixture
def there(redis_url: str, tmp_path: Path, terminal: Callable[..., Terminal]) -> Terminal:
    """A terminal beside a store that is ready, with an application that nobody calls."""
    text = (CONFIG / "smsgate.toml").read_text(encoding="utf-8")
    (tmp_path / "smsgate.toml").write_text(text + FORWARD, encoding="utf-8")
    made = terminal(
        SMSGATE_CONFIG=str(tmp_path), REDIS_URL=redis_url, SMSGATE_DATA_DIR=str(tmp_path / "var")
    )
    assert made.run("init") == 0
    return made


@pytest.fixture
def services(there: Terminal) -> Iterator[Services]:
    made = build_services(load_configuration(there.environ))
    yield made
    made.close()


@pytest.fixture
def waits(services: Services) -> str:
    """The id of a message that waits for the application."""
    entry = Entry(
        number=NUMBER,
        program="alerts",
        decision=Decision(Intent.NONE, rule="nothing_known"),
        account="twilio",
        sender="+14155550999",
        text="What time [bold]do[/] you open?",
        forward_content=ForwardContent(posted=POSTED),
    )
    services.store.inbox.add([Arrival(entry)])
    services.applier.drain(partition_of(NUMBER))
    (one,) = services.store.forwards.waiting(partition_of(NUMBER))
    return one.id


@pytest.fixture
def dead(services: Services, waits: str, redis_client) -> str:
    """The id of one that was given up."""
    redis_client.zadd(PARTITION_KEYS[partition_of(NUMBER)].forwards_since, {waits: 1})
    assert forwards.give_up_old(services.store) == 1
    return waits


@pytest.mark.parametrize("command", ["list", "retry", "dismiss"])
def test_every_command_has_help_with_an_example(there: Terminal, command: str) -> None:
    assert there.run("deliveries", command, "--help") == 0
    assert f"Example: smsgate deliveries {command}" in there.output


def test_what_waits_is_listed_without_the_providers_request(there: Terminal, waits: str) -> None:
    assert there.run("deliveries", "list") == 0
    for shown in (waits, "alerts", NUMBER, "What time [bold]do[/] you open?"):
        assert shown in there.output

    (told,) = there.json("deliveries", "list")["items"]
    assert (told["id"], told["number"], told["intent"]) == (waits, NUMBER, "none")
    assert told["attempts"] == 0
    assert "hidden" not in there.output


def test_where_nothing_waits_it_says_so(there: Terminal) -> None:
    for arguments in ((), ("--state", "failed")):
        assert there.run("deliveries", "list", *arguments) == 0
        assert there.output.strip() == "No texts for applications."
        assert there.json("deliveries", "list", *arguments)["items"] == []


def test_what_was_given_up_is_listed_and_tried_again(there: Terminal, dead: str) -> None:
    assert there.run("records", "migrate") == 0
    assert there.run("deliveries", "list", "--state", "failed") == 0
    assert dead in there.output
    assert there.json("deliveries", "list")["items"] == []
    assert there.run("deliveries", "retry", dead) == 0
    assert there.output == f"Text {dead} queued again.\n"
    assert [one["id"] for one in there.json("deliveries", "list")["items"]] == [dead]
    assert there.run("history", NUMBER) == 0
    assert "Forwarded to your application for alerts; queued again" in there.output


def test_what_was_given_up_can_be_dismissed_once(there: Terminal, dead: str) -> None:
    assert there.run("deliveries", "dismiss", dead) == 0
    assert "not in the audit log" in there.errors  # its tables are not there; it is done
    assert there.run("deliveries", "dismiss", dead) == 2
    assert "someone else retried or dismissed it first" in there.errors.replace("\n", " ").lower()


def test_an_id_that_is_none_is_refused(there: Terminal) -> None:
    for id_ in ("", "x", "99-1-1", "3-1795534079000-000000"):
        assert there.run("deliveries", "retry", id_) == 2


def test_forgetting_says_that_messages_do_not_go_on(there: Terminal, waits: str) -> None:
    assert there.run("records", "migrate") == 0
    assert there.run("forget", NUMBER, "--yes") == 0
    assert "1 that awaited an application do not go there any more" in there.output.replace(
        "\n", " "
    )
    assert there.json("deliveries", "list")["items"] == []


def test_the_doctor_tells_of_what_was_given_up(there: Terminal, dead: str) -> None:
    there.run("doctor")
    assert "1 message couldn't be delivered to your application" in there.output.replace("\n", " ")


def test_the_report_tells_how_much_waits_and_was_given_up(there: Terminal, dead: str) -> None:
    assert there.run("records", "migrate") == 0
    assert there.json("report")["forwards"] == {"waiting": 0, "oldest_minutes": 0, "given_up": 1}
    assert there.run("report") == 0
    assert "Messages for applications: 0 waiting, the oldest for 0 min; 1 failed" in there.output
