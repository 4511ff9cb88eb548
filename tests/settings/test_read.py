from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from smsgate.settings import Account, Program
from smsgate.settings.read import read_settings
from tests.settings.conftest import Read, secret_keys

ROOT = Path(__file__).parents[2]

FULL = """
[accounts.twilio]
provider = "twilio"
account_sid = "${SID}"
auth_token = "${TOKEN}"
public_url = "https://${HOST}/sms/"
api_url = "http://127.0.0.1:9/"
algorithm = "hmac-sha1"

[accounts.other]
provider = "sms77"
auth_token = "not declared secret there"

[programs.alerts]
name = "Acme Alerts"
account = "twilio"
senders = ["+1 (555) 000-1111", "555-000-2222", "12345", "MG1f", "*", "12345"]
keywords = ["en", "es"]
kind = "service"
scope = "program"
region = "US"
confirm = "never"
formerly = ["news"]
opt_out_words = ["QUIT"]
templates = ["Your code is …"]
contact = "help@acme.example"

[programs.alerts.replies.en]
opt_out = "You are out of {program}."
help = "{program}[: write to {contact}]."

[programs.alerts.replies.es-MX]
opt_in = "De vuelta."

[programs.sales]
name = "Acme Sales"
account = "other"
senders = ["*"]
keywords = ["en"]

[web]
trust_proxy = true
"""
KEY = "a-key-of-the-tests-long-enough-"
ENVIRON = {
    "SID": "AC1",
    "TOKEN": " new , old,, ",
    "HOST": "sms.acme.example",
    "REDIS_URL": "rediss://:pw@redis.example:6380/2",
    "QUEUE_URL": "redis://queue.example/0",
    "DATABASE_URL": "postgresql+psycopg://u:pw@db.example/records",
    "SMSGATE_DATA_DIR": "/var/lib/smsgate",
    "SMSGATE_PUBLIC_URL": "https://public.example/",
    "SMSGATE_API_KEYS": f"{KEY}2,{KEY}1",
    "SMSGATE_SECRET_KEYS": f"{KEY}4, {KEY}3",
    "PORT": "8123",
    "WEB_CONCURRENCY": "4",
}


def test_everything_that_is_set_is_read(read: Read) -> None:
    settings, faults = read(FULL, ENVIRON)
    assert faults == []
    assert settings.redis_url == "rediss://:pw@redis.example:6380/2"
    assert settings.queue_url == "redis://queue.example/0"
    assert settings.database_url == "postgresql+psycopg://u:pw@db.example/records"
    assert settings.data_dir == Path("/var/lib/smsgate")
    assert settings.public_url == "https://public.example"
    assert settings.api_keys == (SecretStr(f"{KEY}2"), SecretStr(f"{KEY}1"))
    assert settings.secret_keys == (SecretStr(f"{KEY}4"), SecretStr(f"{KEY}3"))
    assert (settings.port, settings.web_concurrency, settings.web.trust_proxy) == (8123, 4, True)


def test_an_account_has_its_provider_options_secrets_and_addresses(read: Read) -> None:
    settings, _ = read(FULL, ENVIRON)
    assert dict(settings.accounts) == {
        "twilio": Account(
            name="twilio",
            provider="twilio",
            options={"account_sid": "AC1", "algorithm": "hmac-sha1"},
            secrets={"auth_token": (SecretStr("new"), SecretStr("old"))},
            public_url="https://sms.acme.example/sms",
            api_url="http://127.0.0.1:9",
        ),
        "other": Account(
            name="other",
            provider="sms77",
            options={"auth_token": "not declared secret there"},
            public_url="https://public.example",
        ),
    }


def test_a_program_has_all_of_its_keys(read: Read) -> None:
    settings, _ = read(FULL, ENVIRON)
    assert settings.programs.get("alerts") == Program(
        name="alerts",
        title="Acme Alerts",
        account="twilio",
        senders=("+15550001111", "+15550002222", "12345", "MG1f", "*"),
        keywords=("en", "es"),
        kind="service",
        scope="program",
        region="US",
        confirm="never",
        replies={
            "en": {
                "opt_out": "You are out of {program}.",
                "help": "{program}[: write to {contact}].",
            },
            "es-MX": {"opt_in": "De vuelta."},
        },
        formerly=("news",),
        opt_out_words=("QUIT",),
        templates=("Your code is …",),
        contact="help@acme.example",
    )


def test_what_a_program_does_not_say_is_the_strict_way(read: Read) -> None:
    settings, _ = read(FULL, ENVIRON)
    assert settings.programs.get("sales") == Program(
        name="sales",
        title="Acme Sales",
        account="other",
        senders=("*",),
        keywords=("en",),
        kind="marketing",
        scope="all",
        region="",
        confirm="auto",
    )


