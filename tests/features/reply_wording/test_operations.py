"""``smsgate wording``: print, save, refuse and revert the replies of a program."""

from __future__ import annotations

import tomllib

import pytest

from smsgate.content_versions import ContentVersions
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
    yield ContentVersions(records, "replies")
    records.close()


def test_what_is_printed_is_edited_saved_and_reverted(there, versions, tmp_path):
    assert there.run("wording", "show", "alerts") == 0
    assert tomllib.loads(there.output) == {"en": {"help": "Call us."}}
    new = tmp_path / "replies.toml"
    new.write_text(there.output.replace("Call us.", "Write to us."))
    assert there.run("wording", "save", "alerts", str(new), "--note", "no phone") == 0
    assert "Saved as version 1 of the replies of alerts." in there.output
    (saved,) = versions.of("alerts", 9)
    assert saved.author.startswith("terminal:")
    assert (saved.note, saved.content) == ("no phone", '[en]\nhelp = "Write to us."\n')
    shown = there.json("wording", "show", "alerts")
    assert (shown["owner"], shown["version"]) == ("console", 1)
    assert shown["replies"] == {"en": {"help": "Write to us."}}
    assert there.run("wording", "revert", "alerts") == 0
    assert there.json("wording", "show", "alerts")["owner"] == "file"
    assert there.run("wording", "revert", "alerts") == 2
    assert "Nothing has changed" in there.errors


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"x = ", "is no TOML"),
        (b'[en]\nopt_aut = "x"\n', "did you mean 'opt_out'?"),
        (b'[en]\nhelp = "{x}"\n[es]\nhelp = "{contact}"\n', "es.help: uses {contact}"),
        (b"\n", "revert it"),
        (b"\xff", "no UTF-8"),
    ],
)
def test_a_fault_is_2_and_nothing_is_saved(there, versions, tmp_path, text, said):
    new = tmp_path / "replies.toml"
    new.write_bytes(text)
    assert there.run("wording", "save", "alerts", str(new)) == 2
    assert said in there.errors
    assert versions.of("alerts", 9) == []
