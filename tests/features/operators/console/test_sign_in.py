"""Signing in and out: what opens, what does not, and what guessing meets."""

from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import replace
from types import SimpleNamespace

import pytest
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import select

from smsgate.domain.errors import TooManyGuesses
from smsgate.features.operators import passwords, sessions, sign_in
from smsgate.features.operators.service import OperatorService, SignInRefused, token_digest
from smsgate.features.operators.sign_in import MAX_ATTEMPTS
from smsgate.monitoring.deadlines import Deadline
from smsgate.records.operator_actions import ActionAuthor
from smsgate.records.tables import sessions as session_table
from smsgate.web.limits import Limits
from tests.fakes.browser import PASSWORD, Browser, browser
from tests.fakes.own_services import make_services
from tests.fakes.people import People, newest_actions
from tests.fakes.values import NUMBER
from tests.features.operators.console.test_account import change

HTTPS = "https://sms.example.com"
WRONG = "not the password at all"
AWAY = {
    "environ_overrides": {"REMOTE_ADDR": "8.8.4.4"},
    "base_url": HTTPS,
    "headers": {"Referer": f"{HTTPS}/console/in"},
}


def rows(services, statement):
    with services.records.database.reading() as connection:
        return connection.execute(statement).all()


def serializer_of(visitor: Browser):
    """Signs the console's cookie."""
    visitor.get("/console/in")
    console = visitor.application.extensions["smsgate_applications"]["console"]()
    return SecureCookieSessionInterface().get_signing_serializer(console)


def door_of(services):
    """The way in of another web process."""
    return sign_in.SignIn(
        OperatorService(services.records.database),
        Limits(services.store.client),
        services.settings.secret_keys[0],
    )


def browser_of(visitor: Browser) -> Browser:
    """Another one, on the same application."""
    return visitor.application.test_client()


def happened(services) -> list[str]:
    return [f"{one.what}: {one.note}".strip(": ") for one in newest_actions(services.records, 50)]


# --- in and out -----------------------------------------------------------------------------


def test_name_and_password_open_the_page_that_was_asked_for(visitor, operator) -> None:
    asked = visitor.get("/console/me?part=2")
    assert (asked.status_code, asked.location) == (303, "/console/in")
    answer = visitor.sign_in(operator("maria", "viewer"))
    assert (answer.status_code, answer.location) == (303, "/console/me?part=2")
    assert "maria" in visitor.get("/console/").text


OTHERS = (
    "https://evil.example/",
    "//evil.example/console/",
    "/\\evil.example",
    "/console/\\evil.example",
    "/console/ evil",
    "javascript:alert(1)",
    "/webhooks/twilio",
    "/console/out",
    "/console/me/password",
    "/console/nowhere",
    "/console/../elsewhere",
    "/console/me/%2e%2E/..//elsewhere?x=1",
    "console/",
    "/console/" + "x" * 500,
    "http://[evil",
    "",
)


@pytest.mark.parametrize("told", OTHERS)
def test_no_address_in_a_link_a_form_or_a_header_leads_elsewhere(visitor, operator, told) -> None:
    """A ``next`` that is none of the console's pages is none."""
    visitor.get("/console/in", query_string={"next": told})
    assert visitor.sign_in(operator("maria", "viewer")).location == "/console/"
    assert visitor.get("/console/in", query_string={"next": told}).location == "/console/"
    for headers in ({}, {"HX-Request": "true"}):
        another = browser_of(visitor)
        another.get("/console/in")
        form = {"page": told, "what": "retry"}
        another.post("/console/review/decide", form, headers=headers)
        assert another.sign_in("maria").location == "/console/"


@pytest.mark.parametrize("header", ["Referer", "HX-Current-URL"])
def test_a_form_that_came_too_late_leads_back_to_its_page(visitor, operator, header) -> None:
    visitor.get("/console/in")
    url = "http://localhost/console/numbers/%2B14155550123?before=5-1"
    visitor.post("/console/numbers/lock", {}, headers={header: url})
    visitor.get("/console/badges", headers={"HX-Request": "true"})
    assert "Your session has ended, and nothing was changed" in visitor.get("/console/in").text
    location = visitor.sign_in(operator("maria", "viewer")).location
    assert location == "/console/numbers/%2B14155550123?before=5-1"


