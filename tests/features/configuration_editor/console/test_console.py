"""Programs, replies and accounts changed in the console: forms, faults at fields, versions."""

from __future__ import annotations

import html
import re
import socket

import msgspec
from sqlalchemy import text

from smsgate.features.configuration_editor.secret_files import variable_of
from tests.fakes.browser import PASSWORD
from tests.fakes.own_services import heartbeat
from tests.fakes.pages import NASTY, harmless, words

SETUP = "/console/setup"
ALERTS_PAGE = f"{SETUP}/programs/alerts"
SID = "AC" + "6" * 32
TOKEN = variable_of("second", "auth_token")


def hidden(answer, name):
    found = re.search(rf'name="{name}" value="([^"]*)"', answer.text)
    return html.unescape(found[1]) if found else ""


def carried(answer, **more):
    """What the page that shows a change sends on."""
    names = ("base", "content", "back", "removed", "note")
    return {name: hidden(answer, name) for name in names if hidden(answer, name)} | more


PROGRAM = {
    "name": "Acme Alerts",
    "account": "twilio",
    "senders": "*",
    "keywords": "zu",
    "contact": "",
    "kind": "marketing",
    "scope": "all",
    "confirm": "auto",
    "region": "",
    "printed": "",
    "templates": "",
    "formerly": "",
    "base": "0",
}


def saved(admin, page, **more):
    answer = admin.post(f"{SETUP}/changes/save", carried(page, **more))
    assert answer.status_code == 303, answer.text
    return answer


# --- programs -------------------------------------------------------------------------------------


def test_a_program_is_changed_reviewed_and_saved(admin, editor):
    page = admin.get(f"{ALERTS_PAGE}/edit")
    assert 'value="Acme Alerts"' in page.text
    form = PROGRAM | {"contact": "help@acme.example", "scope": "program"}
    page = admin.post(f"{ALERTS_PAGE}/edit", form)
    assert page.status_code == 200
    assert "Nothing is saved yet." in page.text
    assert 'added: contact = "help@acme.example"' in " ".join(words(page).split()).replace("+ ", "")
    assert "ends Acme Alerts alone" in words(page)
    answer = saved(admin, page, note="they moved")
    assert editor.sources().tables == {
        "programs.alerts": {"contact": "help@acme.example", "scope": "program"}
    }
    shown = words(admin.get(answer.location))
    assert "Saved as version 1." in shown
    assert "they moved" in shown
    assert "admin" in shown
    edit = words(admin.get(f"{ALERTS_PAGE}/edit"))
    assert "The console and smsgate.toml differ" in edit
    assert "programs.alerts.scope" in edit


def test_each_fault_is_at_its_field_and_nothing_typed_is_lost(admin, editor):
    form = PROGRAM | {
        "name": NASTY, "senders": "12\n+14155550888", "region": "us", "keywords": "xx, zu",
        "contact": "${HOME}", "templates": "one\r\ntwo",
    }  # fmt: skip
    page = admin.post(f"{ALERTS_PAGE}/edit", form)
    assert page.status_code == 422
    assert "Nothing was saved." in words(page)
    assert harmless(page)
    assert re.search(r'id="contact-wrong">This names a variable', page.text)
    assert "12\n+14155550888</textarea>" in page.text
    assert "one\ntwo</textarea>" in page.text
    form |= {"contact": "me"}
    page = admin.post(f"{ALERTS_PAGE}/edit", form)
    assert re.search(r'id="region-wrong">This is no region', page.text)
    assert re.search(r'id="keywords-wrong">&#39;xx&#39;: there is no such set', page.text)
    assert re.search(r'id="senders-wrong">.*belongs to programs\.', page.text)
    assert 'aria-invalid="true"' in page.text
    assert editor.history() == []


def test_a_program_is_added_and_removed(admin, editor):
    assert 'name="id"' in admin.get(f"{SETUP}/new-program").text
    form = PROGRAM | {"id": "news", "name": "Acme News", "senders": "+1 415 555 0777"}
    page = admin.post(f"{SETUP}/new-program", form)
    saved(admin, page)
    assert editor.sources().effective("programs.news")["senders"] == ["+1 415 555 0777"]
    edit = admin.get(f"{SETUP}/programs/news/edit")
    assert "only in the console" in words(edit)
    assert '<option value="orders">Acme &lt;b&gt;Orders' in edit.text
    page = admin.post(f"{SETUP}/programs/news/remove", {"successor": "orders"})
    assert "Will be reverted or removed: Program news." in words(page)
    saved(admin, page)
    assert editor.sources().tables == {"programs.orders": {"formerly": ["news"]}}


