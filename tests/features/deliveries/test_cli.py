"""``smsgate deliveries``: what waits for an application, and what was given up."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from smsgate.domain.entry_parts import ForwardContent, OriginalRequest
from smsgate.domain.messages import Arrival, Decision, Entry, Intent
from smsgate.process.configuration import load_configuration
from smsgate.process.services import Services, build_services
from smsgate.store.keys import partition_of
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
    assert made.run("records", "migrate") == 0
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
    services.archiver.move_all()
    (one,), _ = services.records.deliveries.page(failed=False)
    return one.id


@pytest.fixture
def dead(services: Services, waits: str) -> str:
    """The id of one that failed."""
    assert services.records.deliveries.fail_old(time.time_ns()) == 1
    services.store.delivery_counts.write(services.records.deliveries.counts())
    return waits


def test_what_waits_is_listed_without_the_providers_request(there: Terminal, waits: str) -> None:
    assert there.run("deliveries", "list") == 0
    for shown in (waits, "alerts", NUMBER, "What time [bold]do[/] you open?"):
        assert shown in there.output

    (told,) = there.json("deliveries", "list")["items"]
    assert (told["id"], told["number"], told["kind"]) == (waits, NUMBER, "text")
    assert told["attempts"] == 0
    assert "hidden" not in there.output


def test_what_was_given_up_is_listed_and_tried_again(there: Terminal, dead: str) -> None:
    assert there.run("deliveries", "list", "--state", "failed") == 0
    assert dead in there.output
    assert there.json("deliveries", "list")["items"] == []
    assert there.run("deliveries", "retry", dead) == 0
    assert there.output == f"Delivery {dead} queued again.\n"
    assert [one["id"] for one in there.json("deliveries", "list")["items"]] == [dead]
