"""``smsgate config new``, and what ``smsgate dev`` makes in an empty folder."""

from __future__ import annotations

import io
import tomllib
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import pytest

from smsgate.cli import dev
from smsgate.cli.data_dir import config_dir
from smsgate.providers import PROVIDERS
from tests.cli.conftest import CONFIG, Terminal

SID = f"AC{'1' * 32}"
TOKEN = {"TWILIO_AUTH_TOKEN": "2" * 32}


@pytest.fixture
def there(tmp_path: Path, terminal: Callable[..., Terminal]) -> Terminal:
    return terminal(SMSGATE_CONFIG=str(tmp_path / "new"), SMSGATE_DATA_DIR=str(tmp_path), **TOKEN)


def written(there: Terminal) -> dict[str, dict[str, dict[str, object]]]:
    return tomllib.loads((Path(there.environ["SMSGATE_CONFIG"]) / "smsgate.toml").read_text())


def test_flags_stand_in_it_and_the_token_does_not(there: Terminal) -> None:
    sid = f"account_sid={SID}"
    flags = ("--company", 'Söhne & "Co"', "--set", sid, "--number", "+49 30 1234567")
    assert there.run("config", "new", *flags) == 0
    assert "export" not in there.output  # the token is set
    account, program = written(there)["accounts"]["twilio"], written(there)["programs"]["alerts"]
    assert (account["account_sid"], account["auth_token"]) == (SID, "${TWILIO_AUTH_TOKEN}")
    assert (program["name"], program["region"]) == ('Söhne & "Co"', "DE")
    assert (program["senders"], program["keywords"]) == (["+49301234567"], ["*"])
    assert there.run("config", "check") == 0


def test_what_a_preset_brings_is_not_asked_for(there: Terminal) -> None:
    """A ``send_url`` beside it would count instead of that of the preset."""
    given = ("--company", "x", "--provider", "form", "--set", "preset=clicksend")
    assert there.run("config", "new", *given) == 0
    assert "FORM_SEND_URL" not in there.output
    assert "send_url" not in written(there)["accounts"]["form"]


