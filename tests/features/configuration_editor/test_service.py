"""Programs and accounts changed in the console: checked as the file is, saved once, undone."""

from __future__ import annotations

import socket
import stat
import threading
from contextlib import suppress

import msgspec
import pytest

from smsgate.domain.errors import ConfigurationChanged, ConfigurationError, StoreUnavailable, Unfit
from smsgate.features.configuration_editor.errors import NoSuchVersion, SecretRefused
from smsgate.features.configuration_editor.secret_files import variable_of
from smsgate.features.configuration_editor.service import MAX_BYTES, ConfigurationEditor
from smsgate.features.configuration_editor.sources import ConfigurationChange
from smsgate.pipeline.configuration import load_configuration
from smsgate.pipeline.configuration_rollout import apply_configuration
from smsgate.pipeline.services import build_services
from smsgate.store.keys import partition_of
from tests.fakes.own_services import heartbeat, ready_services
from tests.fakes.processes import PATIENCE_S
from tests.fakes.somebody_else import as_somebody_else

NUMBER = "+14155550123"
FILE = """
[accounts.twilio]
provider    = "twilio"
account_sid = "AC55555555555555555555555555555555"
auth_token  = "a-token"

[programs.alerts]
name     = "Acme Alerts"
account  = "twilio"
senders  = ["*"]
keywords = ["zu"]
contact  = "old@acme.example"

[programs.alerts.replies.en]
help = "{program}: in the file"
"""
ORDERS = {
    "name": "Acme Orders",
    "account": "twilio",
    "senders": ["+14155550888"],
    "keywords": ["zu"],
}
TOKEN = "SMSGATE_ACCOUNT_TWILIO_AUTH_TOKEN"


@pytest.fixture
def environ(tmp_path, redis_url):
    (tmp_path / "smsgate.toml").write_text(FILE)
    return {
        "SMSGATE_CONFIG": str(tmp_path),
        "SMSGATE_DATA_DIR": str(tmp_path / "var"),
        "REDIS_URL": redis_url,
        "SMSGATE_PUBLIC_URL": "https://sms.example.com",
    }


@pytest.fixture
def services(environ):
    with ready_services(environ) as made:
        yield made


@pytest.fixture
def editor(services, environ):
    return ConfigurationEditor(services, environ)


def change(editor, table, **values):
    sources = editor.sources()
    return ConfigurationChange({table: sources.with_keys(table, values)}, sources.version)


def problems(faults):
    return {fault.key: fault.problem for fault in faults}


# --- saved, and in force --------------------------------------------------------------------------


def test_only_what_differs_from_the_file_is_set(editor, environ):
    made = change(
        editor, "programs.alerts", contact="new@acme.example", name="Acme Alerts", region="",
        scope="all", senders=["*"],
    )  # fmt: skip
    assert made.tables == {"programs.alerts": {"contact": "new@acme.example"}}
    saved = editor.save(made, "ann", "they moved")
    assert (saved.version, saved.changed, saved.author, saved.note) == (
        1,
        ("programs.alerts",),
        "ann",
        "they moved",
    )
    found = load_configuration(environ).settings.programs.get("alerts")
    assert (found.contact, found.title) == ("new@acme.example", "Acme Alerts")
    back = change(editor, "programs.alerts", contact="old@acme.example")
    assert back.tables == {"programs.alerts": None}


def test_a_program_and_an_account_are_added(editor, environ):
    own = {"provider": "twilio", "account_sid": "AC" + "6" * 32,
           "auth_token": f"${{{variable_of('own', 'auth_token')}}}"}  # fmt: skip
    secrets = {variable_of("own", "auth_token"): "the-token"}
    editor.save(change(editor, "accounts.own", **own), "ann", secrets=secrets)
    orders = {**ORDERS, "account": "own"}
    editor.save(change(editor, "programs.orders", **orders, scope="all", contact=""), "ann")
    assert editor.sources().tables["programs.orders"] == orders
    settings = load_configuration(environ).settings
    assert settings.accounts["own"].values_of("auth_token") == ["the-token"]
    assert settings.programs.get("orders").account == "own"
    assert editor.sources().names("programs") == ["alerts", "orders"]
    assert editor.sources().names("accounts") == ["twilio", "own"]


def test_a_change_is_shown_before_it_is_saved(editor):
    made = change(editor, "programs.alerts", contact="new@acme.example")
    draft = editor.check(made)
    assert (draft.faults, draft.conflict, draft.version) == ([], None, 0)
    told = [(line.kind, line.text) for line in draft.lines if line.kind != "same"]
    assert told == [
        ("removed", 'contact = "old@acme.example"'),
        ("added", 'contact = "new@acme.example"'),
    ]
    assert editor.history() == []


