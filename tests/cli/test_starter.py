"""``smsgate config new``, and what ``smsgate dev`` makes in an empty folder."""

from __future__ import annotations

import io
import tomllib
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import pytest

from smsgate.cli import dev, starter
from tests.cli.conftest import CONFIG, Terminal

SID = f"AC{'1' * 32}"
TOKEN = {"TWILIO_AUTH_TOKEN": "2" * 32}


@pytest.fixture
def there(tmp_path: Path, terminal: Callable[..., Terminal]) -> Terminal:
    return terminal(SMSGATE_CONFIG=str(tmp_path / "new"), SMSGATE_DATA_DIR=str(tmp_path), **TOKEN)


def written(there: Terminal) -> dict[str, dict[str, dict[str, object]]]:
    return tomllib.loads((Path(there.environ["SMSGATE_CONFIG"]) / "smsgate.toml").read_text())


def test_flags_stand_in_it_and_the_token_does_not(there: Terminal) -> None:
    flags = ("--company", 'Söhne & "Co"', "--twilio-sid", SID, "--number", "+49 30 1234567")
    assert there.run("config", "new", *flags) == 0
    assert "export TWILIO_AUTH_TOKEN=" in there.output
    account, program = written(there)["accounts"]["twilio"], written(there)["programs"]["alerts"]
    assert (account["account_sid"], account["auth_token"]) == (SID, "${TWILIO_AUTH_TOKEN}")
    assert (program["name"], program["region"]) == ('Söhne & "Co"', "DE")
    assert (program["senders"], program["keywords"]) == (["+49301234567"], ["*"])
    assert there.run("config", "check") == 0


def test_a_terminal_is_asked_and_an_empty_answer_is_for_later(
    there: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = io.StringIO(f"Acme\n{SID[:-1]}\n\n+1 415 555 0123\n")
    answers.isatty = lambda: True
    monkeypatch.setattr("sys.stdin", answers)
    assert there.run("config", "new") == 0
    assert "an account SID is AC and 32 hexadecimal digits" in there.output + there.errors
    assert "export TWILIO_ACCOUNT_SID=" in there.output
    assert written(there)["accounts"]["twilio"]["account_sid"] == "${TWILIO_ACCOUNT_SID}"
    assert written(there)["programs"]["alerts"]["senders"] == ["+14155550123"]


WRONG = [
    (["--company", "x", "--twilio-sid", "AC1"], "AC and 32 hexadecimal digits"),
    (["--company", "x", "--number", "12"], "'12' is no phone number"),
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
    assert starter.config_dir({}) == Path("config")