def test_languages_are_typed_and_shown_by_name(admin, editor):
    form = PROGRAM | {"keywords": "haitian creole, zu, Klingon"}
    page = admin.post(f"{ALERTS_PAGE}/edit", form)
    assert 'name="keywords" class="wide" value="Haitian Creole, Zulu, Klingon"' in page.text
    assert re.search(r'id="keywords-wrong">This must be the code of a language', page.text)
    saved(admin, admin.post(f"{ALERTS_PAGE}/edit", PROGRAM | {"keywords": "Haitian Creole, zu"}))
    assert editor.sources().effective("programs.alerts")["keywords"] == ["ht", "zu"]
    assert 'value="Haitian Creole, Zulu"' in admin.get(f"{ALERTS_PAGE}/edit").text
    page = admin.get(f"{ALERTS_PAGE}/replies/ht")
    assert "Replies of Acme Alerts in Haitian Creole" in words(page)
    assert '<option value="ht" selected>Haitian Creole</option>' in page.text
    assert '<option value="und"' not in page.text


def test_an_own_set_with_the_name_of_a_language_stays_itself(admin, editor, folder):
    """Its opt-outs would be lost with the next change of the program, whatever that is."""
    own = folder / "config" / "keywords"
    own.mkdir()
    (own / "zulu.toml").write_text(
        'language = "zulu"\n[[entries]]\nintent = "opt_out"\nwords = "ISIPHETHO"\n'
    )
    saved(admin, admin.post(f"{ALERTS_PAGE}/edit", PROGRAM | {"keywords": "zulu, Zulu"}))
    assert editor.sources().effective("programs.alerts")["keywords"] == ["zulu", "zu"]
    assert 'value="zulu, Zulu"' in admin.get(f"{ALERTS_PAGE}/edit").text


def test_a_name_that_will_not_do_is_told_at_its_field(admin):
    for name, told in (
        ("", "is missing"),
        ("alerts", "another program"),
        ("No Way", "no fit name"),
        ("all", "stands for every program"),
    ):
        page = admin.post(f"{SETUP}/new-program", PROGRAM | {"id": name, "senders": "+14155550777"})
        assert page.status_code == 422
        assert told in re.search(r'id="id-wrong">([^<]*)<', page.text)[1]


def test_a_program_of_the_file_is_not_removed_here(admin):
    answer = admin.post(f"{ALERTS_PAGE}/remove", {})
    assert answer.status_code == 422
    assert "is in smsgate.toml" in words(answer)


def test_editing_goes_on_with_what_was_typed(admin):
    page = admin.post(f"{ALERTS_PAGE}/edit", PROGRAM | {"contact": "help@acme.example"})
    back = admin.post(hidden(page, "back"), carried(page))
    assert back.status_code == 200
    assert 'value="help@acme.example"' in back.text


def test_of_two_people_the_second_is_told_and_may_save_both(admin, editor):
    first = admin.post(f"{ALERTS_PAGE}/edit", PROGRAM | {"contact": "first@acme.example"})
    second = admin.post(f"{ALERTS_PAGE}/edit", PROGRAM | {"contact": "second@acme.example"})
    saved(admin, first)
    answer = admin.post(f"{SETUP}/changes/save", carried(second, note="mine"))
    assert answer.status_code == 409
    told = words(answer)
    assert "admin saved version 1 of it while you worked" in told
    assert 'removed: contact = "first@acme.example"' in told.replace("- ", "")
    assert 'value="mine"' in answer.text
    saved(admin, answer)
    assert editor.sources().tables["programs.alerts"]["contact"] == "second@acme.example"


def test_a_form_from_before_anothers_change_is_told_as_well(admin):
    saved(admin, admin.post(f"{ALERTS_PAGE}/edit", PROGRAM | {"contact": "a@acme.example"}))
    page = admin.post(f"{ALERTS_PAGE}/edit", PROGRAM | {"confirm": "always"})
    assert "while you worked" in words(page)


