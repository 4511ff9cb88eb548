"""What the console sets, laid over the file: which value is in force, and where a fault stands."""

from __future__ import annotations

import stat

import pytest

from smsgate.settings import ConsoleOverride
from smsgate.settings.console import PLACE, parse_tables, placed
from smsgate.settings.read import read_settings
from tests.settings.conftest import secret_keys

FILE = """
[accounts.twilio]
provider = "twilio"
account_sid = "AC55"
auth_token = "a-token-in-the-file"

[programs.alerts]
name = "Acme Alerts"
account = "twilio"
senders = ["*"]
keywords = ["en"]
contact = "old@acme.example"

[programs.alerts.replies.en]
help = "{program}: in the file"
"""
ORDERS = {
    "name": "Acme Orders",
    "account": "twilio",
    "senders": ["+14155550888"],
    "keywords": ["en"],
}


@pytest.fixture
def laid_over(tmp_path):
    """Reads the file with what the console sets over it."""

    def read(console, environ=None, document=FILE):
        (tmp_path / "smsgate.toml").write_text(document)
        given = {"SMSGATE_CONFIG": str(tmp_path), "SMSGATE_DATA_DIR": str(tmp_path / "var")}
        return read_settings(given | (environ or {}), secret_keys=secret_keys, console=console)

    return read


def test_a_key_of_the_console_is_in_force_and_the_others_stay_the_files(laid_over):
    settings, faults = laid_over({"programs.alerts": {"contact": "new@acme.example"}})
    program = settings.programs.get("alerts")
    assert faults == []
    assert (program.contact, program.title) == ("new@acme.example", "Acme Alerts")
    assert program.replies["en"]["help"] == "{program}: in the file"
    assert settings.overrides == (
        ConsoleOverride("programs.alerts.contact", '"old@acme.example"', '"new@acme.example"'),
    )
    assert settings.document != laid_over({})[0].document


def test_replies_of_the_console_take_the_place_of_all_of_the_file(laid_over):
    settings, _ = laid_over({"programs.alerts": {"replies": {"es": {"help": "Hola"}}}})
    assert settings.programs.get("alerts").replies == {"es": {"help": "Hola"}}


def test_what_says_the_same_as_the_file_differs_in_nothing(laid_over):
    plain, _ = laid_over({})
    same, _ = laid_over({"programs.alerts": {"contact": "old@acme.example"}})
    assert same.overrides == ()
    assert same.document == plain.document


def test_a_program_and_an_account_may_be_the_consoles_alone(laid_over):
    own = {"provider": "twilio", "account_sid": "AC66", "auth_token": "${OWN_TOKEN}"}
    console = {
        "accounts.own": own,
        "programs.orders": {**ORDERS, "account": "own"},
    }
    settings, faults = laid_over(console, {"OWN_TOKEN": "a-token"})
    assert faults == []
    assert [one.name for one in settings.programs] == ["alerts", "orders"]
    assert settings.accounts["own"].values_of("auth_token") == ["a-token"]
    assert settings.overrides == (
        ConsoleOverride("accounts.own", "", ""),
        ConsoleOverride("programs.orders", "", ""),
    )


def test_a_table_that_is_gone_from_the_file_is_one_clear_fault(laid_over):
    settings, (fault,) = laid_over({"programs.gone": {"contact": "x", "scope": "all"}})
    assert (fault.place, fault.key) == (PLACE, "programs.gone")
    assert "smsgate config revert programs.gone" in fault.problem
    assert settings.programs.get("gone") is None


def test_a_fault_stands_where_its_key_was_set(laid_over, tmp_path):
    console = {
        "programs.alerts": {"scope": "none", "replies": {"en": {"help": "{x}"}}},
        "programs.orders": {**ORDERS, "region": "XX"},
    }
    _, faults = laid_over(console, document=FILE.replace('keywords = ["en"]', "keywords = []"))
    file = str(tmp_path / "smsgate.toml")
    assert {fault.key: fault.place for fault in placed(faults, console, file)} == {
        "programs.alerts.keywords": file,
        "programs.alerts.scope": PLACE,
        "programs.alerts.replies.en.help": PLACE,
        "programs.orders.region": PLACE,
    }


@pytest.mark.parametrize("document", ["programs = 3", "programs.alerts = 3"])
def test_a_file_that_is_wrong_itself_is_told_as_before(laid_over, document):
    _, faults = laid_over({"programs.alerts": {"contact": "x"}}, document=document)
    assert [fault.problem for fault in faults] == ["must be a table"]


def test_no_secret_of_the_file_is_told(laid_over):
    console = {"accounts.twilio": {"auth_token": "${NEW_TOKEN}", "account_sid": "AC66"}}
    settings, _ = laid_over(console, {"NEW_TOKEN": "the-new-one"})
    told = {one.key: (one.file, one.console) for one in settings.overrides}
    assert told == {
        "accounts.twilio.auth_token": ("a secret", '"${NEW_TOKEN}"'),
        "accounts.twilio.account_sid": ('"AC55"', '"AC66"'),
    }
    assert "in-the-file" not in repr(settings)


# --- secrets in the data directory ----------------------------------------------------------------

REFERENCE = {"accounts.twilio": {"auth_token": "${KEPT_TOKEN}"}}


def keep(tmp_path, value, mode=0o600):
    (tmp_path / "var" / "secrets").mkdir(parents=True, mode=0o700)
    file = tmp_path / "var" / "secrets" / "KEPT_TOKEN"
    file.write_text(value)
    file.chmod(mode)
    return file


def token(settings):
    return settings.accounts["twilio"].values_of("auth_token")


def test_a_variable_may_be_a_file_of_the_data_directory(laid_over, tmp_path):
    assert token(laid_over(REFERENCE)[0]) == []
    keep(tmp_path, "new, old\n")
    assert token(laid_over(REFERENCE)[0]) == ["new", "old"]


def test_the_environment_comes_before_that_file(laid_over, tmp_path):
    file = keep(tmp_path, "kept")
    assert token(laid_over(REFERENCE, {"KEPT_TOKEN": "set"})[0]) == ["set"]
    (tmp_path / "other").write_text("in a file")
    assert token(laid_over(REFERENCE, {"KEPT_TOKEN_FILE": str(tmp_path / "other")})[0]) == [
        "in a file"
    ]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_file_that_is_no_text_is_a_fault(laid_over, tmp_path):
    keep(tmp_path, "").write_bytes(b"\xff\xfe")
    _, faults = laid_over(REFERENCE)
    assert "is not UTF-8" in faults[0].problem
    assert faults[0].key == "KEPT_TOKEN"


def test_only_what_the_configuration_names_is_read_there(laid_over, tmp_path):
    (tmp_path / "var" / "secrets").mkdir(parents=True)
    (tmp_path / "var" / "secrets" / "SMSGATE_API_KEYS").write_text("x" * 40)
    assert laid_over({})[0].api_keys == ()


@pytest.mark.parametrize(
    "content", ["x = ", "web = 3", "[web.x]\n", "programs = 3", "[programs]\na = 1"]
)
def test_what_is_no_table_of_programs_or_accounts_is_refused(content):
    with pytest.raises(ValueError, match=r"."):
        parse_tables(content)
