from __future__ import annotations

import time

import pytest

from smsgate import Gate
from smsgate.domain.errors import InvalidNumber, LinksNotReady, UnknownProgram
from smsgate.features.links.page import open_link, opt_out
from smsgate.links import Links
from tests.fakes.own_services import ALERTS, NEW, OLD, PUBLIC_URL, make_services

NUMBER = "+14155550123"


@pytest.fixture
def services(tmp_path, redis_url):
    made = make_services(tmp_path, redis_url)
    yield made
    made.close()


def token_of(link: str) -> str:
    assert link.startswith(f"{PUBLIC_URL}/o/")
    return link.rpartition("/")[2]


def test_a_gate_in_another_program_makes_links_that_the_page_takes(services, redis_url) -> None:
    gate = Gate.from_url(redis_url, links=Links(PUBLIC_URL, [NEW]))
    opened = open_link(services.settings, token_of(gate.link("+1 415 555 0123", "alerts")))
    assert (opened.number, opened.program.name) == (NUMBER, "alerts")


def test_a_gate_makes_no_link_for_what_does_not_exist(services, redis_url) -> None:
    gate = Gate.from_url(redis_url, links=Links(PUBLIC_URL, [NEW]))
    with pytest.raises(UnknownProgram):
        gate.link(NUMBER, "nothing")
    with pytest.raises(InvalidNumber):
        gate.link("4155550123", "alerts")
    with pytest.raises(LinksNotReady):
        Gate.from_url(redis_url).link(NUMBER, "alerts")


def test_the_second_link_of_a_program_asks_nobody(services, redis_url) -> None:
    gate = Gate.from_url(redis_url, links=Links(PUBLIC_URL, [NEW]))
    gate.link(NUMBER, "alerts")
    gate._numbers = None
    assert gate.link("+14155550124", "alerts")


def test_a_renamed_program_still_owns_its_links(tmp_path, redis_url) -> None:
    made = make_services(tmp_path, redis_url, ALERTS + 'formerly = ["news"]')
    token = token_of(Links(PUBLIC_URL, [OLD]).make(NUMBER, "news", time.time()))
    assert open_link(made.settings, token).program.name == "alerts"
    made.close()


def test_a_link_of_a_program_that_is_gone_still_stops_everything(services) -> None:
    token = token_of(Links(PUBLIC_URL, [NEW]).make(NUMBER, "gone", time.time()))
    opened = open_link(services.settings, token)
    assert opened.program is None
    assert opt_out(services.settings, services.store, opened, "", "en") == "all"
    assert not services.gate.allows(NUMBER, program="orders")
