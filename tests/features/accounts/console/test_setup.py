"""Setup: what is configured, and what came and was refused."""

from __future__ import annotations

import re
from unittest.mock import Mock

import pytest

from smsgate.domain.errors import StoreUnavailable
from smsgate.features.accounts.console import keys_of
from smsgate.store.account_requests import Quarantine, RefusedRequest
from tests.fakes.own_services import ALERTS, HERE, ORDERS, heartbeat, make_services
from tests.fakes.twilio_api import TwilioApi

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


def test_lines_for_an_account_name_its_secrets_by_variables(viewer):
    page = viewer.get(f"{SETUP}/add?provider=twilio&name=eu").text
    assert "[accounts.eu]" in page
    assert "auth_token = &#34;${EU_AUTH_TOKEN}&#34;" in page
    assert "There is no provider" in viewer.get(f"{SETUP}/add?provider=nobody").text


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
    assert "missing" in page


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
    monkeypatch.setattr(Quarantine, "newest", Mock(side_effect=StoreUnavailable("Redis is away")))
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
    assert "Account unset has no secret" in page
    assert page.index("warning</span>") < page.index("ok</span>")


def test_the_doctors_page_has_the_processes_by_kind_and_host(viewer, services, monkeypatch):
    now_us = services.store.health.now_us()
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
        "sender not running",
        "clock not running",
    ]
    away = Mock(side_effect=StoreUnavailable("Redis is away"))
    monkeypatch.setattr(services.store.heartbeats, "snapshot", away)
    assert "Unknown: the store cannot be reached" in viewer.get(f"{SETUP}/doctor").text