def test_an_empty_environment_and_the_shipped_configuration_will_do() -> None:
    environ = {"SMSGATE_CONFIG": str(ROOT / "config")}
    settings, faults = read_settings(environ, secret_keys=secret_keys)
    assert faults == []
    assert settings.redis_url == settings.queue_url == "redis://127.0.0.1:6379/0"
    assert settings.database_url == "sqlite:///var/records.sqlite3"
    assert settings.data_dir == Path("var")
    assert (settings.port, settings.web_concurrency, settings.public_url) == (8000, 2, "")
    assert (settings.api_keys, settings.secret_keys, settings.web.trust_proxy) == ((), (), False)
    assert settings.accounts["twilio"].secrets == {"auth_token": ()}
    assert settings.accounts["twilio"].options == {"account_sid": ""}
    assert [program.name for program in settings.programs] == ["alerts"]


def test_the_queue_is_on_the_stores_redis_unless_it_has_its_own(read: Read) -> None:
    settings, _ = read("", {"REDIS_URL": "redis://a/1"})
    assert settings.queue_url == "redis://a/1"


def test_the_configuration_folder_is_config_unless_said() -> None:
    settings, faults = read_settings({"SMSGATE_CONFIG": " "}, secret_keys=secret_keys)
    assert settings.config_dir == Path("config")
    assert faults == []


def test_nothing_secret_is_printed(read: Read) -> None:
    settings, _ = read(FULL, ENVIRON | {"TOKEN": "hunter2", "SMSGATE_API_KEYS": f"{KEY}hunter2"})
    shown = f"{settings} {settings!r} {settings.accounts['twilio']!r} {settings.api_keys[0]}"
    assert "hunter2" not in shown
    assert ":pw@" not in shown
    assert "**********" in shown


def test_what_was_read_cannot_be_changed(read: Read) -> None:
    settings, _ = read(FULL, ENVIRON)
    with pytest.raises(AttributeError):
        settings.port = 1  # type: ignore[misc]
    with pytest.raises(TypeError):
        settings.accounts["x"] = settings.accounts["other"]  # type: ignore[index]
    with pytest.raises(TypeError):
        settings.accounts["twilio"].options["account_sid"] = "x"  # type: ignore[index]


def test_a_value_may_stand_in_a_file_that_the_environment_names(read: Read, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-file, older\n", encoding="utf-8")
    (tmp_path / "redis").write_text("redis://file/0\n", encoding="utf-8")
    environ = {"TOKEN_FILE": str(tmp_path / "token"), "REDIS_URL_FILE": str(tmp_path / "redis")}
    settings, faults = read(FULL, {**ENVIRON, "TOKEN": "", "REDIS_URL": ""} | environ)
    assert faults == []
    assert settings.accounts["twilio"].secrets["auth_token"] == (
        SecretStr("from-file"),
        SecretStr("older"),
    )
    assert settings.redis_url == "redis://file/0"


def test_a_reference_in_a_value_is_not_followed(read: Read) -> None:
    settings, faults = read(FULL, ENVIRON | {"TOKEN": "${SID}"})
    assert faults == []
    assert settings.accounts["twilio"].secrets["auth_token"] == (SecretStr("${SID}"),)


def test_hosts_of_gateways_are_names_and_addresses_in_lower_case(read: Read) -> None:
    settings, faults = read("", {"SMSGATE_PRIVATE_HOSTS": " Kannel.internal,10.0.0.5, ::1 ,"})
    assert (settings.private_hosts, faults) == (("kannel.internal", "10.0.0.5", "::1"), [])


def test_no_configured_account_is_simulated(read: Read) -> None:
    settings, faults = read('[accounts.x]\nprovider = "twilio"\nsimulated = "true"')
    assert (settings.accounts["x"].simulated, faults) == (False, [])


@pytest.mark.parametrize("token", ["replace-me", "REPLACE-ME", "Replace-Me"])
def test_what_the_guide_writes_in_place_of_a_secret_is_no_secret(read: Read, token: str) -> None:
    document = """
[accounts.twilio]
provider    = "twilio"
account_sid = "${SID}"
auth_token  = "${TOKEN}"
"""
    settings, faults = read(document, {"SID": "AC" + "0" * 32, "TOKEN": token})
    account = settings.accounts["twilio"]
    assert not faults
    assert account.options["account_sid"] == ""
    assert account.secrets["auth_token"] == ()
    assert {*account.unset} == {"account_sid", "auth_token"}
