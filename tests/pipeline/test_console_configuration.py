"""What the console changes as every process finds it, also while the records are away."""

from __future__ import annotations

import stat
import tomllib

import pytest

from smsgate.domain.errors import ConfigurationError, RecordsUnavailable
from smsgate.pipeline.configuration import load_configuration, load_settings
from smsgate.pipeline.configuration_changes import exported, next_version, tables_text
from smsgate.pipeline.console_configuration import FILE, MAY_BE_OLD, read_console_tables
from smsgate.records import ConfigurationVersion, Records
from smsgate.settings.console import lay_over

CONFIG = """
# who sends
[accounts.twilio]
provider = "twilio"
[programs.alerts]
name = "Acme Alerts"  # as they read it
account = "twilio"
senders = ["*"]
keywords = ["zu"]
"""
ALERTS = {"programs.alerts": {"contact": "help@acme.example"}}
ORDERS = {"name": "Orders", "account": "twilio", "senders": ["+14155550888"], "keywords": ["zu"]}


@pytest.fixture
def records(tmp_path):
    made = Records(f"sqlite:///{tmp_path / 'records.sqlite3'}")
    made.migrate()
    yield made
    made.close()


@pytest.fixture
def environ(tmp_path, records):
    (tmp_path / "smsgate.toml").write_text(CONFIG)
    return {"SMSGATE_CONFIG": str(tmp_path), "SMSGATE_DATA_DIR": str(tmp_path)}


def save(records, tables):
    newest = records.configuration_versions.newest()
    saved = next_version(newest, tables, "ann")
    records.configuration_versions.save(saved)
    return saved


def test_a_process_reads_them_with_its_configuration(records, environ):
    before = load_configuration(environ)
    saved = save(records, {**ALERTS, "programs.orders": ORDERS})
    after = load_configuration(environ)
    assert saved.changed == ("programs.alerts", "programs.orders")
    assert after.settings.programs.get("alerts").contact == "help@acme.example"
    assert [one.name for one in load_settings(environ).programs] == ["alerts", "orders"]
    assert before.version != after.version
    save(records, {})
    assert load_configuration(environ).version == before.version


def test_a_draft_is_tried_instead_of_what_is_saved(records, environ):
    save(records, ALERTS)
    draft = {"programs.alerts": {"contact": "x@acme.example"}}
    assert load_configuration(environ, draft).settings.programs.get("alerts").contact[0] == "x"
    assert load_configuration(environ, {}).settings.programs.get("alerts").contact == ""
    with pytest.raises(ConfigurationError) as raised:
        load_configuration(environ, {"programs.alerts": {"keywords": ["nosuch"], "scope": "no"}})
    assert raised.value.faults[0].place == "the console"
    assert len(raised.value.faults) == 2


def test_while_the_records_are_away_the_last_ones_are_used_and_it_is_said(
    records, tmp_path, monkeypatch
):
    save(records, ALERTS)
    assert read_console_tables(records, tmp_path) == (ALERTS, [], [])
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600

    def gone():
        raise RecordsUnavailable("nobody answers")

    monkeypatch.setattr(records, "check", gone)
    tables, (warning,), faults = read_console_tables(records, tmp_path)
    assert (tables, faults) == (ALERTS, [])
    assert warning.startswith(MAY_BE_OLD)
    assert "nobody answers" in warning


def test_records_that_were_never_made_are_no_news_and_are_not_made(tmp_path):
    records = Records(f"sqlite:///{tmp_path / 'nothing.sqlite3'}")
    assert read_console_tables(records, tmp_path) == ({}, [], [])
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_cannot_be_written_is_said_and_the_tables_are_used(records, tmp_path):
    save(records, ALERTS)
    (tmp_path / "file").write_text("in the way")
    tables, (warning,), _ = read_console_tables(records, tmp_path / "file")
    assert tables == ALERTS
    assert "cannot be kept" in warning


def test_what_is_damaged_in_the_records_is_a_fault_and_never_ignored(records, environ):
    records.configuration_versions.save(ConfigurationVersion(1, "x = ", ("x",), "ann", 1))
    with pytest.raises(ConfigurationError, match="the console: configuration: what it saved"):
        load_configuration(environ)


def test_a_next_version_names_what_differs(records):
    first = save(records, ALERTS)
    assert next_version(first, {}, "bob", "  no more ").changed == ("programs.alerts",)
    assert next_version(first, {}, "bob", "  no more ").note == "no more"
    assert next_version(first, {}, "bob").content == ""
    assert next_version(first, {**ALERTS, "programs.orders": ORDERS}, "bob").changed == (
        "programs.orders",
    )
    assert next_version(first, ALERTS, "bob").changed == ()


ODD = {
    "programs.alerts": {
        "contact": 'a "b" \\ \n ü',
        "replies": {"en": {"help": "{program}\n2"}, "zh-Hant": {"opt_in": "好"}},
    },
    "programs.a-b": {**ORDERS, "double_opt_in": True},
    "accounts.own": {"provider": "twilio", "auth_token": "${OWN}"},
}


@pytest.mark.parametrize(
    "text",
    [
        CONFIG,
        "",
        '[programs.alerts]\nname = "x"\n[accounts.a]\nprovider = "p"\n[programs.b]\nname = "y"\n',
        'programs.alerts.name = "x"\n',
        'programs = {alerts = {name = "x"}}\n',
        '[programs.alerts.replies.en]\nhelp = "x"\n[web]\n[programs.alerts]\nname = "x"\n',
    ],
)
def test_an_export_is_the_file_with_the_consoles_keys_in_it(text):
    tables = ODD if "alerts" in text else {name: ODD[name] for name in ("programs.a-b",)}
    assert tomllib.loads(exported(text, tables)) == lay_over(tomllib.loads(text), tables)[0]


DESTINATIONS = {
    "alerts.webhook": {"url": "${SMSGATE_ALERTS_WEBHOOK_URL}"},
    "alerts.email": {"to": ["ops@acme.example"]},
}
_EMAIL = '[alerts.email]\nhost = "h"\nfrom = "a@b.example"\nto = ["x@y.example"]\n'


@pytest.mark.parametrize(
    "text",
    [
        _EMAIL,
        f'# mine\n[alerts]\nwebhook = ""  # none\n{_EMAIL}',
        f'[alerts]\nwebhook = "https://old.example"\n{_EMAIL}',
    ],
)
def test_an_export_has_the_consoles_destinations_of_alerts(text):
    written = exported(text, DESTINATIONS)
    assert tomllib.loads(written) == lay_over(tomllib.loads(text), DESTINATIONS)[0]
    assert tomllib.loads(written)["alerts"]["webhook"] == "${SMSGATE_ALERTS_WEBHOOK_URL}"
    assert ("# mine" in written) == ("# mine" in text)


def test_a_part_of_a_destination_without_the_file_is_a_fault():
    merged, (fault,) = lay_over({}, {"alerts.email": {"to": ["ops@acme.example"]}})
    assert merged == {}
    assert "is gone from the file" in fault.problem


def test_comments_of_the_file_stay_in_an_export():
    text = exported(CONFIG, ODD)
    assert "# who sends" in text
    assert "# as they read it" in text


def test_tables_are_written_so_that_they_are_read_the_same():
    assert tables_text({}) == ""
    loaded = tomllib.loads(tables_text(ODD))
    assert loaded["programs"]["alerts"] == ODD["programs.alerts"]
    assert loaded["accounts"]["own"] == ODD["accounts.own"]
