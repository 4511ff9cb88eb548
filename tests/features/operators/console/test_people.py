"""People: adding, roles, resetting, ending; and that nobody but an admin can."""

from __future__ import annotations

import re
import threading
import time
from dataclasses import replace

import pytest
from pydantic import SecretStr

from smsgate.domain.errors import CallFailed
from smsgate.features.operators import factors, service, sessions
from smsgate.features.operators.service import RECOVERY, OperatorError, issue
from smsgate.records.operator_actions import ActionAuthor
from smsgate.web.console import auth
from tests.fakes.browser import PASSWORD, browser
from tests.fakes.own_services import ALERTS, make_services
from tests.fakes.pages import words
from tests.fakes.people import (
    People,
    add_operator,
    change_people,
    newest_actions,
    put_factor,
    set_operator,
)
from tests.fakes.processes import PATIENCE_S
from tests.features.operators.console.test_account import change, remove_factor, set_up

NEW = "a kettle full of pigeons"
_LINK = re.compile(r'http://localhost(/console/password/[\w-]{43})"')


def link_of(answer) -> str:
    assert answer.status_code == 200, answer.text
    return _LINK.search(answer.text)[1]


def settle_notices() -> None:
    """Wait until all notices so far were sent or given up."""
    service._notices.submit(int).result(PATIENCE_S)


# --- e-mail addresses and notices -----------------------------------------------------------------


@pytest.fixture
def mail(services, monkeypatch):
    """A mail server that the configuration names; what is sent there is kept in a list."""
    sent = []
    monkeypatch.setattr(service, "send_email", lambda *given: sent.append(given))
    web = replace(services.settings.web, mail=SecretStr("mailto://mail.example.com"))
    object.__setattr__(services.settings, "web", web)
    yield sent
    settle_notices()


MARIA = {"name": "maria", "role": "agent", "email": "maria@example.com"}


def test_an_address_is_of_one_person(mail, admin, services):
    change_people(admin, "add", MARIA)
    change_people(admin, "add", {"name": "ben", "role": "viewer"})
    people = People(services.records)
    before = people.all()
    taken = {"email": "MARIA@example.com", "page": "/console/people"}
    for deed, data in (("add", {"name": "eve", "role": "admin"}), ("reset", {"name": "ben"})):
        answer = change_people(admin, deed, data | taken)
        assert answer.status_code == 409
        assert "Another person has that name or that e-mail address" in words(answer)
    assert people.all() == before


@pytest.mark.parametrize("email", ["maria", "maria@", "ma ria@example.com", "m@" + "x" * 199])
def test_a_bad_address_adds_nobody(mail, admin, services, email):
    answer = change_people(admin, "add", MARIA | {"email": email, "page": "/console/people"})
    assert answer.status_code == 422
    assert "Enter an e-mail address" in words(answer)
    assert [one.name for one in People(services.records).all()] == ["admin"]


def notices(mail) -> list[tuple[str, str]]:
    """To whom a notice went, and what it says was changed."""
    settle_notices()
    assert all("admin changed" in said or "maria changed" in said for *_, said in mail)
    return [(to, re.search(r"you sign in: (.*)\.", said)[1]) for _, to, _, said in mail]


def test_people_are_told_when_their_way_to_sign_in_changes(mail, admin, services):
    link = link_of(change_people(admin, "add", MARIA))
    maria = browser(services)
    maria.post(link, {"new": NEW, "repeated": NEW})
    assert maria.sign_in("maria", NEW).status_code == 303
    set_up(maria)
    remove_factor(maria)
    change_people(admin, "role", {"name": "maria", "role": "viewer"})
    change_people(admin, "reset", {"name": "maria", "email": "mia@example.com"})
    change_people(admin, "end", {"name": "maria"})
    old, new = "maria@example.com", "mia@example.com"
    assert notices(mail) == [
        (old, "password set (by a link)"),
        (old, "second factor added (Authenticator app)"),
        (old, "second factor removed (Authenticator app)"),
        (old, "role changed (agent to viewer)"),
        (old, "sign-in reset (e-mail address maria@example.com changed to mia@example.com)"),
        (new, "deactivated"),
    ]


