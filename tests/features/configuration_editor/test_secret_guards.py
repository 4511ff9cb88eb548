"""Secrets of accounts: each has a variable of its own, and goes to no other host unasked."""

from __future__ import annotations

import pytest

from smsgate.features.configuration_editor.secret_files import variable_of, variable_of_table
from smsgate.features.configuration_editor.service import ConfigurationEditor
from smsgate.features.configuration_editor.sources import ConfigurationChange
from smsgate.providers import PROVIDERS
from tests.fakes.own_services import ready_services

GATEWAY = "https://gateway.example/sendsms"
FILE = f"""
[accounts.acme-webhook]
provider = "kannel"
send_url = "{GATEWAY}"
username = "u"
password = "in-the-file"
secret   = "twenty-two-characters-of-a-file-0"

[accounts.named]
provider    = "twilio"
account_sid = "AC55555555555555555555555555555555"
auth_token  = "${{SMSGATE_ACCOUNT_NEWS_AUTH_TOKEN}}"

[programs.alerts]
name     = "Acme Alerts"
account  = "named"
senders  = ["*"]
keywords = ["zu"]
"""
PASSWORD = variable_of("own", "password")
SECRET = variable_of("own", "secret")
SECRETS = {PASSWORD: "the-password", SECRET: "a-Random-text-of-9-many-Characters"}
OWN = {
    "provider": "kannel",
    "send_url": GATEWAY,
    "username": "u",
    "password": f"${{{PASSWORD}}}",
    "secret": f"${{{SECRET}}}",
}


@pytest.fixture
def environ(tmp_path, redis_url):
    (tmp_path / "smsgate.toml").write_text(FILE)
    return {
        "SMSGATE_CONFIG": str(tmp_path),
        "SMSGATE_DATA_DIR": str(tmp_path / "var"),
        "REDIS_URL": redis_url,
        "SMSGATE_PUBLIC_URL": "https://sms.example.com",
        "SMSGATE_ACCOUNT_NEWS_AUTH_TOKEN": "from-outside",
    }


@pytest.fixture
def editor(environ):
    with ready_services(environ) as services:
        yield ConfigurationEditor(services, environ)


def faults(editor, table, values, secrets=None):
    """The problem at each key of a table that the console sets to these values."""
    made = ConfigurationChange({table: values}, editor.sources().version)
    found = editor.check(made, secrets).faults
    return {one.key.removeprefix(f"{table}."): one.problem for one in found}


def save(editor, table, values, secrets=None):
    made = ConfigurationChange({table: values}, editor.sources().version)
    return editor.save(made, "ann", secrets=secrets)


# --- one variable for one secret ------------------------------------------------------------------


def test_two_accounts_do_not_share_a_variable(editor):
    variable = variable_of("acme", "webhook_secret")
    assert variable == variable_of("acme-webhook", "secret")
    new = {
        "provider": "azure",
        "endpoint": "https://acme.example",
        "access_key": f"${{{variable_of('acme', 'access_key')}}}",
        "webhook_secret": f"${{{variable}}}",
    }
    secrets = {variable_of("acme", "access_key"): "a2V5", variable: "sixteen-letters-or-more"}
    told = faults(editor, "accounts.acme", new, secrets)
    assert told == {
        "webhook_secret": f"would use {variable}, which is the variable of "
        "accounts.acme-webhook.secret: give the account another name"
    }


def test_a_variable_that_another_account_names_is_not_taken(editor):
    token = variable_of("news", "auth_token")
    new = {"provider": "twilio", "account_sid": "AC" + "6" * 32, "auth_token": f"${{{token}}}"}
    told = faults(editor, "accounts.news", new)
    assert "which is the variable of accounts.named.auth_token" in told["auth_token"]


def test_accounts_that_share_a_variable_already_are_changed_but_for_it(editor, tmp_path):
    save(editor, "accounts.own", OWN, SECRETS)
    file = tmp_path / "smsgate.toml"
    file.write_text(file.read_text().replace('"in-the-file"', f'"${{{PASSWORD}}}"'))
    assert faults(editor, "accounts.own", OWN | {"rate": 2.0}) == {}
    told = faults(editor, "accounts.own", OWN, {PASSWORD: "another"})
    assert "which is the variable of accounts.acme-webhook.password" in told["password"]


