"""Sign-in by a provider of OpenID Connect: who gets in, and what of the provider is refused."""

from __future__ import annotations

import queue
import threading
import urllib.error
import urllib.request
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from smsgate.features.operators import service
from smsgate.records.operator_actions import ActionAuthor
from smsgate.settings import SingleSignOn
from tests.fakes.browser import browser
from tests.fakes.oidc_provider import CLIENT_ID, CLIENT_SECRET, OidcProvider
from tests.fakes.pages import words
from tests.fakes.people import People, put_factor
from tests.fakes.processes import PATIENCE_S

START = "/console/in/provider"


@pytest.fixture
def provider(services):
    """A provider that the configuration names."""
    with OidcProvider() as made:
        found = SingleSignOn(made.issuer, CLIENT_ID, SecretStr(CLIENT_SECRET), "Acme Login")
        object.__setattr__(services.settings, "oidc", found)
        yield made


@pytest.fixture
def maria(services, provider):
    people = People(services.records)
    people.add("maria", "agent", ActionAuthor("the tests"), "Maria@Example.com")
    return people


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def led_back(answer):
    """Go to the provider as a browser does; gives the path that it leads back to."""
    assert answer.status_code == 302, words(answer)
    try:
        urllib.request.build_opener(_Stay).open(answer.location, timeout=10)
    except urllib.error.HTTPError as found:
        back = urlsplit(found.headers["Location"])
        return f"{back.path}?{back.query}"
    raise AssertionError


def sign_in(here):
    return here.get(led_back(here.get(START)))


def sign_out(here):
    here.get("/console/me")  # a page with the token of its forms
    assert here.post("/console/out").location == "/console/in"


def refused(here, answer, why):
    assert (answer.status_code, why in words(answer)) == (403, True)
    assert here.get("/console/me").status_code == 303
    return answer


def test_who_was_added_gets_in_and_has_the_role_of_ours(maria, visitor):
    assert "Sign in with Acme Login" in visitor.get("/console/in").text
    answer = sign_in(visitor)
    assert (answer.status_code, answer.location) == (303, "/console/")
    assert visitor.get("/console/me").status_code == 200
    assert visitor.get("/console/people").status_code == 403  # an agent
    row = maria.named("maria")
    assert len(row.subject) == 64


def test_who_is_connected_is_told(maria, services, visitor, monkeypatch):
    mail = []
    monkeypatch.setattr(service, "send_email", lambda *given: mail.append(given))
    web = replace(services.settings.web, mail=SecretStr("mailto://mail.example.com"))
    object.__setattr__(services.settings, "web", web)
    for _ in range(2):
        sign_in(visitor)
        sign_out(visitor)
    service._notices.submit(int).result(PATIENCE_S)
    assert {to for _, to, *_ in mail} == {"maria@example.com"}
    connected, new_browser = [said for *_, said in mail]
    assert "single sign-on was connected to you (maria@example.com)." in connected
    assert "somebody signed in as you in a new browser" in new_browser


def test_the_subject_counts_from_the_first_sign_in_on(maria, provider, visitor, admin):
    sign_in(visitor)
    provider.claims |= {"email": "maria.new@example.com", "email_verified": False}
    sign_out(visitor)
    assert sign_in(visitor).location == "/console/"
    # Somebody else who has the address now.
    sign_out(visitor)
    provider.claims = {"sub": "2", "email": "maria@example.com", "email_verified": True}
    refused(visitor, sign_in(visitor), "No one in smsgate uses this e-mail address")
    audit = words(admin.get("/console/audit"))
    assert "Single sign-on connected" in audit
    assert "by single sign-on" in audit


@pytest.mark.parametrize("verified", [False, None, "true"])
def test_an_address_that_is_not_verified_counts_for_nothing(maria, provider, visitor, verified):
    provider.claims["email_verified"] = verified
    refused(visitor, sign_in(visitor), "No one in smsgate uses this e-mail address")


def test_who_was_not_added_or_is_deactivated_does_not_get_in(maria, provider, visitor):
    sign_in(visitor)
    sign_out(visitor)
    maria.deactivate("maria", ActionAuthor("the tests"))
    refused(visitor, sign_in(visitor), "No one in smsgate uses this e-mail address")
    provider.claims = {"sub": "3", "email": "eve@example.com", "email_verified": True}
    refused(visitor, sign_in(visitor), "No one in smsgate uses this e-mail address")


def test_a_second_factor_of_ours_is_asked_for(maria, services, visitor):
    put_factor(services.records, maria.named("maria"))
    assert sign_in(visitor).location == "/console/in/code"
    assert "Use a passkey" in visitor.get("/console/in/code").text


def test_a_reset_unbinds(maria, provider, visitor):
    sign_in(visitor)
    maria.reset("maria", ActionAuthor("the tests"), email="m@example.com")
    row = maria.named("maria")
    assert (row.subject, row.email) == ("", "m@example.com")