# --- versions -------------------------------------------------------------------------------------


def test_a_version_is_undone_and_a_table_reverted(admin, editor):
    for at, contact in enumerate(("a@acme.example", "b@acme.example")):
        form = PROGRAM | {"contact": contact, "base": str(at)}
        saved(admin, admin.post(f"{ALERTS_PAGE}/edit", form))
    page = admin.post(f"{SETUP}/changes/1/undo", {})
    assert "also undoes what later versions changed of it: 2" in words(page)
    assert 'value="undoes version 1"' in page.text
    page = admin.post(f"{SETUP}/changes/2/undo", {})
    saved(admin, page)
    assert editor.sources().tables["programs.alerts"]["contact"] == "a@acme.example"
    page = admin.post(f"{SETUP}/changes/revert", {"table": "programs.alerts"})
    saved(admin, page)
    assert editor.sources().tables == {}
    listed = words(admin.get(f"{SETUP}/changes?table=programs.alerts"))
    assert "reverts to smsgate.toml" in listed
    assert "Only changes of Program Acme Alerts." in listed
    assert admin.post(f"{SETUP}/changes/revert", {"table": "programs.x"}).status_code == 404
    assert admin.get(f"{SETUP}/changes/99").status_code == 404


def test_what_a_page_did_not_show_is_checked_all_the_same(admin, editor):
    bad = '[programs.alerts]\ncontact = "${SMSGATE_SECRET_KEYS}"\n'
    answer = admin.post(f"{SETUP}/changes/save", {"content": bad, "base": "0"})
    assert answer.status_code == 422
    assert "names a variable" in words(answer)
    assert admin.post(f"{SETUP}/changes/save", {"content": "x = ", "base": "0"}).status_code == 422
    assert editor.history() == []


def test_only_admins_change_anything(signed_in):
    for role in ("viewer", "agent"):
        browser = signed_in(role)
        assert browser.get(f"{SETUP}/changes").status_code == 200
        for path in (f"{ALERTS_PAGE}/edit", f"{SETUP}/new-account", f"{ALERTS_PAGE}/replies/en"):
            assert browser.get(path).status_code == 403
        assert browser.post(f"{SETUP}/changes/save", {}).status_code == 403


# --- replies --------------------------------------------------------------------------------------

REPLIES = f"{ALERTS_PAGE}/replies"


def test_replies_are_counted_while_they_are_typed(admin):
    part = admin.post(
        f"{REPLIES}/es/preview", {"opt_out": "{program}: " + "ñ" * 160, "help": "Café – {x}"}
    )
    told = words(part)
    assert "2 segments: 173 of 160 characters" in told
    assert "billed as 2 messages" in told
    assert "– (write -)" in told
    assert "This has braces" in told
    assert "Acme Alerts: ñññ" in told
    assert "<html" not in part.text


def test_a_reply_is_changed_and_the_shipped_one_comes_back(admin, editor):
    page = admin.get(f"{REPLIES}/en")
    assert "shipped wording" in words(page)
    texts = {"opt_out": "{program}: bye.", "help": "", "opt_in": "", "base": "0"}
    page = admin.post(f"{REPLIES}/en", texts)
    saved(admin, page)
    assert editor.sources().tables == {
        "programs.alerts": {"replies": {"en": {"opt_out": "{program}: bye."}}}
    }
    assert editor.settings().programs.get("alerts").replies["en"]["opt_out"] == "{program}: bye."
    page = admin.post(f"{REPLIES}/en", {"opt_out": "", "base": "1"})
    saved(admin, page)
    assert editor.sources().tables == {}


def test_a_fault_of_a_reply_is_at_its_text(admin):
    page = admin.post(f"{REPLIES}/en", {"help": "Ask {contact}", "opt_in": "{what}", "base": "0"})
    assert page.status_code == 422
    assert re.search(r'id="help-wrong">This uses \{contact\}', page.text)
    assert re.search(r'id="opt_in-wrong">This has braces', page.text)
    assert "Ask {contact}</textarea>" in page.text


def test_without_scripts_a_button_shows_the_preview(admin):
    page = admin.post(f"{REPLIES}/en", {"opt_out": "{program}: bye.", "show": "1", "base": "0"})
    assert "Acme Alerts: bye." in words(page)


