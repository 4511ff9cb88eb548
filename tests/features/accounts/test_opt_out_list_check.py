"""What the doctor and the console say of a provider's own opt-out list."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from smsgate.features.accounts.doctor import Doctor
from smsgate.metrics.snapshot import ListComparison, OptOutListState
from smsgate.process.services import Services
from tests.fakes.own_services import make_part, make_services
from tests.features.provider_lists.conftest import ACCOUNT, ACCOUNTS

TOML = ACCOUNT % {"name": "bird", "url": "", "keys": ACCOUNTS["bird"]}
TWILIO = ACCOUNT % {"name": "twilio", "url": "", "keys": ACCOUNTS["twilio"]}
TELNYX = ACCOUNT % {"name": "telnyx", "url": "", "keys": ACCOUNTS["telnyx"]}


@pytest.fixture
def make(tmp_path, redis_url) -> Iterator[object]:
    made: list[Services] = []

    def services(toml: str = TOML) -> Services:
        made.append(make_services(tmp_path, redis_url, toml))
        return made[-1]

    yield services
    for one in made:
        one.close()


def told(services: Services, name: str = "bird") -> list[tuple[str, str]]:
    """States and texts."""
    found = make_part(services, Doctor).check_account(name)
    return [(one.state, one.text) for one in found if one.subject == f"opt-out list of {name}"]


def compared(**more: object) -> OptOutListState:
    return OptOutListState(
        comparison=ListComparison(at_s=time.time() - 125, **more), taken=3, reported=1_200
    )


def test_every_difference_is_said_of_the_account_and_of_everything(make) -> None:
    services = make()
    services.store.opt_out_lists.write(compared(listed=4_003), "bird")
    well = "3 were taken from it, 1,200 told to it; it was read 2 min ago"
    assert told(services) == [("ok", well)]
    state = OptOutListState(
        comparison=compared(listed=9, there_only=5, unreadable=4).comparison,
        refusals={"Bird answered 422: it does not take the number": 7},
        problem="Bird answered 429: too many requests",
        taken=3,
    )
    services.store.opt_out_lists.write(state, "bird")
    said = (
        "7 opt-outs of ours are not on it: Bird answered 422: it does not take the number; "
        "5 entries are about numbers that came back here since: bird refuses texts to them "
        "until it lifts the entry itself; 4 entries have no readable number; "
        "it cannot be compared now: Bird answered 429: too many requests"
    )
    assert told(services) == [("warning", said)]
    assert said in [one.text for one in make_part(services, Doctor).check_everything()]


def test_what_cannot_be_read_or_was_not_yet_is_no_difference(make) -> None:
    services = make(TWILIO + TELNYX)
    services.store.opt_out_lists.write(OptOutListState(reported=2), "twilio")
    assert told(services, "twilio") == [("ok", "0 were taken from it, 2 told to it")]
    assert told(services, "telnyx") == [("warning", "not compared yet: is the clock at work?")]
    services.store.opt_out_lists.write(OptOutListState(), "telnyx")
    ((state, text),) = told(services, "telnyx")
    assert (state, "never read to its end" in text) == ("warning", True)


def test_a_program_for_any_sender_cannot_be_told_of(make) -> None:
    services = make(TOML.replace('senders  = ["+14155550888"]', 'senders  = ["*"]'))
    ((state, text),) = told(services)
    assert state == "warning"
    assert text.startswith("opt-outs of bird_orders cannot be told to the provider: its list needs")


def test_an_account_that_does_not_ask_for_it_has_nothing_to_say(make) -> None:
    assert told(make(TOML.replace("opt_out_list = true", ""))) == []
