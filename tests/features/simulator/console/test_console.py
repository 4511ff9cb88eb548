"""The simulator: a phone on the page that texts us through the real door."""

from __future__ import annotations

import html
import re

import pytest
from werkzeug.serving import make_server

from smsgate.store.keys import partition_of
from smsgate.web import create_app
from tests.fakes.loopback import serving
from tests.fakes.own_services import HERE, make_services
from tests.fakes.served import free_port
from tests.fakes.understanding import TWO, understanding

PATH = "/console/simulator"
HTMX = {"HX-Request": "true"}
NUMBER = "+14155550123"
EVIL = "stop texting me <script>alert(1)</script>"


@pytest.fixture
def services(folder, redis_url):
    url = f"http://127.0.0.1:{free_port()}"
    environ = {
        "SMSGATE_SIMULATOR_TOKEN": "a-token-of-the-simulator-in-tests",
        "SMSGATE_SIMULATOR_URL": f"{url}/simulator",
    }
    made = understanding(make_services(folder, redis_url, TWO, **environ))
    yield made
    made.close()


@pytest.fixture
def server(services):
    """The web process, where the provider's webhooks come to."""
    port = int(services.settings.accounts["simulator"].public_url.rpartition(":")[2])
    server = make_server("127.0.0.1", port, create_app(services), threaded=True)
    with serving(server):
        yield server


@pytest.fixture
def phone(agent):
    """A browser that has one."""
    agent.get(PATH)
    assert agent.post(f"{PATH}/phone", {"region": "US", "number": NUMBER}).status_code == 303
    return agent


def said(answer):
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", answer.text)))


def test_a_text_is_watched_from_the_webhook_to_the_phone(services, server, phone):
    page = phone.get(PATH)
    (sender,) = re.findall(r'<option value="(\+12025550100)"', page.text)
    data = {"text": "stop please", "sender": sender}
    part = phone.post(f"{PATH}/text", data, headers=HTMX)
    assert "<html" not in part.text
    assert "waiting for a worker" in part.text
    assert f'hx-post="{PATH}/watch"' in part.text
    services.applier.drain(partition_of(NUMBER))
    services.sender.drain(partition_of(NUMBER))
    part = phone.post(f"{PATH}/watch", {"text": "stop please"}, headers=HTMX)
    assert "From then on: may not be texted" in said(part)
    assert "Acme Alerts: Uyekile" in said(part)  # the program has Zulu alone
    assert f"{PATH}/watch" not in part.text
    assert "/console/numbers/%2B14155550123" in part.text
    assert (
        services.gate.check_programs(NUMBER, services.settings.programs)["alerts"].allowed is False
    )


def test_it_works_without_scripts(services, server, phone):
    data = {"text": EVIL, "sender": "+12025550100"}
    answer = phone.post(f"{PATH}/text", data)
    assert (answer.status_code, answer.location) == (303, PATH)
    page = phone.get(PATH)
    assert html.escape("<script>alert(1)") in page.text
    assert "<script>alert" not in page.text
    assert "Progress" in page.text


def test_the_second_program_has_its_own_sender(services, server, phone):
    data = {"text": "stop please", "sender": "+14155550888"}
    assert phone.post(f"{PATH}/text", data, headers=HTMX).status_code == 200
    services.applier.drain(partition_of(NUMBER))
    (event,) = services.history.of_number(NUMBER)
    assert event.program == "orders"


@pytest.mark.parametrize(
    "number", ["+14155552671", "nobody", "+447700800123", "+33612345678", "+1415555010"]
)
def test_no_number_that_may_be_somebodys_is_taken(agent, number):
    agent.get(PATH)
    assert agent.post(f"{PATH}/phone", {"region": "US", "number": number}).status_code == 422


def test_another_phone_comes_by_lot_from_the_country_that_is_asked_for(agent):
    agent.get(PATH)
    for region, prefix in (("FR", "+33 6 39 98"), ("GB", "+44 7700 900"), ("XX", "+1 415-555-01")):
        agent.post(f"{PATH}/phone", {"region": region})
        assert prefix in agent.get(PATH).text
    agent.post(f"{PATH}/phone", {"region": "FR"})
    assert "s&#39;il vous plaît" in agent.get(PATH).text


def test_what_cannot_be_sent_is_said(services, phone):
    empty = phone.post(f"{PATH}/text", {"text": " ", "sender": "+12025550100"}, headers=HTMX)
    assert "Enter a text" in empty.text
    odd = phone.post(f"{PATH}/text", {"text": "x", "sender": "+19995550100"}, headers=HTMX)
    assert "belongs to no program" in odd.text
    # nobody serves
    away = phone.post(f"{PATH}/text", {"text": "x", "sender": "+12025550100"}, headers=HTMX)
    assert "did not reach the webhook" in said(away)
    assert services.history.of_number(NUMBER) == []


class TestElsewhere:
    """Without a simulated account, as in production."""

    @pytest.fixture
    def services(self, folder, redis_url):
        made = make_services(folder, redis_url, TWO, **HERE)
        yield made
        made.close()

    def test_the_page_says_how_to_have_one(self, agent):
        page = agent.get(PATH)
        assert page.status_code == 200
        assert "smsgate dev" in page.text
        assert "SMSGATE_SIMULATOR_TOKEN" in page.text
        assert agent.post(f"{PATH}/text", {"text": "stop"}).status_code in (404, 405)
