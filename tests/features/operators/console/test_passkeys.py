"""Passkeys: added, named, removed, signed in with, and attacked."""

from __future__ import annotations

import html
import json
import re

import pytest

from smsgate.features.operators import passkeys
from smsgate.features.operators.passkeys import Passkeys
from smsgate.features.operators.sign_in import MAX_ATTEMPTS
from tests.fakes.authenticator import Authenticator
from tests.fakes.browser import browser
from tests.fakes.people import People, newest_actions
from tests.features.operators.console.test_account import HTTPS, change, remove_factor, set_up

ORIGIN, PARTY = "http://localhost", "localhost"
"""Of the tests' public address."""


def asked(one, path: str) -> str:
    """What a page asks the browser, as JSON."""
    return html.unescape(re.search(r'data-passkey="([^"]+)"', one.get(path).text)[1])


def added(one, name: str = "My phone", authenticator: Authenticator | None = None):
    """Add a passkey; gives its authenticator and the answer."""
    made = authenticator or Authenticator(ORIGIN, PARTY)
    answer = made.make(asked(one, "/console/me/factor"))
    return made, one.post("/console/me/factor", {"name": name, "credential": answer})


def half(services, name: str = "viewer"):
    """A browser in which the password was given."""
    made = browser(services)
    assert made.sign_in(name).location == "/console/in/code"
    return made


def given(one, credential: str):
    return one.post("/console/in/code", {"credential": credential})


def actions(services) -> list[tuple[str, str]]:
    return [(one.what, one.note) for one in newest_actions(services.records, 50)]


def shown_ids(one) -> list[str]:
    return re.findall(r'name="factor" value="([^"]+)"', one.get("/console/me").text)


@pytest.fixture
def phone(viewer):
    """The viewer's only second factor."""
    made, answer = added(viewer)
    assert answer.status_code == 200, answer.text
    return made


# --- adding, naming, removing ---------------------------------------------------------------------


def test_the_first_passkey_shows_recovery_codes_and_asks_at_every_sign_in(viewer, services) -> None:
    other = browser(services)
    other.sign_in("viewer")
    made, answer = added(viewer)
    codes = re.findall(r"[a-z2-9]{4}(?:-[a-z2-9]{4}){5}", answer.text)
    assert (answer.status_code, len(codes)) == (200, 8)
    assert other.get("/console/me").location == "/console/in", "other sessions have ended"
    assert ("second factor added", "My phone") in actions(services)
    again = half(services)
    assert given(again, made.sign(asked(again, "/console/in/code"))).location == "/console/"
    assert again.get("/console/").status_code == 200
    assert ("signed in", "with passkey My phone") in actions(services)
    third = half(services)
    assert third.post("/console/in/code", {"code": codes[0]}).location == "/console/"


def test_a_passkey_beside_codes_of_an_app_and_either_opens(viewer, services) -> None:
    totp, _ = set_up(viewer)
    made, answer = added(viewer)
    assert answer.status_code == 200
    one = half(services)
    page = one.get("/console/in/code").text
    assert "Use a passkey" in page
    assert "Code from your authenticator app" in page
    assert given(one, made.sign(asked(one, "/console/in/code"))).location == "/console/"
    remove_factor(viewer)
    assert "8 recovery codes left" in viewer.get("/console/me").text
    assert "Recovery code" in half(services).get("/console/in/code").text
    assert half(services).post("/console/in/code", {"code": totp.now()}).status_code == 403


def test_a_passkey_is_removed(viewer, phone, services) -> None:
    remove_factor(viewer)
    page = viewer.get("/console/me").text
    assert ("Removed My phone. Two-step sign-in is off." in page, shown_ids(viewer)) == (True, [])
    assert viewer.sign_in("viewer").location == "/console/"
    assert "0 recovery codes" not in viewer.get("/console/me").text
    assert not People(services.records).named("viewer").has_second_factor
    assert ("second factor removed", "My phone") in actions(services)


def test_a_name_that_does_not_fit_is_refused_at_the_field(viewer) -> None:
    for name in ("", "   ", "x" * 61, "a\u202eb"):
        _, answer = added(viewer, name)
        assert (answer.status_code, 'aria-invalid="true"' in answer.text) == (422, True)
    assert shown_ids(viewer) == []