def test_another_language_is_chosen(admin):
    assert admin.get(f"{REPLIES}?language=es-MX").location.endswith("/replies/es-MX")
    page = admin.post(f"{REPLIES}/n!", {"help": "x", "base": "0"})
    assert page.status_code == 422
    assert admin.get(f"{SETUP}/programs/nobody/replies/en").status_code == 404


# --- accounts -------------------------------------------------------------------------------------

ACCOUNT = {"provider": "twilio", "id": "second", "account_sid": SID, "auth_token": "typed-token",
           "base": "0"}  # fmt: skip


def test_an_account_is_added_with_its_webhook_to_paste(admin, services, folder, editor):
    assert "Continue" in admin.get(f"{SETUP}/new-account").text
    page = admin.get(f"{SETUP}/new-account?provider=twilio")
    assert 'type="password"' in page.text
    answer = admin.post(f"{SETUP}/new-account", ACCOUNT)
    assert answer.status_code == 303, answer.text
    page = admin.get(answer.location)
    assert 'value="http://localhost/webhooks/second"' in page.text
    assert "Waiting for the first text" in page.text
    assert "No program uses this account yet" in words(page)
    assert (folder / "var" / "secrets" / TOKEN).read_text() == "typed-token\n"
    assert editor.settings().accounts["second"].values_of("auth_token") == ["typed-token"]
    waiting = admin.get(f"{SETUP}/accounts/second/waiting")
    assert 'hx-trigger="every 2s"' in waiting.text
    services.store.acceptance.note("second", newest=True, several=False)
    green = admin.get(f"{SETUP}/accounts/second/waiting")
    assert "badge good" in green.text
    assert "hx-trigger" not in green.text


def test_no_page_holds_a_secret(admin, editor):
    admin.post(f"{SETUP}/new-account", ACCOUNT)
    form = {"account_sid": "x", "auth_token": "typed-2", "base": "1"}
    faulty = admin.post(f"{SETUP}/accounts/second/edit", form)
    assert faulty.status_code == 422
    assert "must be AC" in re.search(r'id="account_sid-wrong">([^<]*)<', faulty.text)[1]
    assert "Enter it again" in words(faulty)
    for page in (faulty, admin.get(f"{SETUP}/accounts/second/edit"),
                 admin.get(f"{SETUP}/changes/1")):  # fmt: skip
        assert "typed-" not in page.text
    assert "typed-" not in editor.version(1).content


def test_a_secret_is_rotated(admin, editor):
    admin.post(f"{SETUP}/new-account", ACCOUNT)
    form = {"account_sid": SID, "auth_token": "newer-token", "base": "1", "keep_old": "on"}
    assert admin.post(f"{SETUP}/accounts/second/edit", form).status_code == 303
    account = editor.settings().accounts["second"]
    assert account.values_of("auth_token") == ["newer-token", "typed-token"]
    form = {"account_sid": SID, "auth_token": "", "rate": "2.5", "base": "2"}
    assert admin.post(f"{SETUP}/accounts/second/edit", form).status_code == 303
    account = editor.settings().accounts["second"]
    assert account.values_of("auth_token") == ["newer-token", "typed-token"]
    assert account.rate == 2.5


def test_a_secret_that_was_left_behind_is_not_used_again(admin, editor, folder):
    form = {"account_sid": "AC" + "5" * 32, "auth_token": "typed-token", "base": "0"}
    assert admin.post(f"{SETUP}/accounts/twilio/edit", form).status_code == 303
    page = admin.post(f"{SETUP}/changes/revert", {"table": "accounts.twilio"})
    saved(admin, page)
    assert (folder / "var" / "secrets" / variable_of("twilio", "auth_token")).exists()
    form |= {"auth_token": "", "rate": "3", "base": "2"}
    assert admin.post(f"{SETUP}/accounts/twilio/edit", form).status_code == 303
    assert editor.sources().tables == {"accounts.twilio": {"rate": 3.0}}
    assert editor.settings().accounts["twilio"].values_of("auth_token") == ["a-token"]
    kannel = {"provider": "kannel", "id": "kannel", "send_url": "http://127.0.0.1/x",
              "username": "u", "password": "p", "base": "9"}  # fmt: skip
    (folder / "var" / "secrets" / variable_of("kannel", "secret")).write_text("left-behind")
    assert "shown only now" in words(admin.post(f"{SETUP}/new-account", kannel))


