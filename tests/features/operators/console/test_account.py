"""One's own account: password, sessions, and the second factor."""

from __future__ import annotations

import re
import time

import pyotp
import pytest
from pydantic import SecretStr
from sqlalchemy import select, text

from smsgate.features.operators import factors, sign_in
from smsgate.records.operator_actions import ActionAuthor
from smsgate.records.reader import rows_of
from smsgate.records.tables import credentials
from tests.fakes.browser import PASSWORD, browser
from tests.fakes.own_services import NEW as NEW_KEY
from tests.fakes.own_services import OLD as OLD_KEY
from tests.fakes.people import People, change_people, session_digest

NEW = "a kettle full of pigeons"
HTTPS = "https://sms.example.com"


def change(services, statement, **values):
    with services.records.database.writing() as connection:
        connection.execute(text(statement), values)


def kept(services):
    (row,) = People(services.records).all()
    return row


@pytest.fixture
def clock(monkeypatch):
    """The time as the second factor sees it; it stands still until it is moved."""
    now = [time.time()]
    monkeypatch.setattr(factors.time, "time", lambda: now[0])
    return now


def set_up(one) -> tuple[pyotp.TOTP, list[str]]:
    """Turn it on as a person does; gives the authenticator and the recovery codes."""
    page = one.get("/console/me/factor").text
    secret = re.search(r"<code>([A-Z2-7 ]+)</code>", page)[1].replace(" ", "")
    totp = pyotp.TOTP(secret)
    code = totp.at(factors.time.time())
    answer = one.post("/console/me/factor", {"code": f"{code[:3]} {code[3:]}"})  # as apps show it
    assert answer.status_code == 200, answer.text
    return totp, re.findall(r"[a-z2-9]{4}(?:-[a-z2-9]{4}){5}", answer.text)


def remove_factor(one, at: int = 0, **form):
    """Remove one of the factors that the page lists."""
    ids = re.findall(r'name="factor" value="([^"]+)"', one.get("/console/me").text)
    return one.post("/console/me/factor/remove", {"factor": ids[at], **form})


# --- password -------------------------------------------------------------------------------------


def test_a_new_password_ends_every_other_session_and_renews_this_one(viewer, services) -> None:
    other = browser(services)
    other.sign_in("viewer")
    before = viewer.get_cookie("smsgate").value
    data = {"password": PASSWORD, "new": NEW, "repeated": NEW}
    assert viewer.post("/console/me/password", data).location == "/console/me"
    assert viewer.get("/console/me").status_code == 200
    assert viewer.get_cookie("smsgate").value != before
    assert other.get("/console/me").location == "/console/in"
    other.set_cookie("smsgate", before)
    assert other.get("/console/me").location == "/console/in"
    assert other.sign_in("viewer").status_code == 403
    assert other.sign_in("viewer", NEW).status_code == 303


@pytest.mark.parametrize(
    ("data", "status", "said"),
    [
        ({"password": "wrong", "new": NEW, "repeated": NEW}, 403, "password is wrong"),
        ({"password": PASSWORD, "new": NEW, "repeated": "x"}, 422, "differ"),
        (
            {"password": PASSWORD, "new": "qwertyuiop12", "repeated": "qwertyuiop12"},
            422,
            "easy to guess",
        ),
    ],
)
def test_a_password_is_not_changed_by_whoever_finds_a_screen_open(
    viewer, services, data, status, said
) -> None:
    before = kept(services).password_hash
    answer = viewer.post("/console/me/password", data)
    assert (answer.status_code, said in answer.text) == (status, True)
    assert kept(services).password_hash == before


# --- sessions -----------------------------------------------------------------------------------


def test_one_sees_where_one_is_signed_in_and_ends_it(viewer, services) -> None:
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    others = [browser(services) for _ in range(3)]
    for other in others:
        other.sign_in("viewer", headers={"User-Agent": agent})
    page = viewer.get("/console/me").text
    assert "Closing the browser does not sign you out: use Sign out." in page
    assert page.count("Firefox on Linux") == 3 * 2  # and in the name of its button
    ids = re.findall(r'name="session" value="(\w{64})"', page)
    assert len(ids) == 3
    change(services, "UPDATE sessions SET made_us = made_us - 600000000")
    assert viewer.post("/console/me/sessions", {"session": ids[0]}).location == "/console/in"
    assert viewer.sign_in("viewer").location == "/console/me"
    viewer.get("/console/me")
    viewer.post("/console/me/sessions", {"session": ids[0]})
    signed_in = [one.get("/console/me").status_code for one in others]
    assert sorted(signed_in) == [200, 200, 303]