def test_people_are_told_of_a_sign_in_in_a_new_browser(mail, services, password_hash):
    row = add_operator(services.records, "maria", "agent", password_hash)
    set_operator(services.records, "maria", email="maria@example.com")
    put_factor(services.records, row)
    with services.records.database.writing() as connection:
        issue(connection, RECOVERY, row.id, ["a", "b"], 60)
    maria = browser(services)
    agent = {"User-Agent": "(X11; Linux x86_64) Chrome/140.0"}
    for code in ("a", "b"):  # the second time the browser is known
        maria.sign_in("maria", headers=agent)
        settle_notices()
        assert len(mail) == (code == "b"), "the password alone is no sign-in"
        maria.get("/console/in/code")
        maria.post("/console/in/code", {"code": code}, headers=agent)
        maria.get("/console/me")
        maria.post("/console/out")
    settle_notices()
    ((_, to, _, said),) = mail
    assert to == "maria@example.com"
    assert "somebody signed in as you in a new browser (Chrome on Linux), from 127.0.0.1." in said


def test_people_are_told_of_a_code_that_was_used_again(mail, viewer, services, monkeypatch):
    now = time.time()
    monkeypatch.setattr(factors.time, "time", lambda: now)
    totp, _ = set_up(viewer)
    set_operator(services.records, "viewer", email="viewer@example.com")
    other = browser(services)
    other.sign_in("viewer", headers={"User-Agent": "(X11; Linux x86_64) Chrome/140.0"})
    for code in ("000000", totp.at(now)):
        settle_notices()
        assert mail == []
        agent = {"User-Agent": "(X11; Linux x86_64) Chrome/140.0"}
        assert other.post("/console/in/code", {"code": code}, headers=agent).status_code == 403
    settle_notices()
    ((_, to, _, said),) = mail
    assert to == "viewer@example.com"
    assert "a code of your app that was used before (Chrome on Linux), from 127.0.0.1" in said
    newest = newest_actions(services.records, 1)[0]
    assert (newest.what, newest.note) == ("wrong code", "used before")


def test_a_notice_holds_up_no_request_and_is_in_the_log_if_it_fails(
    mail, admin, services, monkeypatch
):
    """As while the mail server hangs: for half a minute, before it is given up."""
    change_people(admin, "add", MARIA)
    gives_up = threading.Event()

    def hang(*_: object) -> None:
        gives_up.wait(PATIENCE_S)
        raise CallFailed("there was no answer within 30 s", left=True)

    monkeypatch.setattr(service, "send_email", hang)
    assert change_people(admin, "end", {"name": "maria"}).status_code == 303
    assert People(services.records).named("maria").ended_us
    assert newest_actions(services.records, 1)[0].what == "deactivated"
    gives_up.set()
    settle_notices()
    found = newest_actions(services.records, 1)[0]
    assert (found.what, found.operator) == ("notice not sent", "maria")
    assert found.note == "there was no answer within 30 s"


# --- adding and the link ----------------------------------------------------------------------


@pytest.fixture
def add_at(folder, redis_url, operator, services):
    """An admin adds maria, at an address of a gateway of which nobody said where it is reached."""
    hosts = '[web]\nhosts = ["evil.example", "192.168.1.7"]\n'
    made = make_services(folder, redis_url, hosts + ALERTS, init=False, SMSGATE_PUBLIC_URL="")
    name = operator("admin", "admin")

    def added(host, deed="add", scheme="http", address="127.0.0.1"):
        origin = f"{scheme}://{host}"
        there, url = browser(made), {"base_url": origin, "headers": {"Referer": f"{origin}/"}}
        url["environ_base"] = {"REMOTE_ADDR": address}
        assert there.sign_in(name, **url).status_code == 303
        return change_people(there, deed, {"name": "maria", "role": "agent"}, **url)

    yield added
    made.close()


@pytest.mark.parametrize("host", ["evil.example", "192.168.1.7:8000", "localhost:8000"])
def test_no_link_leads_where_a_request_says(add_at, services, host, monkeypatch) -> None:
    monkeypatch.setattr(auth, "lacks_factor", lambda: False)  # as if it were set up
    page = add_at(host, scheme="http" if host == "localhost:8000" else "https").text
    assert re.search(r'value="http://127.0.0.1:8000/console/password/[\w-]{43}"', page)
    assert f"{host}/console/password" not in page