def test_a_secret_for_the_address_is_made_and_shown_once(admin, editor):
    form = {"provider": "kannel", "id": "kannel", "send_url": "http://127.0.0.1:13013/cgi-bin/sendsms",
            "username": "u", "password": "", "base": "0"}  # fmt: skip
    page = admin.post(f"{SETUP}/new-account", form | {"password": "kannels-own"})
    assert page.status_code == 200, page.text
    (secret,) = editor.settings().accounts["kannel"].values_of("secret")
    assert f'value="http://localhost/webhooks/kannel/{secret}"' in page.text
    assert "shown only now" in page.text
    again = admin.get(f"{SETUP}/accounts/kannel/connect")
    assert "/webhooks/kannel/SECRET" in again.text
    assert secret not in again.text


def test_where_several_hosts_run_the_variable_is_named_at_the_field(admin, services, folder):
    beat = msgspec.structs.replace(heartbeat("worker", host="host-2"))
    services.store.heartbeats.beat(beat, 600)
    page = admin.post(f"{SETUP}/new-account", ACCOUNT)
    assert page.status_code == 422
    told = re.search(r'id="auth_token-wrong">([^<]*)<', page.text)[1]
    assert f"Set {TOKEN} in the environment of every process" in told
    assert socket.gethostname() in told
    assert not (folder / "var" / "secrets").exists()


def test_a_variable_that_is_set_outside_is_used(admin, editor, monkeypatch, environ):
    environ[TOKEN] = "from-outside"
    monkeypatch.setenv(TOKEN, "from-outside")
    answer = admin.post(f"{SETUP}/new-account", ACCOUNT | {"auth_token": ""})
    assert answer.status_code == 303, answer.text
    assert editor.sources().tables["accounts.second"]["auth_token"] == f"${{{TOKEN}}}"
    page = admin.post(f"{SETUP}/accounts/second/edit", ACCOUNT | {"base": "1"})
    assert "is set in the environment" in re.search(r'id="auth_token-wrong">([^<]*)<', page.text)[1]


def test_a_fault_of_an_account_is_at_its_field(admin):
    for key, value, told in (
        ("id", "", "is missing"),
        ("id", "twilio", "too close to that of twilio"),
        ("id", "Bad", "no fit name"),
        ("id", "simulator", "kept for"),
        ("auth_token", "", "is empty"),
        ("account_sid", "AC1", "must be AC"),
        ("rate", "fast", "This must be a number."),
        ("rate", "-1", "must be at least 0"),
        ("rate", "inf", "must be at most 10000"),
        ("public_url", "no url", "is no web address"),
    ):
        page = admin.post(f"{SETUP}/new-account", ACCOUNT | {key: value})
        assert page.status_code == 422
        found = re.search(rf'id="{key}-wrong">([^<]*)<', page.text)
        assert found, (key, value)
        assert told in html.unescape(found[1])


def is_asked_again(services):
    """Let it be long ago that anybody entered their password."""
    with services.records.database.writing() as connection:
        connection.execute(text("UPDATE sessions SET proved_us = 0"))


def test_an_account_and_alerts_are_saved_nowhere_without_the_password(admin, services, editor):
    admin.post(f"{SETUP}/new-account", ACCOUNT)
    is_asked_again(services)
    program = admin.post(f"{ALERTS_PAGE}/edit", PROGRAM | {"contact": "me", "base": "1"})
    assert "own_password" not in program.text
    saved(admin, program)
    account = '[accounts.second]\nprovider = "twilio"\naccount_sid = "x"\n'
    alerts = '[alerts.text]\naccount = "twilio"\nfrom = "+14155550100"\nto = ["+14155550123"]\n'
    both = '[programs.alerts]\ncontact = "you"\n' + account
    for form in ({"content": account}, {"content": alerts}, {"content": both},
                 {"content": "", "removed": "accounts.second"}):  # fmt: skip
        page = admin.post(f"{SETUP}/changes/save", form | {"base": "9"})
        assert page.status_code == 422
        assert re.search(r'id="own_password-wrong">That is not your password', page.text)
    assert [one.version for one in editor.history()] == [2, 1]
    for path, form in (("revert", {"table": "accounts.second"}), ("1/undo", {})):
        page = admin.post(f"{SETUP}/changes/{path}", form)
        assert 'name="own_password"' in page.text
    saved(admin, page, own_password=PASSWORD)
    assert "accounts.second" not in editor.sources().tables
    page = admin.post(f"{SETUP}/changes/3/undo", {})
    assert 'name="own_password"' not in page.text  # entered a moment ago