def test_nobody_ends_the_session_of_somebody_else(viewer, agent) -> None:
    page = viewer.get("/console/me").text
    assert "This browser" in page
    digest = session_digest(viewer.get_cookie("smsgate").value).hex()
    agent.post("/console/me/sessions", {"session": digest})
    assert viewer.get("/console/me").status_code == 200
    assert agent.post("/console/me/sessions", {"session": "no hex"}).status_code == 422


# --- second factor --------------------------------------------------------------------------------


def test_with_a_second_factor_the_password_alone_opens_nothing(viewer, services, clock) -> None:
    totp, _ = set_up(viewer)
    other = browser(services)
    assert other.sign_in("viewer").location == "/console/in/code"
    for path in ("/console/", "/console/me", "/console/me/factor", "/console/people"):
        assert other.get(path).location == "/console/in"
    assert other.post("/console/me/factor").location == "/console/in"
    half = other.get_cookie("smsgate").value
    clock[0] += 30
    code = totp.at(clock[0])
    answer = other.post("/console/in/code", {"code": f" {code[:3]} {code[3:]}"})
    assert (answer.status_code, answer.location) == (303, "/console/people")
    assert other.get_cookie("smsgate").value != half
    assert other.get("/console/").status_code == 200
    other.set_cookie("smsgate", half)
    assert other.get("/console/").status_code == 303


def test_a_changed_password_opens_no_more_than_a_sign_in(viewer, services, clock) -> None:
    totp, _ = set_up(viewer)
    change(services, "UPDATE sessions SET made_us = made_us - 7200000000")
    data = {"password": PASSWORD, "new": NEW, "repeated": NEW}
    assert viewer.post("/console/me/password", data).location == "/console/in/code"
    assert viewer.get("/console/me/factor").location == "/console/in"
    assert "Password changed." in viewer.get("/console/in/code").text
    clock[0] += 30
    answer = viewer.post("/console/in/code", {"code": totp.at(clock[0])})
    assert answer.location == "/console/me/factor"


def test_a_link_for_a_password_opens_no_more_than_the_password(viewer, services, clock) -> None:
    set_up(viewer)
    link = People(services.records).reset("viewer", ActionAuthor("an admin"))
    other = browser(services)
    other.get(link)
    assert other.post(link, {"new": NEW, "repeated": NEW}).location == "/console/in/code"
    assert other.get("/console/me").location == "/console/in"


def test_no_code_is_taken_twice_nor_one_from_before(viewer, services, clock) -> None:
    totp, _ = set_up(viewer)
    used = totp.at(clock[0])
    other = browser(services)
    other.sign_in("viewer")
    assert other.post("/console/in/code", {"code": used}).status_code == 403
    clock[0] += 30
    assert other.post("/console/in/code", {"code": used}).status_code == 403
    assert other.post("/console/in/code", {"code": totp.at(clock[0])}).status_code == 303
    third = browser(services)
    third.sign_in("viewer")
    assert third.post("/console/in/code", {"code": totp.at(clock[0])}).status_code == 403


@pytest.mark.parametrize(("late_s", "status"), [(-60, 403), (-30, 303), (30, 303), (60, 403)])
def test_a_clock_may_be_half_a_minute_off(viewer, services, clock, late_s, status) -> None:
    totp, _ = set_up(viewer)
    clock[0] += 300
    other = browser(services)
    other.sign_in("viewer")
    answer = other.post("/console/in/code", {"code": totp.at(clock[0] + late_s)})
    assert answer.status_code == status


