"""Setup: what is configured, what came and was refused, and a text to try with."""

from __future__ import annotations

import re

import pytest

from smsgate.domain.errors import StoreUnavailable
from smsgate.features.accounts.console import keys_of
from smsgate.store.account_requests import Quarantine, RefusedRequest
from tests.fakes import manual
from tests.fakes.own_services import ALERTS, HERE, ORDERS, heartbeat, make_services
from tests.fakes.twilio_api import Answer, Drop, TwilioApi

NUMBER = "+14155550123"
SETUP = "/console/setup"
ACCOUNT = f"{SETUP}/accounts/twilio"
SID, TOKEN = "AC" + "5" * 32, "a-token"
MORE = """
double_opt_in = true
contact       = "help@acme.example"

[programs.alerts.replies.en]
opt_out = "{program}: bye <script>alert(1)</script> – really"

[programs.alerts.feed]
url    = "https://crm.acme.example/hooks/very-secret-path"
secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

[accounts.kannel]
provider = "kannel"
secret   = "a-path-secret-of-the-tests"

[accounts.second]
opt_out_list = true
provider    = "twilio"
account_sid = "AC66666666666666666666666666666666"
auth_token  = "another-token"

[accounts.unset]
provider    = "twilio"
account_sid = "${UNSET_ACCOUNT_SID}"
auth_token  = ""
"""


@pytest.fixture
def api():
    with TwilioApi({SID: TOKEN}) as api:
        yield api


@pytest.fixture
def services(folder, redis_url, api):
    toml = ALERTS.replace("[programs", f'api_url = "{api.url}"\n\n[programs')
    made = make_services(folder, redis_url, toml + MORE + ORDERS, **HERE)
    yield made
    made.close()


def ended(browser, path, form) -> str:
    """The page to which a form leads, with what it says."""
    answer = browser.post(path, form)
    assert answer.status_code == 303, answer.text
    return browser.get(answer.location).text


# --- programs and accounts --------------------------------------------------------------------


def test_feeds_and_applications_stand_beside_the_accounts_without_their_secrets(viewer):
    page = viewer.get(SETUP).text
    row = page.partition('aria-label="Feeds and applications"')[2].partition("</table>")[0]
    assert ">Changes of consent</td>" in row
    assert ">https://crm.acme.example/…</td>" in row
    assert "edit <code>[programs.alerts.feed]</code> in smsgate.toml" in row
    assert "very-secret-path" not in page
    assert "whsec_" not in page


def test_programs_are_shown_as_they_are_configured(viewer):
    page = viewer.get(SETUP).text
    assert "Acme Alerts" in page
    assert "Acme &lt;b&gt;Orders&lt;/b&gt; &amp; &#34;Co&#34;" in page
    page = viewer.get(f"{SETUP}/programs/alerts").text
    assert "help@acme.example" in page
    assert "https://crm.acme.example/…" in page
    assert "very-secret-path" not in page
    assert "whsec_" not in page


def test_an_account_says_what_to_give_the_provider_and_what_is_set(viewer, services):
    keys = {one.name: rest for one, *rest in keys_of(services.settings.accounts["twilio"])}
    assert keys["auth_token"] == [True, 1, ""]
    assert keys["account_sid"] == [True, 1, SID]
    page = viewer.get(ACCOUNT).text
    assert 'value="http://localhost/webhooks/twilio"' in page
    assert SID in page
    assert TOKEN not in page
    assert "No refused requests" in page
    assert "Send me a test" not in page
    page = viewer.get(f"{SETUP}/accounts/kannel").text
    assert 'value="http://localhost/webhooks/kannel/SECRET"' in page
    assert "a-path-secret" not in page
    page = viewer.get(f"{SETUP}/accounts/unset").text
    assert "Webhooks get 503" in page
    assert "account_sid = &#34;${UNSET_ACCOUNT_SID}&#34;" in page, "as the file has it"


def test_what_there_is_not_is_not_found(viewer):
    for path in ("accounts/nobody", "programs/nobody", "nothing"):
        assert viewer.get(f"{SETUP}/{path}").status_code == 404


def test_a_refused_request_is_explained(viewer, services):
    finding = "The signature fits <b>another address</b>."
    causes = {
        "url": "a proxy changed scheme or host",
        "account": "swapped",
        "clock": "clock is wrong",
        "": "forgery",
        "newer": "another address",
    }
    for cause in causes:
        more = {"signatures": {"x-twilio-signature": 28}, "fields": ("From", "Body")}
        refused = RefusedRequest("No.", finding, "POST", f"https://x/{cause}", cause=cause, **more)
        services.store.quarantine.add("twilio", refused)
    page = viewer.get(ACCOUNT).text
    for said in causes.values():
        assert said in page
    assert "<b>another" not in page
    assert page.count("x-twilio-signature (28 characters)") == len(causes)


def test_where_the_store_is_away_the_configuration_is_shown_all_the_same(viewer, monkeypatch):
    def away(*_):
        raise StoreUnavailable("Redis is away")

    monkeypatch.setattr(Quarantine, "newest", away)
    answer = viewer.get(ACCOUNT)
    assert answer.status_code == 200
    assert "Redis is away" in answer.text
    assert SID in answer.text


