"""Destinations of alerts set up in the console: forms, secrets, what the file has."""

from __future__ import annotations

import html
import re

import pytest

from smsgate.domain.errors import ConfigurationError
from smsgate.features.configuration_editor.sources import ConfigurationChange
from tests.fakes.pages import words

ALERTS = "/console/setup/alerts"
URL = "https://hooks.example.com/services/T0/very-secret"
WEBHOOK = "SMSGATE_ALERTS_WEBHOOK_URL"
PASSWORD = "SMSGATE_ALERTS_EMAIL_PASSWORD"
EMAIL = {
    "to": "ops@acme.example\nboss@acme.example",
    "from": "smsgate@acme.example",
    "host": "mail.acme.example",
    "tls": "starttls",
    "port": "",
    "user": "smsgate",
    "password": "the-mail-password",
    "base": "0",
}
TEXT = {"to": "+14155550123", "account": "twilio", "from": "+14155550100", "base": "0"}
FILE = """
[alerts.email]
host = "mail.file.example"
from = "a@file.example"
to = ["ops@file.example"]
user = "u"
password = "in-the-file"
"""


def test_a_webhook_is_added_and_its_address_is_never_shown(admin, editor, folder):
    assert "No one is notified when something fails" in words(admin.get(ALERTS))
    answer = admin.post(f"{ALERTS}/webhook/edit", {"url": URL, "base": "0"})
    assert answer.status_code == 303, answer.text
    assert editor.sources().tables == {"alerts.webhook": {"url": f"${{{WEBHOOK}}}"}}
    assert (folder / "var" / "secrets" / WEBHOOK).read_text() == f"{URL}\n"
    assert editor.settings().alerts.webhook.value == URL
    for path in (answer.location, f"{ALERTS}/webhook/edit", "/console/setup/changes/1"):
        page = admin.get(path)
        assert page.status_code == 200
        assert "very-secret" not in page.text
    assert "https://hooks.example.com/…" in words(admin.get(ALERTS))
    assert "the console" in words(admin.get(ALERTS))


def test_a_mailbox_is_added_with_its_password_in_a_file(admin, editor, folder):
    answer = admin.post(f"{ALERTS}/email/edit", EMAIL)
    assert answer.status_code == 303, answer.text
    mailbox = editor.settings().alerts.email
    assert mailbox.to == ("ops@acme.example", "boss@acme.example")
    assert (mailbox.host, mailbox.port, mailbox.tls) == ("mail.acme.example", 587, "starttls")
    assert mailbox.password.value == "the-mail-password"
    assert (folder / "var" / "secrets" / PASSWORD).stat().st_mode & 0o777 == 0o600
    page = admin.get(f"{ALERTS}/email/edit")
    assert "the-mail-password" not in page.text
    assert "Set; leave empty to keep it" in page.text
    # Without the password, as the page shows it.
    changed = EMAIL | {"password": "", "to": "ops@acme.example", "base": "1"}
    assert admin.post(f"{ALERTS}/email/edit", changed).status_code == 303
    mailbox = editor.settings().alerts.email
    assert mailbox.to == ("ops@acme.example",)
    assert mailbox.password.value == "the-mail-password"


def test_numbers_to_text_are_added(admin, editor):
    assert admin.post(f"{ALERTS}/text/edit", TEXT).status_code == 303
    found = editor.settings().alerts.text
    assert (found.account, found.sender, found.to) == ("twilio", "+14155550100", ("+14155550123",))


def test_a_fault_is_at_its_field_and_nothing_is_saved(admin, editor, folder):
    good = {"webhook": {"url": URL}, "email": EMAIL, "text": TEXT}
    for kind, form, key, told in (
        ("webhook", {"url": ""}, "url", "Required."),
        ("webhook", {"url": "hooks.example.com"}, "url", "is no web address"),
        ("email", {"to": ""}, "to", "Required."),
        ("email", {"to": "ops"}, "to", "is no e-mail address"),
        ("email", {"host": "https://mail"}, "host", "is no host"),
        ("email", {"port": "many"}, "port", "from 1 to 65535"),
        ("email", {"port": "70000"}, "port", "at most 65535"),
        ("email", {"password": ""}, "user", "belong together"),
        ("email", {"tls": "none"}, "tls", "would let the password be read"),
        ("email", {"from": "${HOME}"}, "from", "names a variable"),
        ("text", {"to": "tomorrow"}, "to", "is no phone number"),
        ("text", {"account": "nobody"}, "account", "there is no account"),
    ):
        page = admin.post(f"{ALERTS}/{kind}/edit", good[kind] | form)
        assert page.status_code == 422
        found = re.search(rf'id="{key}-wrong">([^<]*)<', page.text)
        assert found, (kind, key, words(page))
        assert told in html.unescape(found[1]).replace("There", "there"), (kind, key)
    assert editor.sources().version == 0
    assert not (folder / "var" / "secrets" / PASSWORD).exists()