def test_guessing_at_codes_hinders_no_browser_that_is_known(viewer, services, clock) -> None:
    """Who guesses at codes knows the password; its owner comes in all the same."""
    totp, _ = set_up(viewer)
    mine, other = browser(services), browser(services)
    clock[0] += 30
    mine.sign_in("viewer")
    assert mine.post("/console/in/code", {"code": totp.at(clock[0])}).status_code == 303
    for _ in range(sign_in.MAX_ATTEMPTS + 1):
        other.sign_in("viewer")
        other.post("/console/in/code", {"code": "000000"})
    clock[0] += 30
    other.sign_in("viewer")
    assert other.post("/console/in/code", {"code": totp.at(clock[0])}).status_code == 403
    mine.sign_in("viewer")
    for _ in range(sign_in.MAX_ATTEMPTS - 1):
        assert mine.post("/console/in/code", {"code": "000000"}).status_code == 403
    assert mine.post("/console/in/code", {"code": totp.at(clock[0])}).status_code == 303
    mine.sign_in("viewer")
    clock[0] += 30
    for _ in range(sign_in.MAX_ATTEMPTS):
        assert mine.post("/console/in/code", {"code": "000000"}).status_code == 403
    assert mine.post("/console/in/code", {"code": totp.at(clock[0])}).status_code == 403


def test_guessing_at_codes_hinders_nobody_at_another_address(viewer, services, clock) -> None:
    totp, _ = set_up(viewer)
    there = {"base_url": HTTPS, "headers": {"Referer": f"{HTTPS}/"}}

    def code_from(address: str, code: str) -> int:
        place = {**there, "environ_overrides": {"REMOTE_ADDR": address}}
        other = browser(services)
        assert other.sign_in("viewer", **place).location == "/console/in/code"
        return other.post("/console/in/code", {"code": code}, **place).status_code

    clock[0] += 30
    assert code_from("8.8.8.8", totp.at(clock[0])) == 303
    for _ in range(sign_in.MAX_ATTEMPTS):
        assert code_from("8.8.4.4", "000000") == 403
    clock[0] += 30
    assert code_from("8.8.4.4", totp.at(clock[0])) == 403
    assert code_from("8.8.3.3", totp.at(clock[0])) == 303
    for last in range(sign_in.MAX_OF_NAME):
        assert code_from(f"8.8.5.{last}", "000000") == 403
    clock[0] += 30
    assert code_from("8.8.6.6", totp.at(clock[0])) == 403, "over all addresses"
    assert code_from("8.8.8.8", totp.at(clock[0])) == 303, "where they signed in of late"


def test_the_half_way_in_is_open_for_minutes_only(viewer, services, clock) -> None:
    totp, _ = set_up(viewer)
    other = browser(services)
    other.sign_in("viewer")
    change(services, "UPDATE sessions SET ends_us = ends_us - 600000000 WHERE half")
    clock[0] += 30
    answer = other.post("/console/in/code", {"code": totp.at(clock[0])})
    assert answer.location == "/console/in"


def test_a_recovery_code_opens_once(viewer, services, clock) -> None:
    _, codes = set_up(viewer)
    assert len({*codes}) == 8
    for spelt in (codes[0], codes[1].upper().replace("-", " ")):
        other = browser(services)
        other.sign_in("viewer")
        assert other.post("/console/in/code", {"code": spelt}).status_code == 303
    other = browser(services)
    other.sign_in("viewer")
    assert other.post("/console/in/code", {"code": codes[0]}).status_code == 403
    assert "6 recovery codes left" in viewer.get("/console/me").text
    assert len({*codes, *set_up(viewer)[1]}) == 16, "those of another factor"
    other.sign_in("viewer")
    assert other.post("/console/in/code", {"code": codes[2]}).status_code == 403


def test_neither_secret_nor_codes_are_kept_in_clear(viewer, services, clock) -> None:
    totp, codes = set_up(viewer)
    services.records.close()
    whole = (services.settings.data_dir / "records.sqlite3").read_bytes()
    for told in (totp.secret, *codes, codes[0].replace("-", "")):
        assert told.encode() not in whole


def test_a_wrong_code_turns_nothing_on_and_shows_the_same_secret_again(viewer, services) -> None:
    first = viewer.get("/console/me/factor").text
    answer = viewer.post("/console/me/factor", {"code": "000000"})
    assert answer.status_code == 403
    secret = re.search(r"<code>([A-Z2-7 ]+)</code>", first)[0]
    assert secret in answer.text
    assert not kept(services).has_second_factor