def test_a_terminal_is_asked_and_an_empty_answer_is_for_later(
    there: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = io.StringIO("Acme\ntwilo\n\n\n+1 415 555 0123\n")
    answers.isatty = lambda: True
    monkeypatch.setattr("sys.stdin", answers)
    assert there.run("config", "new") == 0
    assert "'twilo' is not one of" in there.output + there.errors
    assert "export TWILIO_ACCOUNT_SID=" in there.output
    assert written(there)["accounts"]["twilio"]["account_sid"] == "${TWILIO_ACCOUNT_SID}"
    assert written(there)["programs"]["alerts"]["senders"] == ["+14155550123"]


def test_an_account_of_any_provider_is_written(
    there: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = io.StringIO("Acme\nkannel\nhttps://sms.example.com/send\n\n\n")
    answers.isatty = lambda: True
    monkeypatch.setattr("sys.stdin", answers)
    there.environ = {**there.environ, "KANNEL_PASSWORD": "replace-me"}
    assert there.run("config", "new") == 0
    for name in ("KANNEL_USERNAME", "KANNEL_SECRET", "KANNEL_PASSWORD"):
        assert f"export {name}=…" in there.output
    assert "let Kannel call https://YOUR-HOST/webhooks/kannel/SECRET for" in there.output
    assert written(there)["accounts"] == {
        "kannel": {
            "provider": "kannel",
            "send_url": "https://sms.example.com/send",
            "username": "${KANNEL_USERNAME}",
            "secret": "${KANNEL_SECRET}",
            "password": "${KANNEL_PASSWORD}",
        }
    }
    assert written(there)["programs"]["alerts"]["account"] == "kannel"
    secret = "v7Kq2mXw9Rt4Lz8Nb3Yc6Hd1"
    more = {"KANNEL_USERNAME": "u", "KANNEL_PASSWORD": "p", "KANNEL_SECRET": secret}
    there.environ = {**there.environ, **more}
    assert there.run("config", "check") == 0


@pytest.mark.parametrize("provider", sorted(PROVIDERS))
def test_each_provider_has_a_starter_without_faults(there: Terminal, provider: str) -> None:
    del there.environ["TWILIO_AUTH_TOKEN"]
    assert there.run("config", "new", "--company", "Acme", "--provider", provider) == 0
    assert there.run("config", "check") == 0


def test_a_token_of_the_environment_that_cannot_be_one_is_refused(there: Terminal) -> None:
    there.environ = {**there.environ, "TWILIO_AUTH_TOKEN": "a b"}
    assert there.run("config", "new", "--company", "x") == 2
    assert "auth_token: must be" in there.errors
    assert not (Path(there.environ["SMSGATE_CONFIG"]) / "smsgate.toml").exists()


WRONG = [
    (["--company", "x", "--set", "account_sid=AC1"], "AC and 32 hexadecimal digits"),
    (["--company", "x", "--set", f"account_sid=AC{'0' * 32}"], "AC and 32 hexadecimal digits"),
    (["--company", "x", "--set", "acount_sid=x"], "accounts.twilio.acount_sid"),
    (["--company", "x", "--provider", "twilo"], "'twilo' is not one of"),
    (["--company", "x", "--number", "12"], "'12' is no phone number"),
    (["--company", "x", "--set", "account_sid"], "as KEY=VALUE, not as account_sid"),
    (["--number", "+14155550123"], "--company NAME"),
    (["--company", " "], "programs.alerts.name"),
]


@pytest.mark.parametrize(("flags", "said"), WRONG)
def test_what_is_wrong_is_2_and_nothing_is_written(
    there: Terminal, flags: list[str], said: str
) -> None:
    assert there.run("config", "new", *flags) == 2
    assert said in there.errors
    assert not (Path(there.environ["SMSGATE_CONFIG"]) / "smsgate.toml").exists()


def test_what_is_there_is_never_overwritten(there: Terminal) -> None:
    assert there.run("config", "new", "--company", "First") == 0
    assert there.run("config", "new", "--company", "Second") == 2
    assert "is there already" in there.errors
    assert written(there)["programs"]["alerts"]["name"] == "First"


def test_it_is_the_configuration_of_the_repository() -> None:
    packed = resources.files("smsgate.cli").joinpath("starter.toml").read_text()
    assert packed == (CONFIG / "smsgate.toml").read_text()


def test_dev_in_an_empty_folder_writes_one(
    tmp_path: Path, terminal: Callable[..., Terminal], monkeypatch: pytest.MonkeyPatch
) -> None:
    began: list[str] = []
    monkeypatch.setattr(dev, "run", lambda environ, directory: began.append(str(directory)))
    monkeypatch.chdir(tmp_path)
    there = terminal(SMSGATE_CONFIG="")
    assert there.run("dev") == 0
    assert "config/smsgate.toml is written" in there.output
    assert (began, there.run("config", "check")) == ([str(tmp_path / "var")], 0)
    text = Path("config", "smsgate.toml").read_text()
    assert f'"{dev.COMPANY}"' in text
    assert there.run("dev") == 0
    assert "is written" not in there.output


def test_dev_writes_none_where_a_folder_was_named(
    tmp_path: Path, terminal: Callable[..., Terminal], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert terminal(SMSGATE_CONFIG="elsewhere").run("dev") == 2
    assert not Path("elsewhere").exists()
    assert config_dir({}) == Path("config")


def test_a_folder_that_cannot_be_written_is_named(there: Terminal) -> None:
    there.environ = {**there.environ, "SMSGATE_CONFIG": "/proc/smsgate"}
    assert there.run("config", "new", "--company", "x") == 1
    assert "/proc/smsgate/smsgate.toml" in there.errors
