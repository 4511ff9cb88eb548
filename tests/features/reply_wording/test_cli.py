"""``smsgate wording``: print, save, refuse and revert the replies of a program."""

from __future__ import annotations

import tomllib

import pytest

from smsgate.records import Records

FILE = """
[accounts.twilio]
provider = "twilio"
[programs.alerts]
name = "Acme Alerts"
account = "twilio"
senders = ["*"]
keywords = ["en"]
[programs.alerts.replies.en]
help = "Call us."
"""


@pytest.fixture
def there(tmp_path, terminal):
    (tmp_path / "smsgate.toml").write_text(FILE, "utf-8")
    return terminal(SMSGATE_CONFIG=str(tmp_path), SMSGATE_DATA_DIR=str(tmp_path))


@pytest.fixture
def versions(tmp_path, there):
    records = Records(f"sqlite:///{tmp_path / 'records.sqlite3'}")
    records.migrate()
    yield records.reply_versions
    records.close()


def test_what_is_printed_is_edited_saved_and_reverted(there, versions, tmp_path):
    assert there.run("wording", "alerts") == 0
    assert "owner: file" in there.errors
    assert tomllib.loads(there.output) == {"en": {"help": "Call us."}}
    new = tmp_path / "replies.toml"
    new.write_text(there.output.replace("Call us.", "Write to us."))
    assert there.run("wording", "alerts", str(new), "--note", "no phone") == 0
    assert "Saved as version 1 of the replies of alerts." in there.output
    (saved,) = versions.of("alerts", 9)
    assert saved.author.startswith("terminal:")
    assert (saved.note, saved.content) == ("no phone", '[en]\nhelp = "Write to us."\n')
    assert there.json("wording", "alerts") == {
        "owner": "console", "version": 1, "replies": {"en": {"help": "Write to us."}},
    }  # fmt: skip
    assert there.run("wording", "alerts", "--revert") == 0
    assert there.json("wording", "alerts")["owner"] == "file"
    assert there.run("wording", "alerts", "--revert") == 2
    assert "Nothing has changed" in there.errors


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = ", "is no TOML"),
        ('[en]\nopt_aut = "x"\n', "did you mean 'opt_out'?"),
        ('[en]\nhelp = "{x}"\n[es]\nhelp = "{contact}"\n', "es.help: uses {contact}"),
        (f'[en]\nhelp = "{"x" * 1601}"\n', "must have at most 1600 characters"),
        ("\n", "--revert gives the replies back"),
    ],
)
def test_a_fault_is_2_and_nothing_is_saved(there, versions, tmp_path, text, said):
    new = tmp_path / "replies.toml"
    new.write_text(text)
    assert there.run("wording", "alerts", str(new)) == 2
    assert said in there.errors
    assert versions.of("alerts", 9) == []


def test_a_program_that_is_not_there_is_named(there, versions):
    assert there.run("wording", "alarts") == 2
    assert "there is no program 'alarts'; there are: alerts" in there.errors