# --- one host for one secret ----------------------------------------------------------------------


def test_a_secret_goes_to_another_host_only_if_it_is_entered_again(editor):
    save(editor, "accounts.own", OWN, SECRETS)
    told = "is needed again, since send_url names another host"
    for url in (
        "https://thief.example/sendsms",
        "http://gateway.example/sendsms",
        "https://gateway.example:444/sendsms",
        "https://gateway.example@thief.example/sendsms",
    ):
        assert faults(editor, "accounts.own", OWN | {"send_url": url}) == {"password": told}
    elsewhere = OWN | {"send_url": "https://thief.example/sendsms"}
    assert faults(editor, "accounts.own", elsewhere, {PASSWORD: "another"}) == {}
    assert faults(editor, "accounts.own", OWN | {"send_url": f"{GATEWAY}/v2"}) == {}


def test_a_secret_goes_to_another_host_by_no_two_steps(editor):
    save(editor, "accounts.own", OWN, SECRETS)
    save(editor, "accounts.own", None)
    elsewhere = OWN | {"send_url": "https://thief.example/sendsms"}
    assert "needed again" in faults(editor, "accounts.own", elsewhere)["password"]
    as_form = elsewhere | {"provider": "jasmin"}
    assert "needed again" in faults(editor, "accounts.own", as_form)["password"]


def test_a_removal_is_undone_without_its_secrets(editor):
    save(editor, "accounts.own", OWN, SECRETS)
    removed = save(editor, "accounts.own", None)
    assert "own" not in editor.settings().accounts
    assert editor.check(editor.undo(removed.version)).faults == []
    editor.save(editor.undo(removed.version), "ann")
    account = editor.settings().accounts["own"]
    assert account.values_of("password") == ["the-password"]


def test_an_older_removal_is_undone_only_with_the_secret_of_that_host(editor):
    save(editor, "accounts.own", OWN, SECRETS)
    first = save(editor, "accounts.own", None)
    elsewhere = OWN | {"send_url": "https://newer.example/sendsms"}
    save(editor, "accounts.own", elsewhere, SECRETS | {PASSWORD: "the-newer-password"})
    save(editor, "accounts.own", None)
    (fault,) = editor.check(editor.undo(first.version)).faults
    assert "is needed again, since send_url names another host" in fault.problem


def test_a_mail_server_that_was_removed_comes_back_with_its_password(editor):
    variable = variable_of_table("alerts.email", "password")
    mail = {"host": "mail.example.com", "from": "a@example.com", "to": ["b@example.com"]}
    mail |= {"user": "u", "password": f"${{{variable}}}"}
    save(editor, "alerts.email", mail, {variable: "of-the-server"})
    removed = save(editor, "alerts.email", None)
    thief = faults(editor, "alerts.email", mail | {"host": "thief.example"})
    assert "needed again" in thief["password"]
    editor.save(editor.undo(removed.version), "ann")
    assert editor.settings().alerts.email.password.value == "of-the-server"


def test_a_secret_of_the_file_stays_with_the_host_of_the_file(editor, environ):
    table, variable = "accounts.acme-webhook", variable_of("acme-webhook", "password")
    thief = {"send_url": "https://thief.example/"}
    assert "needed again" in faults(editor, table, thief)["password"]
    environ[variable] = "x"
    told = faults(editor, table, thief | {"password": f"${{{variable}}}"})
    assert "change send_url in smsgate.toml" in told["password"]
    del environ[variable]
    save(editor, table, thief | {"password": f"${{{variable}}}"}, {variable: "mine"})
    assert "needed again" in faults(editor, table, thief)["password"]
    assert faults(editor, table, None) == {}


def test_a_new_account_may_have_its_secret_in_the_environment(editor, environ):
    environ |= {PASSWORD: "x"}
    assert faults(editor, "accounts.own", OWN, {SECRET: SECRETS[SECRET]}) == {}


def test_each_address_of_a_provider_has_a_secret_that_goes_to_it():
    addresses = {
        (provider.name, field.name)
        for provider in PROVIDERS.values()
        for field in provider.fields
        if field.pattern.startswith("http") and not field.secret
    }
    guarded = {
        (provider.name, key)
        for provider in PROVIDERS.values()
        for field in provider.fields
        for key in field.goes_to
    }
    assert len(addresses) == 5
    assert addresses <= guarded