def test_nothing_changed_is_nothing_to_save(editor):
    with pytest.raises(Unfit, match="Nothing has changed"):
        editor.save(change(editor, "programs.alerts", contact="old@acme.example"), "ann")


# --- what is refused ------------------------------------------------------------------------------


def test_all_that_is_wrong_is_told_together_each_at_its_key(editor):
    replies = {"en": {"help": "{x}"}, "es": {"opt_in": ""}}
    made = change(
        editor, "programs.alerts", senders=[], region="XX", scope="some", account="nobody",
        keywords=["nosuch"], replies=replies,
    )  # fmt: skip
    draft = editor.check(made)
    told = problems(draft.faults)
    assert {
        "nosuch",
        "programs.alerts.senders",
        "programs.alerts.region",
        "programs.alerts.scope",
        "programs.alerts.account",
        "programs.alerts.replies.es.opt_in",
    } <= told.keys()
    with pytest.raises(ConfigurationError):
        editor.save(made, "ann")
    assert editor.history() == []


def test_a_sender_of_another_program_is_refused(editor):
    editor.save(change(editor, "programs.orders", **ORDERS), "ann")
    made = change(editor, "programs.alerts", senders=["+1 415-555-0888"])
    (fault,) = editor.check(made).faults
    assert "belongs to programs" in fault.problem


ONLY_IN_THE_FILE = (
    ("programs.alerts", "contact", "${SMSGATE_SECRET_KEYS}", "names a variable"),
    ("programs.alerts", "senders", ["${HOME}"], "names a variable"),
    ("programs.alerts", "replies", {"en": {"help": "${TOKEN}"}}, "names a variable"),
    ("programs.alerts", "feed", {"url": "https://x.example"}, "only be set in the file"),
    ("programs.alerts", "forward", {"url": "https://x.example"}, "only be set in the file"),
    ("accounts.twilio", "account_sid", "${HOME}", "names a variable"),
    ("accounts.twilio", "auth_token", "in-clear", "is a secret"),
    ("accounts.twilio", "auth_token", "${OTHER}", "is a secret"),
    ("accounts.twilio", "api_url", "https://thief.example", "only be set in the file"),
    ("accounts.Bad Name", "provider", "twilio", "no fit name"),
)


def test_what_only_the_file_may_say_is_refused(editor):
    for table, key, value, told in ONLY_IN_THE_FILE:
        made = ConfigurationChange({table: {key: value}}, 0)
        (fault,) = editor.check(made).faults
        assert told in fault.problem
        with pytest.raises(ConfigurationError):
            editor.save(made, "ann")


def test_what_is_too_large_belongs_into_the_file(editor):
    made = change(editor, "programs.alerts", templates=["x" * MAX_BYTES])
    (fault,) = editor.check(made).faults
    assert "use the file" in fault.problem


def test_a_fault_of_the_file_hinders_too(editor, tmp_path):
    (tmp_path / "smsgate.toml").write_text(FILE + "\n[web]\ntrust_prox = true\n")
    (fault,) = editor.check(change(editor, "programs.alerts", contact="x")).faults
    assert (fault.place, fault.key) == (str(tmp_path / "smsgate.toml"), "web.trust_prox")


def test_without_the_store_nothing_is_saved_and_it_is_said(editor, services, monkeypatch):
    def away():
        raise StoreUnavailable("Redis is away")

    monkeypatch.setattr(services.store.programs, "published", away)
    made = change(editor, "programs.alerts", contact="x")
    (fault,) = editor.check(made).faults
    assert "cannot be saved now: Redis is away" in fault.problem
    with pytest.raises(ConfigurationError):
        editor.save(made, "ann")


# --- programs with opt-outs -----------------------------------------------------------------------


@pytest.fixture
def orders(editor, environ, services):
    """A program of the console of which a number has opted out."""
    editor.save(change(editor, "programs.orders", **ORDERS, scope="program"), "ann")
    apply_configuration(environ, services.store, "ann")
    made = build_services(load_configuration(environ))
    made.manual.opt_out(NUMBER, "orders", "ann", "")
    made.applier.drain(partition_of(NUMBER))
    made.close()