def test_the_password_of_an_account_is_not_taken_for_that_of_who_saves(admin, services, editor):
    is_asked_again(services)
    form = {"provider": "kannel", "id": "kannel", "send_url": "http://127.0.0.1/x",
            "username": "u", "password": "kannels-own", "base": "0"}  # fmt: skip
    page = admin.post(f"{SETUP}/new-account", form)
    assert re.search(r'id="own_password-wrong">', page.text)
    assert page.text.count('name="password"') == 1
    page = admin.post(f"{SETUP}/new-account", form | {"own_password": PASSWORD})
    assert page.status_code == 200
    assert editor.settings().accounts["kannel"].values_of("password") == ["kannels-own"]


def test_a_new_account_does_not_replace_the_secret_of_another(admin, editor, folder):
    kannel = {"provider": "kannel", "id": "acme-webhook", "send_url": "http://127.0.0.1/x",
              "username": "u", "password": "p", "base": "0"}  # fmt: skip
    admin.post(f"{SETUP}/new-account", kannel)
    file = folder / "var" / "secrets" / variable_of("acme-webhook", "secret")
    before = file.read_text()
    azure = {"provider": "azure", "id": "acme", "endpoint": "https://acme.example",
             "access_key": "a2V5", "webhook_secret": "sixteen-letters-or-more"}  # fmt: skip
    page = admin.post(f"{SETUP}/new-account", azure | {"base": "1"})
    assert page.status_code == 422
    told = re.search(r'id="webhook_secret-wrong">([^<]*)<', page.text)[1]
    assert "the variable of accounts.acme-webhook.secret: give the account another name" in told
    assert file.read_text() == before
    admin.post(f"{SETUP}/new-account", azure | {"id": "other", "base": "1"})
    assert "other" in editor.settings().accounts


def test_a_password_goes_to_no_other_host(admin, editor):
    form = {"provider": "kannel", "id": "kannel", "send_url": "http://127.0.0.1/x",
            "username": "u", "password": "kannels-own", "base": "0"}  # fmt: skip
    admin.post(f"{SETUP}/new-account", form)
    form |= {"send_url": "http://127.0.0.2/x", "base": "1"}
    for password in ({"password": ""}, {"password": ",", "keep_old": "on"}):
        page = admin.post(f"{SETUP}/accounts/kannel/edit", form | password)
        assert page.status_code == 422
        told = re.search(r'id="password-wrong">([^<]*)<', page.text)[1]
        assert told == "This is needed again, since send_url names another host."
    answer = admin.post(f"{SETUP}/accounts/kannel/edit", form | {"password": "another"})
    assert answer.status_code == 303, words(answer)
    assert editor.settings().accounts["kannel"].values_of("password") == ["another"]


def test_an_account_that_a_program_uses_is_not_removed(admin, editor):
    admin.post(f"{SETUP}/new-account", ACCOUNT)
    form = PROGRAM | {"id": "news", "account": "second", "base": "1"}
    saved(admin, admin.post(f"{SETUP}/new-program", form))
    page = admin.post(f"{SETUP}/changes/revert", {"table": "accounts.second"})
    assert "there is no account 'second'" in words(page)
    assert "disabled" in page.text


def test_the_pages_of_setup_name_what_the_console_changes(admin, editor, services):
    saved(admin, admin.post(f"{ALERTS_PAGE}/edit", PROGRAM | {"contact": "a@acme.example"}))
    object.__setattr__(services.settings, "overrides", editor.settings().overrides)
    assert "The console changes contact" in words(admin.get(ALERTS_PAGE))
    assert "Where console and file differ" in words(admin.get(f"{SETUP}/changes"))