def test_that_a_session_ended_is_said_to_who_had_one(viewer, visitor, services) -> None:
    visitor.get("/console/me")
    assert "session has ended" not in visitor.get("/console/in").text
    change(services, "UPDATE sessions SET seen_us = 0")
    viewer.get("/console/me")
    said = viewer.get("/console/in").text
    assert "Your session has ended. Sign in to go back" in said
    assert "session has ended" in viewer.sign_in("viewer", WRONG).text
    assert viewer.sign_in("viewer").location == "/console/me"
    viewer.post("/console/out")
    assert "session has ended" not in viewer.get("/console/in").text


def test_a_form_that_is_too_large_is_refused_as_such(viewer) -> None:
    answer = viewer.post("/console/review/decide", {"page": "x" * 70_000})
    assert answer.status_code == 413


def test_a_page_that_renews_itself_is_led_to_sign_in_as_a_whole(visitor) -> None:
    answer = visitor.get("/console/people", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (401, "/console/in")


def test_signing_out_ends_the_session_for_every_copy_of_the_cookie(viewer) -> None:
    token = viewer.get_cookie("smsgate").value
    assert viewer.post("/console/out").location == "/console/in"
    viewer.set_cookie("smsgate", token)
    assert viewer.get("/console/").location == "/console/in"


def test_only_the_digest_of_a_session_is_kept(viewer, services) -> None:
    token = serializer_of(viewer).loads(viewer.get_cookie("smsgate").value)["token"]
    (kept,) = rows(services, select(session_table.c.digest))
    assert kept.digest == token_digest(token)
    assert len(token) >= 43


def test_a_session_that_was_there_before_is_not_the_one_after(visitor, viewer, operator) -> None:
    """Neither one that somebody planted, nor one of somebody else on the same browser."""
    visitor.set_cookie("smsgate", "planted")
    visitor.sign_in(operator("maria", "viewer"))
    first = visitor.get_cookie("smsgate").value
    assert first != "planted"
    visitor.sign_in("maria")
    assert visitor.get_cookie("smsgate").value != first
    visitor.set_cookie("smsgate", first)
    assert visitor.get("/console/").status_code == 303


def test_a_session_ends_by_itself(viewer, visitor, operator, services) -> None:
    idle = 30 * 60 * 1_000_000
    change(services, "UPDATE sessions SET seen_us = seen_us - :us", us=idle - 5_000_000)
    assert viewer.get("/console/", headers={"HX-Request": "true"}).status_code == 200
    change(services, "UPDATE sessions SET seen_us = seen_us - :us", us=5_000_000)
    assert viewer.get("/console/").location == "/console/in"
    visitor.sign_in(operator("maria", "viewer"))
    assert len(rows(services, select(session_table.c.digest))) == 1  # what ended was removed
    change(services, "UPDATE sessions SET ends_us = :us", us=sessions.now_us())
    assert visitor.get("/console/").location == "/console/in"


def test_who_uses_a_page_stays_signed_in_and_a_page_alone_does_not_keep_one(viewer, services):
    viewer.get("/console/me")  # a page with the token of its forms
    hour = 1000 * 1_000_000
    change(services, "UPDATE sessions SET seen_us = seen_us - :us", us=hour)
    ((before,),) = rows(services, select(session_table.c.seen_us))
    viewer.get("/console/", headers={"HX-Request": "true"})
    viewer.post("/console/simulator/watch", headers={"HX-Request": "true"})
    assert rows(services, select(session_table.c.seen_us)) == [(before,)]
    viewer.post("/console/keywords/try", headers={"HX-Request": "true"})
    ((after,),) = rows(services, select(session_table.c.seen_us))
    assert after - before >= hour


def test_while_the_records_hang_a_session_that_nobody_has_seen_is_told_so(
    visitor, services, monkeypatch
) -> None:
    answers = threading.Event()
    monkeypatch.setattr(sessions, "_PATIENCE_S", 0.05)
    monkeypatch.setattr(sessions.Sessions, "_select", lambda *_: answers.wait(30))
    cookie = serializer_of(visitor).dumps({"token": "seen by another process"})
    visitor.set_cookie("smsgate", cookie)
    answer = visitor.get("/console/")
    answers.set()
    assert answer.status_code == 503
    assert "nobody can be recognised: no answer within 0.05 s" in answer.text


def test_without_the_records_a_session_that_is_known_sees_and_no_other(
    visitor, services, operator
) -> None:
    """Who was deactivated just before the outage changes nothing during it."""
    eve, out = browser_of(visitor), browser_of(visitor)
    operator("eve", "agent")
    for one in (eve, out):
        one.sign_in("eve")
        assert one.get("/console/me").status_code == 200
    page = f"/console/numbers/{NUMBER}"
    assert "Opt out" in eve.get(page).text
    People(services.records).deactivate("eve", ActionAuthor("tests"))
    visitor.get("/console/in")
    signed, forms = serializer_of(visitor), visitor.get_cookie("smsgate").value
    visitor.set_cookie("smsgate", signed.dumps({**signed.loads(forms), "token": "unknown"}))
    services.records.close()
    file = services.settings.data_dir / "records.sqlite3"
    whole = file.read_bytes()
    file.write_bytes(b"no database" * 1000)
    assert eve.get("/console/").status_code == 200
    answer = eve.post("/console/numbers/opt-out", {"number": NUMBER, "program": "alerts"})
    assert (answer.status_code, "everybody is a viewer" in answer.text) == (403, True)
    copied = out.get_cookie("smsgate").value
    for one in (visitor, out):
        check_signed_out(one.post("/console/out"))
        assert one.get("/console/").location == "/console/in"
    visitor.set_cookie("smsgate", signed.dumps({**signed.loads(forms), "token": "unknown"}))
    out.set_cookie("smsgate", copied)
    assert out.get("/console/").status_code == 503
    assert visitor.get("/console/").status_code == 503
    assert visitor.post("/console/in", {"name": "viewer"}).status_code == 503
    file.write_bytes(whole)


def test_while_the_records_hang_signing_out_does_not(visitor, operator, monkeypatch) -> None:
    visitor.sign_in(operator("eve", "agent"))
    visitor.get("/console/me")
    console = visitor.application.extensions["smsgate_applications"]["console"]()
    found, answers = console.extensions["smsgate_auth"].sessions, threading.Event()
    hanging = SimpleNamespace(reading=answers.wait, writing=answers.wait)
    monkeypatch.setattr(found, "_database", hanging)
    monkeypatch.setattr(found, "_deadline", Deadline(0.05))
    check_signed_out(visitor.post("/console/out"))
    answers.set()


def check_signed_out(answer) -> None:
    """The page of who signed out while the session could not be ended: that of nobody."""
    assert answer.status_code == 503
    assert "This browser has forgotten your session" in answer.text
    assert ">eve<" not in answer.text
    assert "/console/out" not in answer.text


# --- guessing -------------------------------------------------------------------------------


def refused(answer) -> str:
    assert answer.status_code == 403
    return answer.text.partition('class="field-error"')[2].partition("</p>")[0]


def test_a_refusal_does_not_say_what_was_wrong(visitor, operator, services) -> None:
    operator("maria", "viewer")
    operator("gone", "viewer")
    People(services.records).deactivate("gone", ActionAuthor("tests"))
    People(services.records).add("new", "viewer", ActionAuthor("tests"))
    said = {refused(visitor.sign_in("maria", WRONG)), refused(visitor.sign_in("nobody", WRONG))}
    said |= {refused(visitor.sign_in("gone")), refused(visitor.sign_in("new", PASSWORD))}
    guess(visitor, "maria")
    said |= {refused(visitor.sign_in("maria"))}
    assert len(said) == 1


def test_an_unknown_name_costs_as_much_work_as_a_known_one(
    visitor, operator, monkeypatch, services
):
    """One hash, and as many writes to the disk: what could be measured is the same."""
    operator("maria", "viewer")
    work = []
    log = sign_in.log_action
    monkeypatch.setattr(
        sign_in, "log_action", lambda *a, **k: (work.append("written"), log(*a, **k))
    )
    verify = passwords._HASHER.verify
    hasher = type("Hasher", (), {"verify": lambda self, *a: (work.append("hash"), verify(*a))})
    monkeypatch.setattr(passwords, "_HASHER", hasher())
    for name in ("nobody", "maria"):
        work.clear()
        guess(visitor, name)
        assert work == ["hash", "written"] * MAX_ATTEMPTS
        work.clear()
        visitor.sign_in(name, WRONG)  # has to wait
        assert work == ["written"]


def guess(visitor, name, count=MAX_ATTEMPTS, **place) -> None:
    for _ in range(count):
        refused(visitor.sign_in(name, WRONG, **place))


def from_address(address: str) -> dict[str, object]:
    return {**AWAY, "environ_overrides": {"REMOTE_ADDR": address}}


def test_whoever_guesses_has_to_wait_at_that_name_however_it_is_spelt(
    visitor, operator, services, redis_client
) -> None:
    operator("maria", "viewer")
    spelt = ["maria", "MARIA", " maria ", "ｍａｒｉａ", "Maria", "maria", "mArIa", "maria"]
    assert len(spelt) == MAX_ATTEMPTS
    for name in spelt:
        refused(visitor.sign_in(name, WRONG))
    refused(visitor.sign_in("maria"))
    assert happened(services)[:2] == ["wrong password", "wrong password"]
    assert "attempt while locked" in happened(services)
    keys = redis_client.keys("smsgate:limits*")
    assert len(keys) == 2  # of the name there, and of the name everywhere
    assert all(0 < redis_client.ttl(key) <= 900 for key in keys)
    redis_client.delete(*keys)  # as when the time is over
    assert visitor.sign_in("maria").status_code == 303


def test_whoever_guesses_keeps_nobody_out_who_comes_from_elsewhere(visitor, operator) -> None:
    """Neither at the name that is guessed at, nor at another one from the same address."""
    operator("maria", "viewer")
    operator("ana", "viewer")
    guess(visitor, "maria", **from_address("8.8.4.4"))
    refused(visitor.sign_in("maria", **from_address("8.8.4.4")))
    for name, address in (("maria", "8.8.8.8"), ("ana", "8.8.4.4")):
        other = browser_of(visitor)
        assert other.sign_in(name, **from_address(address)).status_code == 303


def test_a_browser_in_which_one_signed_in_before_is_not_kept_out(
    visitor, operator, services
) -> None:
    """Not even by guessing from its own address, as behind a proxy that is not trusted."""
    operator("maria", "viewer")
    mine = browser_of(visitor)
    assert mine.sign_in("maria").status_code == 303
    mine.post("/console/out")
    guess(visitor, "maria")
    refused(visitor.sign_in("maria"))
    assert mine.sign_in("maria").status_code == 303
    guess_names(browser_of(visitor), "8.8.4.4")
    known = browser_of(visitor)
    assert known.sign_in("maria", **from_address("8.8.8.8")).status_code == 303
    assert known.sign_in("maria", **from_address("8.8.4.4")).status_code == 303


def test_a_browser_that_is_known_guesses_no_more_than_others(visitor, operator) -> None:
    operator("maria", "viewer")
    operator("ana", "viewer")
    assert visitor.sign_in("ana").status_code == 303
    guess(visitor, "ana")
    refused(visitor.sign_in("ana"))
    guess(visitor, "maria")  # known for ana alone
    refused(browser_of(visitor).sign_in("maria"))


def test_by_which_a_browser_is_known_cannot_be_made_up(visitor, operator, services) -> None:
    operator("maria", "viewer")
    mine = browser_of(visitor)
    mine.sign_in("maria")
    mine.post("/console/out")
    right = mine.get_cookie("smsgate").value
    known = serializer_of(visitor).loads(right)
    guess(visitor, "maria")
    signer = URLSafeTimedSerializer("another secret that is long enough", "cookie-session")
    for forged in (signer.dumps(known), right[:-2], "x" + right):
        other = browser_of(visitor)
        other.set_cookie("smsgate", forged)
        refused(other.sign_in("maria"))
    copied = browser_of(visitor)
    copied.set_cookie("smsgate", right)
    assert copied.get("/console/").location == "/console/in", "it opens nothing"
    assert copied.sign_in("maria").status_code == 303


def test_who_sets_a_password_by_a_link_gets_in_at_once(visitor, operator, services) -> None:
    operator("maria", "viewer")
    guess(visitor, "maria")
    link = People(services.records).reset("maria", ActionAuthor("an admin"))
    new = "a kettle full of pigeons"
    assert visitor.get(link).status_code == 200
    assert visitor.post(link, {"new": new, "repeated": new}).location == "/console/"
    assert visitor.get("/console/").status_code == 200


def test_nobodys_guessing_hinders_who_is_signed_in(visitor, operator) -> None:
    viewer = browser_of(visitor)
    assert viewer.sign_in(operator("viewer", "viewer")).status_code == 303
    guess(visitor, "viewer")
    form = {"password": PASSWORD, "new": "a kettle full of pigeons"}
    form["repeated"] = form["new"]
    assert viewer.post("/console/me/password", form).status_code == 303


def test_of_a_session_the_password_is_not_guessed(viewer, services) -> None:
    new = {"new": "a kettle full of pigeons", "repeated": "a kettle full of pigeons"}
    for _ in range(MAX_ATTEMPTS):
        form = new | {"password": WRONG}
        assert viewer.post("/console/me/password", form).status_code == 403
    assert viewer.post("/console/me/password", new | {"password": PASSWORD}).status_code == 403


def test_without_the_store_attempts_are_counted_all_the_same(visitor, operator, services) -> None:
    operator("maria", "viewer")
    services.store.client.connection_pool.connection_kwargs["port"] = 1
    services.store.client.connection_pool.disconnect()
    services.store.client.connection_pool.connection_kwargs["path"] = "/nowhere"
    assert browser_of(visitor).sign_in("maria", **AWAY).status_code == 303
    guess(visitor, "maria")
    refused(visitor.sign_in("maria"))


def at_once(count: int, do) -> None:
    threads = [threading.Thread(target=do) for _ in range(count)]
    [one.start() for one in threads]
    [one.join() for one in threads]


def test_attempts_at_once_are_all_counted(operator, services, monkeypatch) -> None:
    """By four web processes, each with its own line."""
    operator("maria", "viewer")
    hashed = []
    is_right = passwords.is_right
    counted = lambda *given: (hashed.append(1), is_right(*given))[1]  # noqa: E731
    monkeypatch.setattr(sign_in.passwords, "is_right", counted)
    sign_ins = [door_of(services) for _ in range(4)]
    someone = sessions.Visitor("", "", "a test")

    def attempt() -> None:
        for one in sign_ins:
            with pytest.raises(SignInRefused):
                one.by_password("maria", WRONG, someone)

    at_once(4, attempt)
    assert len(hashed) == MAX_ATTEMPTS


@pytest.fixture
def crowded(services):
    """The way in before which a crowd from any number of addresses stands."""
    door = door_of(services)
    door._strangers = threading.Semaphore(0)
    return door


def test_no_crowd_stands_before_who_is_known(operator, services, crowded) -> None:
    operator("maria", "viewer")
    row = People(services.records).named("maria")
    stranger = sessions.Visitor("8.8.8.8", "8.8.8.8", "a test")
    with pytest.raises(TooManyGuesses):
        crowded.by_password("maria", PASSWORD, stranger)

    mine = replace(stranger, device="a browser", operator_id=row.id)
    assert crowded.by_password("maria", PASSWORD, mine) == row


def test_who_has_to_wait_costs_neither_redis_nor_sql(visitor, operator, services) -> None:
    """An address that guessed names, and a crowd that takes all places."""
    door, guesser = door_of(services), sessions.Visitor("8.8.4.4", "8.8.4.4", "a test")
    for number in range(sign_in.MAX_OF_ADDRESS + 1):
        with pytest.raises(SignInRefused):
            door.by_password(f"nobody{number}", WRONG, guesser)
    door._database = door._limits = None  # neither is asked
    with pytest.raises(TooManyGuesses, match="wait 15 minutes"):
        door.by_password("maria", PASSWORD, guesser)
    door._strangers = threading.Semaphore(0)
    with pytest.raises(TooManyGuesses, match="a second"):
        door.by_password("maria", PASSWORD, sessions.Visitor("8.8.8.8", "8.8.8.8", "a test"))


def test_who_has_to_wait_is_told_so_without_the_form(visitor) -> None:
    console = visitor.application.extensions["smsgate_applications"]["console"]()
    console.extensions["smsgate_auth"].sign_in._strangers = threading.Semaphore(0)
    answer = visitor.sign_in("maria", **AWAY)
    assert (answer.status_code, "try again in a second" in answer.text) == (429, True)
    assert 'name="password"' not in answer.text


def guess_names(visitor, address: str) -> None:
    """Use up what an address may guess, over all names."""
    for number in range(sign_in.MAX_OF_ADDRESS):
        visitor.sign_in(f"nobody{number}", WRONG, **from_address(address))


def test_an_address_that_guesses_names_has_to_wait(visitor, operator, services) -> None:
    operator("maria", "viewer")
    guess_names(visitor, "8.8.4.4")
    answer = visitor.sign_in("maria", **AWAY)
    assert (answer.status_code, "wait 15 minutes" in answer.text) == (403, True)
    assert visitor.sign_in("maria").status_code == 303


def test_who_signs_in_rightly_uses_up_nothing(visitor, operator, services, redis_client) -> None:
    operator("maria", "viewer")
    for _ in range(3):
        assert browser_of(visitor).sign_in("maria", **AWAY).status_code == 303
    keys = redis_client.keys("smsgate:limits*")
    assert {redis_client.get(key) for key in keys} == {b"0"}
    assert all(0 < redis_client.ttl(key) <= 900 for key in keys)
    visitor.sign_in("nobody", WRONG, **AWAY)
    now = [redis_client.get(key) for key in redis_client.keys("smsgate:limits*")]
    assert sorted(now) == [b"0", b"0", b"0", b"1", b"1", b"1"]


def test_guesses_from_everywhere_are_few_and_lock_nobody_out_who_is_known(
    visitor, operator, services
) -> None:
    """More addresses than anybody could list get 20 attempts in a window: 100 in any hour."""
    operator("maria", "viewer")
    mine, home = browser_of(visitor), "8.8.8.8"
    assert mine.sign_in("maria", **from_address(home)).status_code == 303
    for last in range(40):
        refused(browser_of(visitor).sign_in("maria", WRONG, **from_address(f"8.8.4.{last}")))
    found = [what for what in happened(services) if what == "wrong password"]
    assert len(found) == sign_in.MAX_OF_NAME
    assert len([what for what in happened(services) if what == "attempt while locked"]) in (1, 2)
    said = refused(browser_of(visitor).sign_in("maria", **from_address("8.8.3.3")))
    assert "too many attempts at this name or from here" in said
    assert mine.sign_in("maria", **from_address("8.8.3.3")).status_code == 303
    assert browser_of(visitor).sign_in("maria", **from_address(home)).status_code == 303


def test_guesses_from_known_addresses_do_not_lock_a_known_browser_out(visitor, operator) -> None:
    operator("maria", "viewer")
    mine, homes = browser_of(visitor), [f"8.8.8.{last}" for last in range(3)]
    for home in homes:
        assert mine.sign_in("maria", **from_address(home)).status_code == 303
    for at in range(sign_in.MAX_OF_NAME):
        refused(browser_of(visitor).sign_in("maria", WRONG, **from_address(homes[at % 3])))
    refused(browser_of(visitor).sign_in("maria", **from_address(homes[2])))
    assert mine.sign_in("maria", **from_address("8.8.3.3")).status_code == 303


@pytest.mark.parametrize(
    "name", ["maria password maria", "devices password maria", "strangers password maria"]
)
def test_no_name_is_counted_as_another_one_s(visitor, operator, name) -> None:
    operator("maria", "viewer")
    mine = browser_of(visitor)
    assert mine.sign_in("maria", **from_address("8.8.8.8")).status_code == 303
    mine.post("/console/out")
    for last in range(sign_in.MAX_OF_NAME):
        refused(browser_of(visitor).sign_in(name, WRONG, **from_address(f"8.8.4.{last}")))
    assert mine.sign_in("maria", **from_address("8.8.8.8")).status_code == 303


def test_what_was_typed_as_a_name_is_not_kept(visitor, services, capsys) -> None:
    for _ in range(3):
        refused(visitor.sign_in(PASSWORD, WRONG))
    kept = newest_actions(services.records, 9)
    assert [(one.what, one.operator) for one in kept] == [("unknown name", "")]
    assert PASSWORD not in capsys.readouterr().out


def test_a_password_that_was_changed_meanwhile_lets_nobody_in(
    visitor, operator, services, monkeypatch
) -> None:
    """Between looking at the old hash and beginning the session, an admin takes it away."""
    operator("maria", "viewer")
    is_right = passwords.is_right

    def slow(*args: str) -> bool:
        right = is_right(*args)
        People(services.records).reset("maria", ActionAuthor("tests"))
        return right

    monkeypatch.setattr(sign_in.passwords, "is_right", slow)
    refused(visitor.sign_in("maria"))
    assert rows(services, select(session_table.c.digest)) == []


def test_a_password_that_was_taken_away_meanwhile_is_not_set_again(
    viewer, services, monkeypatch
) -> None:
    """Who got into an account cannot outrun the admin that resets it."""
    viewer.get("/console/me")
    refuse_unfit, new = passwords.refuse_unfit, "nine purple lamps under snow"

    def slow(*args: str) -> None:
        refuse_unfit(*args)
        People(services.records).reset("viewer", ActionAuthor("tests"))

    monkeypatch.setattr(passwords, "refuse_unfit", slow)
    form = {"password": PASSWORD, "new": new, "repeated": new}
    assert viewer.post("/console/me/password", form).status_code == 403
    monkeypatch.undo()
    refused(browser_of(viewer).sign_in("viewer", new))


def test_a_link_that_is_none_costs_no_work_for_a_password(visitor, monkeypatch) -> None:
    def work(*_: str) -> None:
        raise AssertionError("a password was looked at")

    visitor.get("/console/in")
    for name in ("refuse_unfit", "hash_password"):
        monkeypatch.setattr(passwords, name, work)
    form = {"name": "x", "new": WRONG, "repeated": WRONG}
    assert visitor.post("/console/password/nonsense", form).status_code == 404


def test_who_once_signed_in_guesses_no_more_however_many_browsers_they_kept(
    visitor, operator, services
) -> None:
    operator("maria", "viewer")
    mine = [browser_of(visitor) for _ in range(4)]
    for one in mine:
        assert one.sign_in("maria").status_code == 303
        one.post("/console/out")
    for one in mine:
        for _ in range(MAX_ATTEMPTS):
            refused(one.sign_in("maria", WRONG))
    tried = [what for what in happened(services) if what == "wrong password"]
    assert len(tried) == sign_in.MAX_OF_NAME


# --- forms, cookies, headers ------------------------------------------------------------------


def test_the_token_of_somebody_else_is_none(admin, visitor, services) -> None:
    before = happened(services)
    visitor.get("/console/in")
    for path in ("/console/in", "/console/out", "/console/me/factor", "/console/people/add"):
        form = {"name": "admin", "csrf_token": visitor._token}
        assert admin.post(path, form, csrf=False).status_code == 400
    assert happened(services) == before


def test_the_tokens_of_before_do_not_work_after_signing_in(visitor, operator) -> None:
    visitor.get("/console/in")
    before = visitor._token
    visitor.sign_in(operator("maria", "viewer"))
    answer = visitor.post("/console/out", {"csrf_token": before}, csrf=False)
    assert answer.status_code == 400


def cookies_of(answer) -> list[str]:
    return answer.headers.getlist("Set-Cookie")


def test_cookies_are_for_this_host_and_https_alone(visitor, operator) -> None:
    headers = {"Referer": f"{HTTPS}/console/in"}
    answer = visitor.sign_in(operator("maria", "viewer"), base_url=HTTPS, headers=headers)
    assert answer.status_code == 303
    (cookie,) = cookies_of(answer)
    assert cookie.startswith("__Host-smsgate=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= {*cookie.split("; ")}
    assert "Domain" not in cookie
    assert visitor.get("/console/", base_url=HTTPS).status_code == 200


def test_every_answer_forbids_frames_caches_and_foreign_scripts(viewer, visitor) -> None:
    answers = [viewer.get("/console/"), viewer.get("/console/nowhere"), visitor.get("/console/in")]
    answers += [visitor.get("/console/"), visitor.post("/console/out", csrf=False)]
    for answer in answers:
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "form-action 'self'" in policy


def test_what_a_person_typed_is_not_shown_as_html(visitor) -> None:
    answer = visitor.sign_in('"><script>alert(1)</script>', WRONG)
    assert "<script>alert" not in answer.text


def test_without_secrets_the_console_says_what_to_set(folder, redis_url) -> None:
    services = make_services(folder, redis_url, SMSGATE_SECRET_KEYS="")
    made = browser(services)
    for path in ("/console", "/console/", "/console/in", "/console/people"):
        answer = made.get(path)
        assert (answer.status_code, "SMSGATE_SECRET_KEYS" in answer.text) == (503, True)
    assert made.post("/console/in", csrf=False).status_code == 503
    assert made.get("/healthz").status_code == 200
    services.close()


@pytest.mark.parametrize(
    ("opened", "absent"),
    [
        ("smsgate.web", {"argon2", "wtforms", "segno", "pyotp"}),
        (
            "smsgate.web.console.app, smsgate.features.operators.console",
            {"webauthn", "authlib.oauth2"},
        ),
    ],
)
def test_a_process_carries_only_what_was_opened(opened, absent) -> None:
    code = f"import sys, {opened}; print({absent} & {{*sys.modules}})"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