def test_a_program_with_opt_outs_is_removed_only_if_another_takes_them(editor, orders):
    (fault,) = editor.check(editor.remove_program("orders", "")).faults
    assert "numbers have opted out of it" in fault.problem
    with pytest.raises(ConfigurationError, match="opted out"):
        editor.save(editor.revert("programs.orders"), "ann")
    made = editor.remove_program("orders", "alerts")
    assert made.tables == {
        "programs.orders": None,
        "programs.alerts": {"formerly": ["orders"]},
    }
    assert editor.check(made).faults == []
    saved = editor.save(made, "ann")
    assert saved.changed == ("programs.alerts", "programs.orders")


def test_a_program_without_opt_outs_goes(editor, environ, services):
    editor.save(change(editor, "programs.orders", **ORDERS), "ann")
    apply_configuration(environ, services.store, "ann")
    draft = editor.check(editor.remove_program("orders", ""))
    assert draft.faults == []
    assert "Acme Orders is removed" in draft.warnings[0]
    editor.save(editor.remove_program("orders", ""), "ann")
    assert editor.sources().names("programs") == ["alerts"]


def test_former_names_go_on_to_the_successor(editor):
    editor.save(change(editor, "programs.orders", **ORDERS, formerly=["older"]), "ann")
    made = editor.remove_program("orders", "alerts")
    assert made.tables["programs.alerts"] == {"formerly": ["older", "orders"]}


# --- warnings -------------------------------------------------------------------------------------


WARNINGS = (
    ({"scope": "program"}, "a STOP to Acme Alerts ends Acme Alerts alone"),
    ({"kind": "service"}, "while a text of it waits in Review"),
    ({"confirm": "never"}, "nobody who leaves Acme Alerts gets a reply"),
    ({"require_consent": True}, "without a consent on record"),
    ({"senders": ["+14155550777"]}, "no longer reach Acme Alerts"),
)


def test_what_an_author_may_not_expect_is_said(editor):
    for values, told in WARNINGS:
        (warning,) = editor.check(change(editor, "programs.alerts", **values)).warnings
        assert told in warning


def test_a_scope_of_every_program_says_what_stays(editor):
    editor.save(change(editor, "programs.alerts", scope="program"), "ann")
    (warning,) = editor.check(change(editor, "programs.alerts", scope="all")).warnings
    assert "ends every program. Opt-outs until now stay as they are" in warning


# --- two people, versions -------------------------------------------------------------------------


def test_of_two_who_change_one_program_the_second_is_told(editor):
    first = change(editor, "programs.alerts", contact="first@acme.example")
    second = change(editor, "programs.alerts", region="US")
    editor.save(first, "ann")
    draft = editor.check(second)
    assert (draft.conflict.author, draft.conflict.version) == ("ann", 1)
    with pytest.raises(ConfigurationChanged, match=r"ann saved version 1 of it while"):
        editor.save(second, "bob")
    assert editor.sources().tables == {"programs.alerts": {"contact": "first@acme.example"}}


def test_two_who_change_different_programs_do_not_hinder_each_other(editor):
    first = change(editor, "programs.alerts", contact="first@acme.example")
    second = change(editor, "programs.orders", **ORDERS)
    editor.save(first, "ann")
    editor.save(second, "bob")
    assert editor.sources().tables == {
        "programs.alerts": {"contact": "first@acme.example"},
        "programs.orders": ORDERS,
    }


def test_what_is_saved_in_the_same_moment_is_checked_again(editor, environ, services, monkeypatch):
    """Both claim one sender, and neither has seen the other's version when it is checked."""
    other = ConfigurationEditor(services, environ)
    versions, raced = services.records.configuration_versions, []
    save = versions.save

    def race(saved):
        if not raced:
            raced.append(True)
            other.save(change(other, "programs.first", **ORDERS), "ann")
        save(saved)

    monkeypatch.setattr(versions, "save", race)
    with pytest.raises(ConfigurationError, match=r"belongs to programs\.first already"):
        editor.save(change(editor, "programs.second", **ORDERS), "bob")
    assert [one.author for one in editor.history()] == ["ann"]


def test_a_version_is_undone_alone(editor):
    editor.save(change(editor, "programs.alerts", contact="one@acme.example"), "ann")
    editor.save(change(editor, "programs.orders", **ORDERS), "bob")
    editor.save(change(editor, "programs.alerts", contact="two@acme.example"), "ann")
    editor.save(editor.undo(3), "ann")
    assert editor.sources().tables["programs.alerts"] == {"contact": "one@acme.example"}
    editor.save(editor.undo(1), "ann")
    assert editor.sources().tables == {"programs.orders": ORDERS}
    with pytest.raises(NoSuchVersion):
        editor.undo(9)
    assert [one.version for one in editor.history(table="programs.alerts")] == [5, 4, 3, 1]