def test_an_admin_has_an_account_checked_as_the_command_line_does(admin, viewer, api):
    admin.get(ACCOUNT)
    answer = admin.post(f"{ACCOUNT}/check")
    assert "all that twilio needs has the right shape" in answer.text
    assert "no request was verified in the last 30 days" in answer.text
    viewer.get(ACCOUNT)
    assert viewer.post(f"{ACCOUNT}/check").status_code == 403


def test_what_the_doctor_finds_is_a_page(viewer):
    page = viewer.get(f"{SETUP}/doctor").text
    assert "Redis answers" in page
    assert "account &#39;unset&#39; has no secret" in page
    assert page.index("warning</span>") < page.index("ok</span>")


def test_the_doctors_page_has_the_processes_by_kind_and_host(viewer, services, monkeypatch):
    now_us = services.store.heartbeats.now_us()
    web = heartbeat("web", "web-1", software="0.9.1", started_us=now_us - 7_200_000_000)
    services.store.heartbeats.beat(web, 600)
    services.store.heartbeats.beat(heartbeat("sender", "web-2"))
    services.store.heartbeats.withdraw(heartbeat("sender", "web-2").id)
    table = viewer.get(f"{SETUP}/doctor").text.partition("<h2>Processes</h2>")[2]
    found = re.findall(r'<tr role="row">\s*(<th scope="row".*?)</tr>', table, re.DOTALL)
    rows = [re.sub(r"\s*<[^>]+>\s*", " ", row) for row in found]
    assert [re.sub(r"\w+ \d+, \d\d:\d\d UTC ", "", " ".join(row.split())) for row in rows] == [
        "web web-1 7 0.9.1 v1 2 hours ago",
        "worker not running",
        "sender not running Last seen on web-2.",
        "clock not running",
    ]

    def away():
        raise StoreUnavailable("Redis is away")

    monkeypatch.setattr(services.store.heartbeats, "snapshot", away)
    assert "Unknown: the store cannot be reached" in viewer.get(f"{SETUP}/doctor").text


# --- a test text ------------------------------------------------------------------------------

TEXT = {"number": "(415) 555-0123", "sender": "+14155550999"}


def test_a_test_text_leaves_by_the_provider_and_is_on_record(admin, services, api):
    admin.get(ACCOUNT)
    page = ended(admin, f"{ACCOUNT}/test", TEXT)
    assert "Sent. The text should arrive within a minute." in page
    [call] = api.wait_for(1)
    assert call.form["To"] == NUMBER
    assert call.form["From"] == "+14155550999"
    assert "test text" in call.form["Body"]
    [event] = services.history.of_number(NUMBER)
    assert (event.kind, event.outcome, event.note) == ("reply", "sent", "a test, by admin")
    assert event.provider_id == call.sid


def test_a_click_twice_sends_it_once(admin, services, api):
    admin.get(ACCOUNT)
    ended(admin, f"{ACCOUNT}/test", TEXT)
    answer = admin.post(f"{ACCOUNT}/test", TEXT)
    assert answer.status_code == 429
    assert len(api.wait_for(1)) == 1


def test_nobody_who_opted_out_gets_one(admin, services, api):
    manual.opt_out(services, NUMBER, "all", "the tests", "")
    admin.get(ACCOUNT)
    answer = admin.post(f"{ACCOUNT}/test", TEXT)
    assert answer.status_code == 409
    assert "nothing was sent" in answer.text
    assert not api.calls
    assert [one.by for one in services.store.refusals.newest()] == ["console"]


def test_where_the_gate_cannot_tell_nothing_is_sent(admin, redis_client, api):
    admin.get(ACCOUNT)
    redis_client.flushall()
    assert admin.post(f"{ACCOUNT}/test", TEXT).status_code == 503
    assert not api.calls


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"number": "12"}, 422),
        ({"sender": "+14155550888"}, 303),
        ({"sender": " "}, 422),
    ],
)
def test_what_cannot_be_sent_says_what_would_be_right(admin, api, change, status):
    admin.get(ACCOUNT)
    answer = admin.post(f"{ACCOUNT}/test", TEXT | {"number": NUMBER} | change)
    assert answer.status_code == status
    assert bool(api.calls) == (status == 303)


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (Answer(400, code=21211), "The provider refused the text"),
        (Answer(429, code=20429), "The text was not accepted"),
        (Drop(), "It is unknown whether the text was sent"),
    ],
)
def test_what_the_provider_answers_is_said(admin, services, api, step, said):
    api.script(step)
    admin.get(ACCOUNT)
    assert said in ended(admin, f"{ACCOUNT}/test", TEXT)
    assert len(services.history.of_number(NUMBER)) == 1


def test_an_opt_out_that_only_the_provider_has_suppresses(admin, services, api):
    api.opted_out.add(NUMBER)
    admin.get(ACCOUNT)
    assert "now suppressed here too" in ended(admin, f"{ACCOUNT}/test", TEXT)
    assert not services.gate.allows(NUMBER, program="alerts")