def test_who_is_added_sets_a_password_by_the_link_once_and_signs_in(admin, services) -> None:
    link = link_of(change_people(admin, "add", {"name": "Maria Gómez", "role": "agent"}))
    maria = browser(services)
    answer = maria.post(link, {"new": "Password1234!", "repeated": "Password1234!"})
    assert (answer.status_code, "easy to guess" in answer.text) == (422, True)
    assert '"Password1234!"' not in answer.text
    for _ in range(2):  # a preview that fetches it uses nothing up
        assert "Maria Gómez" in maria.get(link).text
    answer = maria.post(link, {"new": NEW, "repeated": NEW})
    assert answer.location == "/console/", "in at once"
    assert "Maria Gómez" in maria.get("/console/").text
    for again in (maria.get(link), maria.post(link, {"new": NEW, "repeated": NEW})):
        assert (again.status_code, "no longer valid" in again.text) == (404, True)
    assert browser(services).sign_in("maria gómez", NEW).status_code == 303


def test_a_link_is_shown_once_and_kept_as_a_digest(admin, services) -> None:
    link = link_of(change_people(admin, "add", {"name": "maria", "role": "agent"}))
    assert link not in admin.get("/console/people").text
    file = services.settings.data_dir / "records.sqlite3"
    services.records.close()
    assert link.rpartition("/")[2].encode() not in file.read_bytes()


def test_a_link_ends_by_time_and_by_a_newer_one(admin, visitor, services) -> None:
    first = link_of(change_people(admin, "add", {"name": "maria", "role": "agent"}))
    second = link_of(change_people(admin, "reset", {"name": "maria"}))
    assert visitor.get(first).status_code == 404
    assert visitor.get(second).status_code == 200
    change(services, "UPDATE single_use SET ends_us = :us", us=service.now_us())
    assert visitor.get(second).status_code == 404


@pytest.mark.parametrize("name", ["maria", "MARIA", "ｍａｒｉａ", "𝐌aria", "  maria "])
def test_no_two_names_are_alike(admin, name) -> None:
    change_people(admin, "add", {"name": "maria", "role": "agent"})
    answer = change_people(admin, "add", {"name": name, "role": "admin"})
    assert (answer.status_code, "use another one" in answer.text) == (409, True)


@pytest.mark.parametrize(
    "name",
    ["", " ", "a" * 61, "terminal:root", "+14155550123", "4155550123", "<b>", "a\0b"],
)
def test_a_name_that_could_mislead_is_refused(admin, name) -> None:
    answer = change_people(admin, "add", {"name": name, "role": "agent"})
    assert (answer.status_code, "not valid" in answer.text) == (422, True)


# --- who may do that ----------------------------------------------------------------------------

DEEDS = [
    ("add", {"name": "mallory", "role": "admin"}),
    ("reset", {"name": "admin"}),
    ("role", {"name": "agent", "role": "admin"}),
    ("role", {"name": "viewer", "role": "admin"}),
    ("end", {"name": "admin"}),
]


@pytest.mark.parametrize(("deed", "data"), [*DEEDS, ("reset", {"name": "viewer"})])
def test_after_a_while_one_signs_in_again_before_anything_is_done(
    admin, agent, viewer, services, deed, data
) -> None:
    before = People(services.records).all()
    late = sessions.FRESH_S * 1_000_000
    change(services, "UPDATE sessions SET made_us = made_us - :us", us=late)
    assert admin.get("/console/people").status_code == 200
    for password in ({}, {"password": PASSWORD}):
        assert change_people(admin, deed, data | password).location == "/console/in"
    assert People(services.records).all() == before
    assert "nothing was changed" in admin.get("/console/in").text
    assert admin.sign_in("admin").location == "/console/people"
    assert change_people(admin, "end", {"name": "viewer"}).status_code == 303
    assert People(services.records).named("viewer").ended_us


# --- roles, resetting, ending -------------------------------------------------------------------