# --- secrets --------------------------------------------------------------------------------------


def secret(editor, value="typed-token"):
    made = change(editor, "accounts.twilio", auth_token=f"${{{TOKEN}}}")
    return editor.save(made, "ann", secrets={TOKEN: value})


def test_a_secret_is_a_file_of_its_owners_alone_and_nowhere_else(editor, environ, tmp_path):
    saved = secret(editor)
    file = tmp_path / "var" / "secrets" / TOKEN
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert "typed-token" not in saved.content
    assert b"typed-token" not in (tmp_path / "var" / "records.sqlite3").read_bytes()
    account = load_configuration(environ).settings.accounts["twilio"]
    assert account.values_of("auth_token") == ["typed-token"]


def test_a_new_secret_alone_is_a_version_of_its_account(editor, environ):
    secret(editor)
    saved = secret(editor, "newer-token, typed-token")
    assert saved.changed == ("accounts.twilio",)
    account = load_configuration(environ).settings.accounts["twilio"]
    assert account.values_of("auth_token") == ["newer-token", "typed-token"]


def test_a_secret_that_will_not_do_is_not_written(editor, tmp_path):
    with pytest.raises(ConfigurationError, match="auth_token"):
        secret(editor, "with a blank")
    assert not (tmp_path / "var" / "secrets").exists()


def test_where_a_version_is_not_saved_the_old_secret_is_back(editor, tmp_path, monkeypatch):
    secret(editor)

    def fails(_):
        raise StoreUnavailable("gone")

    monkeypatch.setattr(editor._versions, "save", fails)
    with pytest.raises(StoreUnavailable):
        secret(editor, "other-token")
    assert (tmp_path / "var" / "secrets" / TOKEN).read_text() == "typed-token\n"


def test_a_secret_that_another_saved_meanwhile_is_not_put_back(editor, services, environ, tmp_path):
    """Bob writes, Ann writes and saves, and then Bob's version is not saved."""
    secret(editor)
    bobs_is_written, ann_had_time = threading.Event(), threading.Event()

    def fail_as_bob():
        with suppress(ConfigurationChanged), editor.secrets.written({TOKEN: "bobs-token"}):
            bobs_is_written.set()
            ann_had_time.wait(PATIENCE_S)
            raise ConfigurationChanged("Ann was faster.")

    ann = threading.Thread(
        target=secret, args=(ConfigurationEditor(services, environ), "anns-token")
    )
    bob = threading.Thread(target=fail_as_bob)
    bob.start()
    assert bobs_is_written.wait(PATIENCE_S)
    ann.start()
    ann.join(0.3)  # she waits for Bob; without the lock she is done by now
    ann_had_time.set()
    bob.join(PATIENCE_S)
    ann.join(PATIENCE_S)
    assert (tmp_path / "var" / "secrets" / TOKEN).read_text() == "anns-token\n"


def test_where_several_hosts_share_the_configuration_a_secret_is_refused(editor, services):
    services.store.heartbeats.beat(heartbeat("worker", host="host-2"))
    with pytest.raises(SecretRefused) as raised:
        secret(editor)
    told = str(raised.value)
    assert socket.gethostname() in told
    assert "host-2" in told
    assert f"Set {TOKEN} in the environment" in told
    assert editor.history() == []


def test_processes_of_this_host_alone_refuse_nothing(editor, services):
    beat = msgspec.structs.replace(heartbeat("worker"), host=socket.gethostname())
    services.store.heartbeats.beat(beat)
    secret(editor)


def test_where_the_directory_cannot_be_written_the_variable_is_named(editor, tmp_path):
    folder = tmp_path / "var"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o500)
    try:
        with as_somebody_else(), pytest.raises(SecretRefused, match=f"Set {TOKEN} in the"):
            editor.secrets.refuse(TOKEN)
    finally:
        folder.chmod(0o700)


def test_a_variable_of_the_environment_is_changed_there(editor, environ):
    for name in (TOKEN, f"{TOKEN}_FILE"):
        environ[name] = "x"
        assert editor.secrets.is_in_environment(TOKEN)
        with pytest.raises(SecretRefused, match="is set in the environment"):
            editor.secrets.refuse(TOKEN)
        del environ[name]
    assert not editor.secrets.is_in_environment(TOKEN)