def test_a_passkey_is_nobody_elses_to_change(viewer, phone, agent) -> None:
    (id_,) = shown_ids(viewer)
    answer = agent.post("/console/me/factor/remove", {"factor": id_})
    assert (answer.status_code, "no longer exists" in answer.text) == (422, True)
    assert "My phone" in viewer.get("/console/me").text


def test_one_that_somebody_has_already_is_not_added(viewer, phone, agent) -> None:
    _, answer = added(agent, "mine", phone)
    assert (answer.status_code, "registered already" in answer.text) == (422, True)
    assert shown_ids(agent) == []


# --- attacks --------------------------------------------------------------------------------------


def refused(services, one, credential: str) -> str:
    """Give an answer that must open nothing; gives the note in the log."""
    services.store.client.flushdb()
    answer = given(one, credential)
    assert answer.status_code == 403, answer.text
    assert one.get("/console/").location == "/console/in"
    return dict(reversed(actions(services)))["wrong passkey"]


def test_an_answer_that_was_seen_opens_nothing_once_more(viewer, phone, services) -> None:
    one = half(services)
    answer = phone.sign(asked(one, "/console/in/code"))
    cookie = one.get_cookie("smsgate").value
    assert given(one, answer).location == "/console/"
    one.set_cookie("smsgate", cookie)  # the half session has ended, too
    one.get("/console/in")
    assert given(one, answer).location == "/console/in"
    other = half(services)
    asked(other, "/console/in/code")
    refused(services, other, answer)


def test_a_challenge_is_answered_once_even_where_the_answer_was_wrong(
    viewer, phone, services
) -> None:
    one = half(services)
    options = asked(one, "/console/in/code")
    wrong = {"credential": phone.sign(options, origin="https://evil.example")}
    elsewhere = {"Referer": "http://localhost/console/me"}  # no page that would ask anew
    assert one.post("/console/in/code", wrong, headers=elsewhere).status_code == 403
    assert refused(services, one, phone.sign(options)) == "answered too late, or twice"


def test_the_challenge_of_another_session_is_none_of_this_one(viewer, phone, services) -> None:
    one, other = half(services), half(services)
    theirs = asked(other, "/console/in/code")
    asked(one, "/console/in/code")
    refused(services, one, phone.sign(theirs))


def test_the_challenge_for_adding_signs_nobody_in(viewer, phone, services) -> None:
    one = half(services)
    asked(one, "/console/in/code")
    refused(services, one, phone.sign(asked(viewer, "/console/me/factor")))
    refused(services, one, phone.make(asked(one, "/console/in/code")))


def test_a_challenge_expires(viewer, phone, services) -> None:
    one = half(services)
    answer = phone.sign(asked(one, "/console/in/code"))
    late = passkeys.CHALLENGE_S * 1_000_000
    change(services, "UPDATE single_use SET ends_us = ends_us - :us", us=late)
    assert refused(services, one, answer) == "answered too late, or twice"


def test_somebody_elses_passkey_opens_only_their_account(viewer, phone, agent, services) -> None:
    theirs, _ = added(agent, "agent's")
    one = half(services)
    note = refused(services, one, theirs.sign(asked(one, "/console/in/code")))
    assert note == "no passkey of this person"
    theirs.id = phone.id  # their key under the id of ours
    refused(services, one, theirs.sign(asked(one, "/console/in/code")))


def test_an_answer_for_another_site_or_without_its_person_opens_nothing(
    viewer, phone, services
) -> None:
    one = half(services)
    for origin in ("https://localhost", "http://localhost:81", "http://evil", "", None):
        refused(services, one, phone.sign(asked(one, "/console/in/code"), origin=origin))
    phone.verifies = False
    refused(services, one, phone.sign(asked(one, "/console/in/code")))
    phone.verifies, phone.party = True, "evil.localhost"
    refused(services, one, phone.sign(asked(one, "/console/in/code")))


def test_the_host_of_the_request_names_no_origin(viewer, phone, services) -> None:
    there = {"base_url": HTTPS, "headers": {"Referer": f"{HTTPS}/"}}
    one = browser(services)
    one.sign_in("viewer", **there)
    page = one.get("/console/in/code", **there).text
    options = html.unescape(re.search(r'data-passkey="([^"]+)"', page)[1])
    assert json.loads(options)["rpId"] == PARTY
    assert f'data-origin="{ORIGIN}"' in page
    data = {"credential": phone.sign(options, origin=HTTPS)}
    assert one.post("/console/in/code", data, **there).status_code == 403


