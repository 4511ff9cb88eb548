"""Programs, replies and accounts are changed in the pages, by keyboard, and texts follow."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import ClassVar
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import Page, expect

from smsgate.pipeline.services import Services
from smsgate.providers.calls import FORM
from smsgate.providers.twilio import Twilio
from smsgate.settings import Account, Secret
from tests.browser.acting import fits, picture, press, says
from tests.browser.conftest import Site
from tests.browser.test_pages import barriers
from tests.fakes.loopback import LoopbackApi, QuietHandler
from tests.fakes.mail_server import MailServer
from tests.fakes.processes import wait_until

pytestmark = pytest.mark.full

Visit = Callable[..., Page]
SENDER = "+12025550177"
SID, TOKEN = "AC" + "7" * 32, "the-token-of-the-second-account"
WORDING = "{program}: you are out, wording of the console."


def fill(page: Page, label: str, value: str) -> None:
    """Type into a field by keyboard alone."""
    field = page.get_by_label(label, exact=True)
    field.focus()
    field.press("Control+a")
    page.keyboard.type(value)


def save(page: Page) -> None:
    """Save what a page shows, and wait until every process has it."""
    says(page, "Nothing is saved yet.")
    assert barriers(page) == []
    press(page.get_by_role("button", name="Save and apply"))
    says(page, "Saved as version")
    expect(page.locator("main")).to_contain_text(
        re.compile(r"All \d+ processes run version"), timeout=60_000
    )
    assert barriers(page) == []


def text(site: Site, words: str, number: str, to: str) -> None:
    """Be a subscriber of the program that has the sender."""
    command = [sys.executable, "-m", "smsgate.cli", "text", words, "--from", number, "--to", to]
    environ = {**os.environ, "SMSGATE_DATA_DIR": str(site.directory)}
    subprocess.run(command, env=environ, check=True, capture_output=True, timeout=60)


@pytest.fixture
def reverted(services: Services, site: Site) -> Iterator[None]:
    """Gives up what the console changed when a journey ends."""
    yield
    newest = services.records.configuration_versions.newest()
    content = newest.content if newest else ""
    tables = re.findall(r"^\[((?:programs|accounts|alerts)\.[\w-]+)", content, re.MULTILINE)
    if tables:
        command = [sys.executable, "-m", "smsgate.cli", "config", "revert", *dict.fromkeys(tables)]
        environ = {**os.environ, "SMSGATE_DATA_DIR": str(site.directory)}
        subprocess.run(command, env=environ, check=False, capture_output=True, timeout=60)


def test_a_text_to_a_program_of_the_console_is_answered_in_its_own_words(
    visit: Visit, services: Services, site: Site, reverted: None
) -> None:
    page = visit("/console/setup", width=360)
    press(page.get_by_role("link", name="Add a program"))
    page.wait_for_url("**/new-program")
    assert barriers(page) == []
    fill(page, "Name in the configuration", "news")
    fill(page, "Name", "Acme News")
    fill(page, "Senders", SENDER)
    fill(page, "Keyword sets", "en")
    press(page.get_by_role("button", name="Review changes"))
    says(page, "Nothing is saved yet.")
    expect(page.locator(".diff .added").filter(has_text="Acme News")).to_be_visible()
    save(page)
    page.go_back()  # the preview answered a form, which the browser would ask to send once more
    page.wait_for_url("**/console/setup/changes")
    says(page, "Changes")

    page.goto("/console/setup/programs/news/replies/en")
    fill(page, "Opt-out confirmation", WORDING)
    expect(page.locator("#preview")).to_contain_text("Acme News: you are out")
    expect(page.locator("#preview")).to_contain_text("1 segment: 47 of 160 characters")
    picture(page, "replies")
    assert barriers(page) == []
    press(page.get_by_role("button", name="Review changes"))
    save(page)

    number = "+14155559701"
    text(site, "Stop please", number, SENDER)  # the bare word is answered by the provider

    def replies() -> list[str]:
        events = services.history.of_number(number)
        return [one.reply.text for one in events if one.reply is not None]

    assert wait_until(lambda: bool(replies()), 60)
    assert replies()[0] == "Acme News: you are out, wording of the console."
    assert services.gate.check([number], program="news")[0].allowed is False


def test_on_a_phone_a_program_is_edited_warned_and_undone(visit: Visit, reverted: None) -> None:
    page = visit("/console/setup/programs/alerts/edit", width=360, forgiven=("422",))
    assert fits(page)
    assert barriers(page) == []
    fill(page, "Region (optional)", "us")
    fill(page, "Contact (optional)", "help@acme.example")
    page.get_by_label("A STOP ends").select_option("program")
    press(page.get_by_role("button", name="Review changes"))
    says(page, "Nothing was saved.")
    expect(page.locator("#region-wrong")).to_contain_text("This is no region")
    assert page.get_by_label("Contact (optional)").input_value() == "help@acme.example"
    assert fits(page)
    assert barriers(page) == []
    picture(page, "program-fault")
    fill(page, "Region (optional)", "US")
    press(page.get_by_role("button", name="Review changes"))
    says(page, "a STOP to Acme Alerts ends Acme Alerts alone")
    assert fits(page)
    picture(page, "program-check")
    press(page.get_by_role("button", name="Continue editing"))
    says(page, "Edit Acme Alerts")
    assert page.get_by_label("Contact (optional)").input_value() == "help@acme.example"
    press(page.get_by_role("button", name="Review changes"))
    fill(page, "Why (for those who read the history)", "the new desk")
    save(page)
    says(page, "the new desk")
    assert fits(page)
    press(page.get_by_role("button", name="Undo…"))
    says(page, "Nothing is saved yet.")
    save(page)
    page.goto("/console/setup/changes")
    says(page, "undoes version")
    assert fits(page)
    assert barriers(page) == []


def test_of_two_who_change_a_program_the_second_is_told(visit: Visit, reverted: None) -> None:
    path = "/console/setup/programs/alerts/edit"
    first, second = visit(path), visit(path)
    for page, contact in ((first, "first@acme.example"), (second, "second@acme.example")):
        fill(page, "Contact (optional)", contact)
        press(page.get_by_role("button", name="Review changes"))
        says(page, "Nothing is saved yet.")
    press(first.get_by_role("button", name="Save and apply"))
    says(first, "Saved as version")
    press(second.get_by_role("button", name="Save and apply"))
    says(second, "admin saved version")
    expect(second.locator(".diff .removed").filter(has_text="first@acme")).to_be_visible()
    press(second.get_by_role("button", name="Save and apply"))
    says(second, "Saved as version")
    second.goto(path)
    assert second.get_by_label("Contact (optional)").input_value() == "second@acme.example"


def test_an_account_is_added_and_turns_green_at_the_first_text(
    visit: Visit, services: Services, site: Site, reverted: None
) -> None:
    page = visit("/console/setup", width=360, forgiven=("422",))
    press(page.get_by_role("link", name="Add an account"))
    press(page.get_by_label("Provider", exact=True), "Tab")
    page.get_by_label("Provider", exact=True).select_option("twilio")
    press(page.get_by_role("button", name="Continue"))
    says(page, "Add an account: Twilio")
    fill(page, "Name", "second")
    fill(page, "Account SID", "AC12")
    fill(page, "Auth token", TOKEN)
    assert barriers(page) == []
    assert fits(page)
    press(page.get_by_role("button", name="Save and apply"))
    expect(page.locator("#account_sid-wrong")).to_contain_text("must be AC")
    says(page, "Enter it again")
    assert barriers(page) == []
    picture(page, "account-fault")
    fill(page, "Account SID", SID)
    fill(page, "Auth token", TOKEN)
    press(page.get_by_role("button", name="Save and apply"))
    says(page, "Connect second")
    says(page, "Waiting for the first text")
    address = page.locator("#webhook").input_value()
    assert address == f"{site.url}/webhooks/second"
    assert fits(page)
    assert barriers(page) == []
    picture(page, "connect")
    file = site.directory / "secrets" / "SMSGATE_ACCOUNT_SECOND_AUTH_TOKEN"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600

    account = Account("second", "twilio", {"account_sid": SID}, {"auth_token": (Secret(TOKEN),)})
    form = {"AccountSid": SID, "MessageSid": "SM" + "1" * 32, "From": "+14155559702",
            "To": "+12025550178", "Body": "HELLO", "NumSegments": "1"}  # fmt: skip
    body = urlencode(form).encode()
    headers = {"Content-Type": FORM, **Twilio().sign(address, body, account)}

    def accepted() -> bool:
        """Whether the process that answered has the account: each follows within a second."""
        request = urllib.request.Request(address, body, headers)
        with suppress(urllib.error.HTTPError), urllib.request.urlopen(request, timeout=10) as found:
            return bool(found.status == 200)
        return False

    assert wait_until(accepted)
    says(page, "Text received")
    picture(page, "connected")
    page.goto("/console/")
    says(page, "System status")
    assert page.get_by_text("Waiting for the first text").count() == 0


def invite(page: Page, server: MailServer) -> str:
    """Add a person whose link goes by the mail server; gives the link."""
    page.goto("/console/people")
    box = page.locator("form[action$='/people/add']")
    for label, value in (("Name", "paula"), ("Send the link by e-mail to", "paula@acme.example")):
        box.get_by_label(label).focus()
        page.keyboard.type(value)
    assert barriers(page) == []
    assert fits(page)
    press(box.get_by_role("button", name="Add"))
    expect(page.locator("body")).to_contain_text("Sent a link to paula@acme.example")
    assert server.messages[-1].to == ("paula@acme.example",)
    found = re.search(r"http\S+/console/password/\S+", server.messages[-1].message.get_content())
    assert found
    return found[0]


def test_alerts_by_email_are_set_up_tested_and_removed(
    visit: Visit, services: Services, site: Site, reverted: None
) -> None:
    page = visit("/console/setup", width=360, forgiven=("422",))
    press(page.get_by_role("link", name="Alerts", exact=True))
    says(page, "No one is notified when something fails")
    assert barriers(page) == []
    press(page.get_by_role("link", name="E-mail"))
    with MailServer() as server:
        fill(page, "To", "ops@acme.example")
        fill(page, "From", "smsgate")
        fill(page, "Mail server", "127.0.0.1")
        press(page.get_by_label("Encryption"), "Tab")
        page.get_by_label("Encryption").select_option("none")
        fill(page, "Port (optional)", str(server.port))
        assert barriers(page) == []
        assert fits(page)
        press(page.get_by_role("button", name="Save and apply"))
        expect(page.locator("#from-wrong")).to_contain_text("is no e-mail address")
        assert barriers(page) == []
        picture(page, "alert-fault")
        fill(page, "From", "smsgate@acme.example")
        press(page.get_by_role("button", name="Save and apply"))
        says(page, "Saved as version")
        expect(page.locator("main")).to_contain_text(
            re.compile(r"All \d+ processes run version"), timeout=60_000
        )
        picture(page, "alerts")
        press(page.get_by_role("button", name=re.compile("Send a test *: E-mail")))
        says(page, "Sent by the clock at")
        assert barriers(page) == []
        assert fits(page)
        picture(page, "alert-test")
        assert [one.to for one in server.messages] == [("ops@acme.example",)]
        link = invite(page, server)
        page.goto("/console/setup/alerts")
    press(page.get_by_role("button", name=re.compile("Send a test *: E-mail")))
    says(page, "cannot be reached")
    press(page.get_by_role("button", name=re.compile("Remove… *E-mail")))
    says(page, "no destination is left")
    save(page)
    page.goto("/console/setup/alerts")
    says(page, "No one is notified when something fails")
    page.goto(link)
    says(page, "paula")


class Received(QuietHandler):
    """Keeps each request, and answers as it is told to."""

    requests: ClassVar[list[tuple[str, bytes]]] = []
    status: ClassVar[int] = 202

    def _answer(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        self.requests.append((self.path, self.rfile.read(size)))
        self.send_response(self.status)
        self.send_header("Content-Length", "1")
        self.end_headers()
        self.wfile.write(b"0")

    do_GET = do_POST = _answer  # noqa: N815 - as http.server names them


@pytest.fixture
def receiver() -> Iterator[LoopbackApi]:
    """An HTTP server that alerts are sent to."""
    Received.requests, Received.status = [], 202
    with LoopbackApi(Received) as api:
        yield api


def applied(page: Page) -> None:
    """Wait until every process has what was saved."""
    says(page, "Saved as version")
    expect(page.locator("main")).to_contain_text(
        re.compile(r"All \d+ processes run version"), timeout=60_000
    )
    assert barriers(page) == []
    assert fits(page)


def send_test(page: Page, title: str) -> None:
    """Send a test alert by a destination."""
    press(page.get_by_role("button", name=re.compile(f"Send a test *: {title}")))
    says(page, f"Test: {title}")


def test_alerts_by_webhook_are_set_up_tested_and_removed(
    visit: Visit, site: Site, receiver: LoopbackApi, reverted: None
) -> None:
    page = visit("/console/setup/alerts", width=360, forgiven=("422",))
    press(page.get_by_role("link", name="Webhook"))
    says(page, "Send alerts by webhook")
    press(page.get_by_role("button", name="Save and apply"))  # nothing was typed
    fill(page, "URL", "no address at all")
    press(page.get_by_role("button", name="Save and apply"))
    expect(page.locator("#url-wrong")).to_contain_text("is no web address")
    assert barriers(page) == []
    assert fits(page)
    fill(page, "URL", f"{receiver.url}/hooks/of-the-desk")
    press(page.get_by_role("button", name="Save and apply"))
    applied(page)
    expect(page.locator("main")).not_to_contain_text("of-the-desk")  # it is a secret
    says(page, "HTTP, not encrypted")
    send_test(page, "Webhook")
    says(page, "Sent by the clock at")
    assert fits(page)
    assert barriers(page) == []
    (path, body) = Received.requests[-1]
    assert path == "/hooks/of-the-desk"
    assert "test" in json.loads(body)["text"].lower()

    Received.status = 500
    send_test(page, "Webhook")
    says(page, "the webhook answered 500")
    press(page.get_by_role("button", name=re.compile("Remove… *Webhook")))
    save(page)
    page.goto("/console/setup/alerts")
    says(page, "No one is notified when something fails")


def test_alerts_by_text_go_out_by_an_account_of_the_console(
    visit: Visit, services: Services, receiver: LoopbackApi, reverted: None
) -> None:
    page = visit("/console/setup/new-account?provider=kannel", width=360, forgiven=("422",))
    fill(page, "Name", "gateway")
    fill(page, "Send URL", f"{receiver.url}/cgi-bin/sendsms")
    fill(page, "Username", "tester")
    fill(page, "Password", "of-the-gateway")
    press(page.get_by_role("button", name="Save and apply"))
    says(page, "Connect gateway")

    page.goto("/console/setup/alerts")
    press(page.get_by_role("link", name="Text message"))
    fill(page, "To", "+14155559801")
    page.keyboard.press("Enter")
    page.keyboard.type("5559802")
    page.get_by_label("Account", exact=True).select_option("gateway")
    fill(page, "From", "+12025550177")
    press(page.get_by_role("button", name="Save and apply"))
    expect(page.locator("#to-wrong")).to_contain_text("5559802")
    assert barriers(page) == []
    assert fits(page)
    fill(page, "To", "+14155559801")
    page.keyboard.press("Enter")
    page.keyboard.type("+14155559802")
    press(page.get_by_role("button", name="Save and apply"))
    applied(page)
    services.manual.opt_out("+14155559802", "all", "admin", "no alerts for them")
    send_test(page, "Text message")
    says(page, "Sent by the clock at")
    assert fits(page)
    sent = [parse_qs(urlsplit(path).query) for path, _ in Received.requests]
    assert [(one["to"], one["from"]) for one in sent] == [(["+14155559801"], ["+12025550177"])]
    assert "test" in sent[0]["text"][0].lower()

    Received.status = 403
    send_test(page, "Text message")
    says(page, "username, password or the route to this number is wrong")
    press(page.get_by_role("button", name=re.compile("Remove… *Text message")))
    save(page)


def test_a_viewer_sees_changes_and_makes_none(visit: Visit) -> None:
    page = visit("/console/setup", role="viewer")
    assert page.get_by_role("link", name="Add a program").count() == 0
    page.goto("/console/setup/programs/alerts")
    assert page.get_by_role("link", name="Edit").count() == 0
    page.goto("/console/setup/changes")
    assert page.get_by_role("button", name="Revert…").count() == 0
