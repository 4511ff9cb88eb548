"""What the doctor, the console and the report say of a provider's own opt-out list."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from smsgate.features.accounts.account_doctor import check_account
from smsgate.features.accounts.doctor import check_everything
from smsgate.features.accounts.operations import ListQuery, list_opt_out_lists
from smsgate.interface.operation import Context
from smsgate.metrics.snapshot import ListComparison, OptOutListState
from smsgate.pipeline.api_keys import Caller
from smsgate.pipeline.services import Services
from tests.fakes.own_services import make_services
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


def told(services: Services, name: str = "bird") -> dict[str, str]:
    """By text its state."""
    found = check_account(services, name)
    return {one.text: one.state for one in found if one.subject == f"opt-out list of {name}"}


def compared(**more: object) -> OptOutListState:
    return OptOutListState(
        comparison=ListComparison(at_s=time.time() - 125, **more), taken=3, reported=1_200
    )


def test_where_both_lists_agree_that_is_said(make) -> None:
    services = make()
    services.store.opt_out_lists.write("bird", compared(listed=4_003))
    assert told(services) == {
        "3 opt-outs were taken from it, 1,200 reported to the provider": "ok",
        "read 2 min ago: 4,003 entries": "ok",
    }


def test_every_difference_is_said_and_what_needs_a_person_is_a_warning(make) -> None:
    services = make()
    state = compared(listed=9, there_only=5, foreign=1, unreadable=4)
    state = OptOutListState(
        comparison=state.comparison,
        is_behind=True,
        refusals={"Bird answered 422: it does not take the number": 7},
        problem="Bird answered 429: too many requests",
    )
    services.store.opt_out_lists.write("bird", state)
    found = told(services)
    assert [text for text, state in found.items() if state == "warning"] == [
        "7 opt-outs of ours are not on it: Bird answered 422: it does not take the number",
        (
            "5 entries are about numbers that came back here since: bird refuses texts to them "
            "until it lifts the entry itself"
        ),
        "4 entries have no readable number",
        "it cannot be compared now: Bird answered 429: too many requests",
    ]
    assert (
        "0 opt-outs were taken from it, 0 reported to the provider; some wait to be told" in found
    )
    assert "1 entries of senders that no program has were left alone" in found
    everything = {one.text for one in check_everything(services) if "opt-out" in one.subject}
    assert everything == {*found}


def test_a_provider_that_only_takes_or_only_gives_is_told_as_such(make) -> None:
    services = make(TWILIO + TELNYX)
    services.store.opt_out_lists.write("twilio", OptOutListState(reported=2))
    services.store.opt_out_lists.write("telnyx", compared())
    assert told(services, "twilio") == {
        "0 opt-outs were taken from it, 2 reported to the provider": "ok",
        "twilio lets nobody read its list: the differences are unknown": "ok",
    }
    assert told(services, "telnyx") == {
        "3 opt-outs were taken from it, none reported": "ok",
        "read 2 min ago: 0 entries": "ok",
    }


def test_a_program_for_any_sender_cannot_be_told_of(make) -> None:
    services = make(TOML.replace('senders  = ["+14155550888"]', 'senders  = ["*"]'))
    (warning,) = [text for text in told(services) if text.startswith("opt-outs of bird_orders")]
    assert warning.endswith("its list needs a number or service in `senders`")


def test_an_account_that_does_not_ask_for_it_has_nothing_to_say(make) -> None:
    assert told(make(TOML.replace("opt_out_list = true", ""))) == {}


def test_the_operation_lists_what_is_known_of_each_account(make) -> None:
    services = make()
    context = Context(services, Caller("ana", "admin"))
    (before,) = list_opt_out_lists.run(context, ListQuery()).items
    assert (before.account, before.taken, before.problem) == ("bird", None, "not compared yet")
    state = OptOutListState(taken=3, refusals={"a": 1, "b": 2})
    services.store.opt_out_lists.write("bird", state)
    (found,) = list_opt_out_lists.run(context, ListQuery()).items
    assert (found.taken, found.refused, found.problem) == (3, 3, "")
