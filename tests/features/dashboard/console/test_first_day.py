"""The path of the first day on the home page: it stays until a real provider's text came."""

from __future__ import annotations

import pytest

from smsgate.domain.errors import StoreUnavailable
from smsgate.domain.messages import Intent
from smsgate.store.account_requests import Acceptance
from tests.fakes.own_services import HERE, make_services
from tests.fakes.pages import words
from tests.fakes.values import entry
from tests.records.values import event, lines

UNSET = """
[accounts.twilio]
provider    = "twilio"
account_sid = "${NO_SUCH_SID}"
auth_token  = "${NO_SUCH_TOKEN}"
"""
PROGRAM = """
[programs.alerts]
name = "Acme Alerts"
account = "twilio"
senders = ["*"]
keywords = ["en"]
"""


@pytest.fixture
def home(signed_in):
    return lambda role="admin": words(signed_in(role).get("/console/"))


@pytest.fixture
def services(folder, redis_url, password_hash, request):
    made = make_services(folder, redis_url, getattr(request, "param", UNSET + PROGRAM), **HERE)
    yield made
    made.close()


def test_each_step_says_whether_it_is_done_and_leads_there(signed_in):
    page = signed_in("admin").get("/console/")
    told = words(page)
    assert "Done Account twilio" in told
    assert "To do Secret Until it is set, requests get 503" in told
    assert "Done Program" in told
    assert "http://localhost/webhooks/twilio" in told
    assert "Waiting for the first text" in told
    assert 'href="/console/setup/accounts/twilio"' in page.text
    viewer = signed_in("viewer").get("/console/")
    assert "To do Secret" in words(viewer)
    assert "/console/setup/accounts/twilio" not in viewer.text


@pytest.mark.parametrize("services", [""], indirect=True)
def test_without_an_account_one_is_added_first(home):
    told = home()
    assert "To do Account None yet. Add an account" in told
    assert "To do Program" in told


def test_it_stays_until_a_request_of_the_provider_came(services, home, signed_in):
    assert "Set up" in home()
    services.store.acceptance.note("twilio", newest=True, several=False)
    assert "Waiting for the first text" not in words(signed_in("viewer").get("/console/"))


def test_it_does_not_come_back_while_the_records_know_of_one(services, home):
    told = event(1, entry=entry(Intent.OPT_OUT, account="twilio"))
    services.records.writer.keep({0: lines(told)})
    assert "Waiting for the first text" not in home()


def test_texts_of_the_simulator_are_no_real_ones(services, home):
    services.store.acceptance.note("simulator", newest=True, several=False)
    told = event(1, entry=entry(Intent.OPT_OUT, account="simulator"))
    services.records.writer.keep({0: lines(told)})
    assert "Waiting for the first text" in home()


def test_where_it_is_unknown_nothing_is_said(home, monkeypatch):
    def away(*_):
        raise StoreUnavailable("Redis is away")

    monkeypatch.setattr(Acceptance, "last", away)
    assert "Waiting for the first text" not in home()


KANNEL = '[accounts.kannel]\nprovider = "kannel"\nsecret = "a-path-secret-of-the-tests-9Kx"\n'


@pytest.mark.parametrize("services", [KANNEL], indirect=True)
def test_a_secret_at_the_end_of_the_address_is_not_shown(home):
    told = home()
    assert "http://localhost/webhooks/kannel/SECRET" in told
    assert "a-path-secret" not in told