def test_what_was_made_elsewhere_or_unverified_is_not_added(viewer) -> None:
    for flaw in ({"origin": "https://evil"}, {"challenge": "AAAA"}, {"type": "webauthn.get"}):
        answer = Authenticator(ORIGIN, PARTY).make(asked(viewer, "/console/me/factor"), **flaw)
        sent = viewer.post("/console/me/factor", {"name": "x", "credential": answer})
        assert (sent.status_code, "was not accepted" in sent.text) == (403, True)
    for change_it in ({"party": "evil"}, {"verifies": False}):
        made = Authenticator(ORIGIN, PARTY)
        vars(made).update(change_it)
        assert added(viewer, "x", made)[1].status_code == 403
    assert shown_ids(viewer) == []


def test_a_counter_that_goes_back_is_refused_and_logged(viewer, phone, services) -> None:
    phone.count = 5
    one = half(services)
    assert given(one, phone.sign(asked(one, "/console/in/code"))).location == "/console/"
    one = half(services)
    for phone.count in (1, 5, 0):
        answer = given(one, phone.sign(asked(one, "/console/in/code")))
        assert (answer.status_code, "may have been copied" in answer.text) == (403, True)
        said = dict(reversed(actions(services)))["wrong passkey"]
        assert said == "My phone: its counter went back, it may have been copied"
    phone.count = 6
    assert given(one, phone.sign(asked(one, "/console/in/code"))).location == "/console/"


def test_an_authenticator_that_does_not_count_is_taken(viewer, services) -> None:
    made = Authenticator(ORIGIN, PARTY)
    made.count = 0
    added(viewer, "synced", made)
    for _ in range(2):
        one = half(services)
        assert given(one, made.sign(asked(one, "/console/in/code"))).location == "/console/"


NONSENSE = (
    "", "x", "[]", "{}", "null", "1", '{"id": 1}', "[" * 15_000, '{"id":' * 5_000, "\0",
    '{"id": "AA", "rawId": "AA", "type": "public-key", "response": {}}',
    '{"id": "AA", "rawId": "\u00e9", "type": "public-key", "response": {}}',
)  # fmt: skip


def test_an_answer_that_is_none_is_refused(viewer, phone, services) -> None:
    one = half(services)
    for answer in NONSENSE:
        asked(one, "/console/in/code")
        assert given(one, answer).status_code == 403
        asked(viewer, "/console/me/factor")
        sent = viewer.post("/console/me/factor", {"name": "x", "credential": answer})
        assert sent.status_code == 403
    for flaw in ({"clientDataJSON": "W10"}, {"authenticatorData": "AAAA"}, {"signature": ""}):
        answer = json.loads(phone.sign(asked(one, "/console/in/code")))
        answer["response"] |= flaw
        refused(services, one, json.dumps(answer))


def test_passkeys_are_counted_with_codes_and_have_to_wait(viewer, phone, services) -> None:
    """The right password before each attempt gives no new ones."""
    for at in range(MAX_ATTEMPTS):
        one = half(services)
        if at % 2:
            one.post("/console/in/code", {"code": "000000"})
        else:
            given(one, phone.sign(asked(one, "/console/in/code"), origin="https://evil.example"))
    one = half(services)
    assert given(one, phone.sign(asked(one, "/console/in/code"))).status_code == 403
    services.store.client.flushdb()  # as when the time is over
    assert given(one, phone.sign(asked(one, "/console/in/code"))).location == "/console/"


def test_without_the_password_there_is_nothing_to_answer(viewer, phone, services) -> None:
    one = browser(services)
    assert one.get("/console/in/code").location == "/console/in"
    assert given(one, phone.sign(asked(viewer, "/console/me/factor"))).location == "/console/in"


# --- where there can be passkeys ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("public_url", "host", "origin"),
    [
        ("https://sms.example.com", "sms.example.com", "https://sms.example.com"),
        ("https://sms.example.com:8443", "sms.example.com", "https://sms.example.com:8443"),
        ("http://localhost:8000", "localhost", "http://localhost:8000"),
        ("http://127.0.0.1:8000", "localhost", "http://localhost:8000"),
        ("", "localhost", "http://localhost:8000"),
    ],
)
def test_the_host_of_passkeys_comes_from_the_public_address(public_url, host, origin) -> None:
    found = Passkeys(None, public_url, 8000)
    assert (found.host, found.origin) == (host, origin)