def test_turning_it_on_or_off_needs_a_fresh_sign_in(viewer, services, clock) -> None:
    past = "UPDATE sessions SET made_us = made_us - 600000000"
    change(services, past)
    assert viewer.get("/console/me/factor").location == "/console/in"
    assert "Sign in again" in viewer.get("/console/in").text
    assert viewer.post("/console/me/factor", {"code": "000000"}).location == "/console/in"
    assert viewer.sign_in("viewer").location == "/console/me/factor"
    totp, _ = set_up(viewer)
    change(services, past)
    assert remove_factor(viewer).location == "/console/in"
    assert kept(services).has_second_factor
    assert viewer.sign_in("viewer").location == "/console/in/code", "by both factors"
    clock[0] += 30
    assert viewer.post("/console/in/code", {"code": totp.at(clock[0])}).location == "/console/me"
    remove_factor(viewer)
    assert not kept(services).has_second_factor
    assert viewer.sign_in("viewer").location == "/console/"


def test_an_admin_who_came_by_https_sets_it_up_before_anything_else(
    visitor, operator, services, clock
) -> None:
    there = {"base_url": HTTPS, "headers": {"Referer": f"{HTTPS}/"}}
    visitor.sign_in(operator("maria", "admin"), **there)
    for path in ("/console/", "/console/people"):
        assert visitor.get(path, **there).location == "/console/me/factor"
    answer = change_people(visitor, "add", {"name": "x", "role": "admin"}, **there)
    assert answer.location == "/console/me/factor"
    assert len(People(services.records).all()) == 1
    page = visitor.get("/console/me/factor", **there).text
    assert "Admins must use two-step sign-in" in page
    secret = re.search(r"<code>([A-Z2-7 ]+)</code>", page)[1].replace(" ", "")
    visitor.post("/console/me/factor", {"code": pyotp.TOTP(secret).at(clock[0])}, **there)
    assert visitor.get("/console/people", **there).status_code == 200


def test_an_admin_without_a_second_factor_sees_no_page_by_a_form_that_is_wrong(visitor, operator):
    operator("boss", "admin")
    there = {"base_url": HTTPS, "headers": {"Referer": f"{HTTPS}/"}}
    assert visitor.sign_in("boss", **there).status_code == 303
    visitor.get("/console/me", **there)
    for page in ("/console/people", "/console/setup/keys", "/console/audit", "/console/numbers"):
        form = {"zone": "No/Where", "page": page}
        answer = visitor.post("/console/me/zone", form, **there)
        assert "There is no time zone" in answer.text
        assert "Go back" in answer.text
        assert "<table" not in answer.text


def test_a_secret_outlives_a_rotation_and_is_sealed_anew(viewer, services, clock) -> None:
    totp, _ = set_up(viewer)
    old = sealed_by(OLD_KEY).encrypt(totp.secret)
    change(services, "UPDATE credentials SET secret = :old WHERE kind = 'app'", old=old)
    clock[0] += 30
    other = browser(services)
    other.sign_in("viewer")
    assert other.post("/console/in/code", {"code": totp.at(clock[0])}).status_code == 303
    (sealed,) = secrets_of_apps(services)
    assert sealed != old
    assert sealed_by(NEW_KEY).decrypt(sealed) == totp.secret


def test_a_secret_whose_key_is_gone_is_told_and_a_recovery_code_still_opens(
    viewer, services, clock
) -> None:
    totp, codes = set_up(viewer)
    gone = sealed_by("a key that is gone").encrypt(totp.secret)
    change(services, "UPDATE credentials SET secret = :gone WHERE kind = 'app'", gone=gone)
    clock[0] += 30
    other = browser(services)
    other.sign_in("viewer")
    answer = other.post("/console/in/code", {"code": totp.at(clock[0])})
    assert (answer.status_code, "SMSGATE_SECRET_KEYS" in answer.text) == (403, True)
    assert other.post("/console/in/code", {"code": codes[0]}).status_code == 303


def test_an_admin_takes_a_lost_second_factor_away(viewer, admin, visitor, services, clock) -> None:
    set_up(viewer)
    answer = change_people(admin, "reset", {"name": "viewer", "second_factor": "yes"})
    link = re.search(r"/console/password/[\w-]{43}", answer.text)[0]
    visitor.post(link, {"new": NEW, "repeated": NEW})
    assert visitor.sign_in("viewer", NEW).location == "/console/"


def sealed_by(key: str) -> factors.Factors:
    return factors.Factors(None, [SecretStr(key)])


def secrets_of_apps(services) -> list[bytes]:
    query = select(credentials.c.secret).where(credentials.c.kind == "app")
    return [row.secret for row in rows_of(services.records.database, query)]