def test_another_role_signs_out_and_counts_at_once(admin, agent, services) -> None:
    change_people(admin, "role", {"name": "agent", "role": "viewer"})
    assert agent.get("/console/").location == "/console/in"
    agent.sign_in("agent")
    assert change_people(agent, "add", {"name": "x", "role": "admin"}).status_code == 403
    assert People(services.records).named("agent").role == "viewer"


def test_who_ended_is_out_at_once_and_comes_back_by_a_link(admin, agent, services) -> None:
    change_people(admin, "end", {"name": "agent"})
    assert agent.get("/console/").location == "/console/in"
    assert agent.sign_in("agent").status_code == 403
    assert newest_actions(services.records, 1)[0].what == "wrong password"
    answer = change_people(admin, "add", {"name": "agent", "role": "agent"})
    assert (answer.status_code, "is deactivated, reset them" in answer.text) == (409, True)
    link = link_of(change_people(admin, "reset", {"name": "agent"}))
    assert agent.sign_in("agent").status_code == 403
    agent.post(link, {"new": NEW, "repeated": NEW})
    assert agent.sign_in("agent", NEW).status_code == 303


def test_who_ended_meanwhile_cannot_use_a_link(admin, visitor) -> None:
    link = link_of(change_people(admin, "add", {"name": "maria", "role": "admin"}))
    change_people(admin, "end", {"name": "maria"})
    assert visitor.get(link).status_code == 404
    assert visitor.post(link, {"new": NEW, "repeated": NEW}).status_code == 404


@pytest.mark.parametrize(
    ("deed", "data"), [("end", {}), ("role", {"role": "viewer"}), ("role", {"role": "agent"})]
)
def test_the_only_admin_stays_one(admin, services, deed, data) -> None:
    People(services.records).add("not yet", "admin", ActionAuthor("tests"))  # has no password yet
    answer = change_people(admin, deed, {"name": "admin"} | data)
    assert (answer.status_code, "only admin" in answer.text) == (409, True)
    assert admin.get("/console/people").status_code == 200


def test_an_admin_by_single_sign_on_counts_as_one(admin, services) -> None:
    people = People(services.records)
    people.add("maria", "admin", ActionAuthor("tests"))
    change(services, "UPDATE operators SET subject = 'x' WHERE folded = 'maria'")
    people.deactivate("admin", ActionAuthor("tests"))
    with pytest.raises(OperatorError, match="only admin"):
        people.deactivate("maria", ActionAuthor("tests"))


def test_the_audit_log_tells_what_happened(admin, visitor, services) -> None:
    change_people(admin, "add", {"name": "maria", "role": "agent"})
    change_people(admin, "role", {"name": "maria", "role": "viewer"})
    visitor.sign_in("maria", "wrong")
    said = words(admin.get("/console/audit"))
    for told in (
        "Wrong password",
        "admin Role changed maria agent to viewer",
        "admin Person added maria as agent",
    ):
        assert told in said


# --- the first admin ------------------------------------------------------------------------------


def test_the_first_admin_comes_by_a_link_and_is_in_at_once(visitor, services) -> None:
    assert "smsgate operators add" in visitor.get("/console/in").text
    people = People(services.records)
    earlier, link = people.make_first_link(), people.make_first_link()
    assert visitor.get(earlier).status_code == 404
    assert visitor.get(link).status_code == 200
    answer = visitor.post(link, {"new": "short", "repeated": "short"})
    assert answer.status_code == 422
    answer = visitor.post(link, {"new": NEW, "repeated": NEW})
    assert (answer.status_code, answer.location) == (303, "/console/")
    assert visitor.get("/console/people").status_code == 200
    assert browser(services).get(link).status_code == 404
    assert people.make_first_link() is None


def test_a_first_link_lasts_an_hour(visitor, services) -> None:
    link = People(services.records).make_first_link()
    assert visitor.get(link).status_code == 200
    change(services, "UPDATE single_use SET ends_us = ends_us - 3600000000")
    assert visitor.get(link).status_code == 404


def test_where_somebody_is_there_already_there_is_no_first_link(operator, services) -> None:
    operator("maria", "viewer")
    assert People(services.records).make_first_link() is None
    assert [one.name for one in People(services.records).all()] == ["maria"]