def test_a_password_goes_to_no_other_mail_server(admin, editor):
    admin.post(f"{ALERTS}/email/edit", EMAIL)
    elsewhere = EMAIL | {"host": "mail.evil.example", "password": "", "base": "1"}
    page = admin.post(f"{ALERTS}/email/edit", elsewhere)
    assert page.status_code == 422
    assert "is needed again" in page.text
    # Nor by two steps: first without it, then with it and no other server.
    values = dict(editor.sources().tables["alerts.email"]) | {"host": "mail.evil.example"}
    password = values.pop("password")
    values.pop("user")
    editor.save(ConfigurationChange({"alerts.email": values}, 1), "admin")
    again = values | {"user": "smsgate", "password": password}
    with pytest.raises(ConfigurationError, match="needed again"):
        editor.save(ConfigurationChange({"alerts.email": again}, 2), "admin")
    entered = elsewhere | {"password": "another", "base": "2"}
    assert admin.post(f"{ALERTS}/email/edit", entered).status_code == 303
    assert editor.settings().alerts.email.password.value == "another"


def test_a_destination_of_the_file_is_changed_over_it_and_reverted(admin, editor, folder):
    file = folder / "config" / "smsgate.toml"
    file.write_text(file.read_text() + FILE)
    assert "smsgate.toml" in words(admin.get(ALERTS))
    assert "Remove…" not in admin.get(ALERTS).text
    form = EMAIL | {
        "to": "boss@file.example",
        "from": "a@file.example",
        "host": "mail.file.example",
        "user": "u",
        "password": "",
    }
    answer = admin.post(f"{ALERTS}/email/edit", form)
    assert answer.status_code == 303, words(answer)
    assert editor.sources().tables == {"alerts.email": {"to": ["boss@file.example"]}}
    assert "smsgate.toml, changed in the console" in words(admin.get(ALERTS))
    stolen = form | {"host": "mail.evil.example", "base": "1"}
    page = admin.post(f"{ALERTS}/email/edit", stolen)
    assert "is that of the file, for its server" in page.text
    review = admin.post("/console/setup/changes/revert", {"table": "alerts.email"})
    assert "in-the-file" not in review.text
    assert "ops@file.example" in review.text


def test_a_destination_of_the_console_is_removed(admin, editor):
    admin.post(f"{ALERTS}/text/edit", TEXT)
    assert "Remove…" in admin.get(ALERTS).text
    page = admin.post("/console/setup/changes/revert", {"table": "alerts.text"})
    assert "no destination is left" in words(page)
    form = {"base": "1", "removed": "alerts.text", "content": "", "note": "gone"}
    assert admin.post("/console/setup/changes/save", form).status_code == 303
    assert editor.settings().alerts.text is None
    assert "Changed the configuration" in words(admin.get("/console/audit"))


def test_an_empty_user_takes_the_password_out(admin, editor):
    admin.post(f"{ALERTS}/email/edit", EMAIL)
    form = EMAIL | {"user": "", "password": "", "base": "1"}
    assert admin.post(f"{ALERTS}/email/edit", form).status_code == 303
    mailbox = editor.settings().alerts.email
    assert (mailbox.user, mailbox.password) == ("", None)


def test_only_admins_change_destinations(agent, viewer):
    for one in (agent, viewer):
        assert one.get(f"{ALERTS}/webhook/edit").status_code == 403
        assert one.post(f"{ALERTS}/webhook/edit", {"url": URL}).status_code == 403
        assert one.post(f"{ALERTS}/webhook/test", {}).status_code == 403
        assert "Add a destination" not in one.get(ALERTS).text


def test_there_are_three_kinds(admin):
    assert admin.get(f"{ALERTS}/pigeon/edit").status_code == 404
    assert admin.post(f"{ALERTS}/pigeon/test", {}).status_code == 404