@pytest.mark.parametrize(
    "wrong",
    [
        {"nonce": "another"},
        {"aud": "another"},
        {"iss": "https://evil.example"},
        {"exp": 1},
        {"sub": None},
    ],
)
def test_a_token_that_is_not_for_this_sign_in_is_refused(maria, provider, visitor, wrong):
    provider.claims |= wrong
    refused(visitor, sign_in(visitor), "did not confirm who you are")


@pytest.mark.parametrize(
    "made",
    [{"is_foreign_key": True}, {"algorithm": "HS256"}, {"metadata": {"issuer": "https://e"}}],
)
def test_a_token_that_the_provider_did_not_sign_is_refused(maria, provider, visitor, made):
    for name, value in made.items():
        setattr(provider, name, value)
    first = visitor.get(START)
    answer = first if first.status_code == 403 else visitor.get(led_back(first))
    refused(visitor, answer, "did not confirm who you are")


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
def test_a_provider_leads_to_no_address_of_another_scheme(maria, provider, visitor, name):
    provider.metadata = {name: "javascript:alert(1)"}
    refused(visitor, visitor.get(START), "did not confirm who you are")


def test_an_answer_of_another_issuer_is_refused(maria, provider, visitor):
    """RFC 9207: the answer names who gave it, always where the provider says that it does."""
    path = led_back(visitor.get(START))
    refused(visitor, visitor.get(f"{path}&iss=https://evil.example"), "did not confirm who you are")
    path = led_back(visitor.get(START))
    assert visitor.get(f"{path}&iss={provider.issuer}").location == "/console/me"
    sign_out(visitor)
    provider.metadata = {"authorization_response_iss_parameter_supported": True}
    refused(visitor, visitor.get(led_back(visitor.get(START))), "did not confirm who you are")


def test_a_clock_that_differs_a_little_is_no_matter(maria, provider, visitor):
    provider.clock_s = 45
    assert sign_in(visitor).location == "/console/"
    sign_out(visitor)
    provider.clock_s = -330  # has expired 30 s ago
    assert sign_in(visitor).location == "/console/"
    sign_out(visitor)
    provider.clock_s = -420
    refused(visitor, sign_in(visitor), "did not confirm who you are")


def test_a_code_counts_once_and_in_its_own_browser(maria, visitor, services):
    path = led_back(visitor.get(START))
    other = browser(services)
    refused(other, other.get(path), "did not confirm who you are")
    assert visitor.get(path).location == "/console/"
    sign_out(visitor)
    refused(visitor, visitor.get(path), "did not confirm who you are")


def test_an_issuer_may_end_in_a_slash(maria, provider, visitor):
    provider.metadata = {"issuer": f"{provider.issuer}/"}
    provider.claims["iss"] = f"{provider.issuer}/"
    for _ in range(2):
        assert sign_in(visitor).location == "/console/"
        sign_out(visitor)
    provider.claims["iss"] = provider.issuer
    refused(visitor, sign_in(visitor), "did not confirm who you are")


def test_a_sign_in_that_begins_disturbs_none_that_ends(maria, provider, visitor, services):
    path = led_back(visitor.get(START))
    other = browser(services)
    provider.metadata = {"issuer": "https://e"}
    refused(other, other.get(START), "did not confirm who you are")
    provider.metadata = {}
    assert visitor.get(path).location == "/console/"


def test_a_provider_that_hangs_holds_few_threads(maria, provider, services):
    provider.answering.clear()
    answers = queue.SimpleQueue()

    def begin(guest):
        answers.put(guest.get(START))

    guests = [browser(services) for _ in range(7)]
    threads = [threading.Thread(target=begin, args=[one]) for one in guests]
    [one.start() for one in threads]
    refusal = answers.get(timeout=PATIENCE_S)  # the first: no request to the provider has ended
    assert refusal.status_code == 429
    assert "try again" in words(refusal)
    assert len(provider.asked) <= 4
    provider.answering.set()
    [one.join() for one in threads]
    assert {answers.get().status_code for _ in range(6)} <= {302, 429}
    assert sign_in(browser(services)).location == "/console/"


def test_what_the_provider_refuses_is_told(maria, visitor):
    answer = visitor.get(f"{START}/back?error=access_denied&error_description=<b>no</b>")
    page = refused(visitor, answer, "did not confirm who you are")
    assert "<b>no</b>" not in page.text


def test_answers_that_nobody_asked_for_fill_no_log_and_reach_no_provider(maria, provider, visitor):
    with capture_logs() as lines:
        for _ in range(30):
            refused(visitor, visitor.get(f"{START}/back?code=x&state=y"), "did not confirm")
    assert 0 < len(lines) < 30
    assert provider.asked == []


def test_while_the_provider_is_away_passwords_go_on(maria, provider, visitor, operator):
    sign_in(visitor)  # what it says of itself is known then
    sign_out(visitor)
    provider.__exit__()
    refused(visitor, visitor.get(START), "Acme Login cannot be reached")
    assert visitor.sign_in(operator("ben", "viewer")).status_code == 303
    provider.__enter__()


def test_without_a_provider_there_is_no_such_page(visitor):
    assert visitor.get(START).status_code == 404
    assert visitor.get(f"{START}/back").status_code == 404
    assert "Sign in with" not in visitor.get("/console/in").text
