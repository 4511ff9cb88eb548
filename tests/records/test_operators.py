"""Operators, sessions, actions and days, on each database."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import date
from functools import partial

import pytest

from smsgate.domain.errors import Unfit
from smsgate.features.operators.passkey_storage import PasskeyRow, PasskeyStorage
from smsgate.features.operators.service import ActionAuthor, OperatorService
from smsgate.features.operators.session_storage import SessionRow, SessionStorage
from smsgate.features.operators.storage import (
    FIRST,
    ActionLog,
    OperatorAction,
    OperatorRow,
    OperatorStorage,
    PasswordLink,
)
from smsgate.records import Records
from smsgate.records.daily_counts import DailyCountStorage

NOW = 1_790_000_000_000_000
HOUR = 3_600_000_000
MARIA = OperatorRow("1", "Maria", "maria", "admin", NOW, "tests", password_hash="hash")
PASSKEY = PasskeyRow(b"credential", "1", b"key", 5, "My phone", NOW)
SESSION = SessionRow(b"s" * 32, "1", NOW, NOW, NOW + HOUR, NOW, False, "a browser", "8.8.4.4")


def people(records) -> OperatorStorage:
    return OperatorStorage(records.database)


def logins(records) -> SessionStorage:
    return SessionStorage(records.database)


def log(records) -> ActionLog:
    return ActionLog(records.database)


def did(what: str, id_: str = "") -> OperatorAction:
    return OperatorAction(id_ or what, NOW, "Maria", "tests", what)


def link(digest: bytes, operator: str = "1") -> PasswordLink:
    return PasswordLink(digest, operator, NOW + HOUR)


@pytest.fixture
def maria(records):
    assert people(records).add(MARIA, did("added"), link(b"first"))
    return MARIA


def start(records, session=SESSION, **change) -> bool:
    given = {"kept": "hash", "instead": b"", "idle_us": HOUR} | change
    return logins(records).start(session, did("signed in", session.digest.hex()), **given)


def test_an_operator_is_kept_once_and_found(records, maria) -> None:
    assert not people(records).add(replace(MARIA, id="2"), did("again"), link(b"other", "2"))
    assert people(records).all() == [MARIA]
    assert people(records).find("maria") == people(records).by_id("1") == MARIA
    assert people(records).find("mar\0ia") is None
    assert people(records).linked(b"other", NOW) is None
    assert [one.what for one in log(records).newest("", 9)] == ["added"]


def test_of_two_who_are_added_at_once_one_gets_the_address(records, database_url) -> None:
    other = Records(database_url)
    services = [OperatorService(one) for one in (records, other)]
    for round_ in range(5):
        email = f"Team{round_}@example.com"
        add = [
            partial(one.add, f"{name}{round_}", "admin", ActionAuthor("tests"), given)
            for one, name, given in zip(
                services, ("ana", "ben"), (email, email.upper()), strict=True
            )
        ]
        paths = at_once(*add)
        refused = [one for one in paths if isinstance(one, Unfit)]
        assert len(refused) == 1, paths
        assert refused[0].field == "email"
        assert "has that e-mail address" in str(refused[0])
        assert [one.email for one in people(records).all()].count(email.casefold()) == 1
    other.close()
    assert len(people(records).all()) == 5


def test_of_two_who_get_an_address_by_a_reset_at_once_one_has_it(records, database_url) -> None:
    other = Records(database_url)
    services = [OperatorService(one) for one in (records, other)]
    for name in ("ana", "ben"):
        services[0].add(name, "agent", ActionAuthor("tests"))
    reset = [
        partial(one.reset, name, ActionAuthor("tests"), email="team@example.com")
        for one, name in zip(services, ("ana", "ben"), strict=True)
    ]
    done = at_once(*reset)
    other.close()
    assert [isinstance(one, Unfit) for one in done].count(True) == 1
    assert sorted(one.email for one in people(records).all()) == ["", "team@example.com"]


def test_the_constraint_refuses_what_the_check_before_it_missed(records, maria) -> None:
    taken = replace(MARIA, id="2", name="Ben", folded="ben", email="m@example.com")
    assert people(records).change("1", {"email": "m@example.com"}, did("reset"))
    assert not people(records).add(taken, did("added"), link(b"other", "2"))
    assert people(records).add(replace(taken, email=""), did("added"), link(b"other", "2"))
    with pytest.raises(Unfit, match="Somebody else has that e-mail address"):
        people(records).change(
            "2", {"email": "m@example.com"}, did("reset"), link=link(b"new", "2")
        )
    assert people(records).by_id("2").email == ""
    assert people(records).linked(b"other", NOW) == "2"


def test_a_change_that_spends_a_link_happens_once(records, maria) -> None:
    change = people(records).change
    done = [change("1", {"role": role}, did(role), spend=b"first") for role in ("viewer", "agent")]
    assert done == [True, False]
    assert people(records).by_id("1").role == "viewer"
    assert not change("1", {"role": "agent"}, did("x"), spend=b"unknown")
    assert change("1", {}, did("link"), link=link(b"second"))
    assert people(records).linked(b"second", NOW) == "1"
    assert people(records).linked(b"second", NOW + HOUR) is None


def test_a_link_for_the_first_one_works_where_nobody_is(records) -> None:
    assert people(records).offer_first(link(b"older", FIRST))
    assert people(records).offer_first(link(b"newer", FIRST))
    assert not people(records).make_first(MARIA, b"older", did("added"))
    assert people(records).make_first(MARIA, b"newer", did("added"))
    assert not people(records).offer_first(link(b"newest", FIRST))


def test_a_session_begins_in_the_place_of_another_and_forgives(records, maria) -> None:
    people(records).update("1", {"failed": 3})
    half = replace(SESSION, digest=b"h" * 32, half=True)
    assert start(records, half)
    assert people(records).by_id("1").failed == 3
    assert start(records, instead=half.digest)
    assert logins(records).find(half.digest) is None
    assert logins(records).find(SESSION.digest) == (SESSION, MARIA)
    assert logins(records).of("1") == [SESSION]
    assert not start(records, replace(SESSION, digest=b"x"), kept="another hash")
    late = replace(SESSION, digest=b"l" * 32, made_us=NOW + HOUR, ends_us=NOW + 2 * HOUR)
    assert start(records, late)
    assert logins(records).find(SESSION.digest) is None  # ended by itself


def test_a_session_that_begins_while_the_password_goes_does_not_outlive_it(records, maria) -> None:
    """Whichever comes first: no session is left that began with the old password."""
    begin = threading.Barrier(2)

    def enter() -> None:
        begin.wait()
        start(records)

    def reset() -> None:
        begin.wait()
        people(records).change("1", {"password_hash": ""}, did("reset"))

    threads = [threading.Thread(target=do) for do in (enter, reset)]
    [one.start() for one in threads]
    [one.join() for one in threads]
    assert logins(records).of("1") == []


def test_attempts_are_counted_up_to_a_lock_that_ends(records, maria) -> None:
    def claim(now_us: int = NOW) -> bool:
        waits = did("waits")
        return logins(records).claim_attempt("1", now_us, 3, HOUR, waits)

    assert [claim() for _ in range(5)] == [True, True, True, False, False]
    assert people(records).by_id("1").locked_until_us == NOW + HOUR
    assert claim(NOW + HOUR)
    assert (
        people(records).by_id("1").failed,
        people(records).by_id("1").locked_until_us,
    ) == (
        1,
        0,
    )
    assert not logins(records).claim_attempt("", NOW, 3, HOUR, did("nobody"))
    assert {one.what for one in log(records).newest("", 9)} == {
        "added",
        "waits",
        "nobody",
    }


def test_codes_are_taken_once(records, maria) -> None:
    sessions = logins(records)
    assert [sessions.take_step("1", step) for step in (7, 7, 6, 8)] == [True, False, False, True]
    assert [sessions.take_recovery("1", "", left) for left in ("[1]", "[2]")] == [True, False]


def test_the_last_admin_does_not_step_down(records, maria) -> None:
    step_down = people(records).step_down
    assert not step_down("1", {"role": "viewer"}, did("x"))
    other = replace(MARIA, id="2", name="jo", folded="jo")
    people(records).add(other, did("jo"), link(b"jo", "2"))
    done = []
    threads = [
        threading.Thread(
            target=lambda id_=id_: done.append(step_down(id_, {"ended_us": NOW}, did(id_)))
        )
        for id_ in ("1", "2")
    ]
    [one.start() for one in threads]
    [one.join() for one in threads]
    assert sorted(done) == [False, True]


def test_actions_come_newest_first_and_an_hourly_one_moves(records) -> None:
    for at in (1, 2, 3):
        log(records).add(did("step", f"{at:016d}"))
    log(records).add(replace(did("step", f"{2:016d}"), at_us=NOW + 5, address="9.9.9.9"))
    newest = log(records).newest("", 2)
    assert [one.id for one in newest] == [f"{3:016d}", f"{2:016d}"]
    assert (newest[1].at_us, newest[1].address) == (NOW + 5, "9.9.9.9")
    assert [one.id for one in log(records).newest(f"{2:016d}", 9)] == [f"{1:016d}"]


def test_the_sums_of_a_day_only_grow(records) -> None:
    day, before = date(2026, 11, 24), date(2026, 11, 1)
    counts = DailyCountStorage(records.database)
    counts.save({day: {"texts": 9, "help": 1}, before: {"texts": 3}})
    counts.save({day: {"texts": 4, "help": 2}})
    counts.save({})
    assert counts.since(day) == {day: {"texts": 9, "help": 2}}
    assert counts.since(before)[before] == {"texts": 3}


def test_where_no_file_was_made_there_is_nobody(bare_records) -> None:
    if not bare_records.absent:
        pytest.skip("PostgreSQL has no file")
    assert OperatorStorage(bare_records.database).all() == []
    assert DailyCountStorage(bare_records.database).since(date(2026, 1, 1)) == {}


# --- passkeys -------------------------------------------------------------------------------------


def at_once(*calls) -> list:
    """What calls return, or as what they raise; each in a thread of its own, all at once."""
    begin, found = threading.Barrier(len(calls)), []

    def run(call) -> None:
        begin.wait()
        try:
            found.append(call())
        except Unfit as error:
            found.append(error)

    threads = [threading.Thread(target=run, args=[call]) for call in calls]
    [one.start() for one in threads]
    [one.join() for one in threads]
    return found


def test_a_passkey_is_one_operators_and_goes_with_its_recovery_codes(records, maria) -> None:
    stored = PasskeyStorage(records.database)
    assert stored.add(PASSKEY, {"recovery": "codes"}, did("added a passkey"))
    assert not stored.add(replace(PASSKEY, operator_id="2"), {}, did("again"))
    assert stored.of("1") == [PASSKEY]
    assert stored.of("2") == []
    row = people(records).by_id("1")
    assert (row.has_passkey, row.has_second_factor, row.recovery) == (True, True, "codes")
    assert people(records).all() == [row]
    stored.rename(PASSKEY, "Key", did("renamed"))
    stored.rename(replace(PASSKEY, operator_id="2"), "Mine", did("not mine"))
    assert [one.name for one in stored.of("1")] == ["Key"]
    stored.add(replace(PASSKEY, credential_id=b"other"), {}, did("another"))
    stored.remove(PASSKEY, did("removed"))
    assert people(records).by_id("1").recovery == "codes"
    stored.remove(replace(PASSKEY, credential_id=b"other"), did("removed the last"))
    stored.remove(PASSKEY, did("removed twice"))
    assert people(records).by_id("1") == MARIA
    said = {one.what for one in log(records).newest("", 9)}
    assert said & {"not mine", "again", "removed twice"} == set()


def test_the_last_passkey_leaves_the_recovery_codes_to_an_app(records, maria) -> None:
    stored = PasskeyStorage(records.database)
    stored.add(PASSKEY, {"recovery": "codes", "totp_secret": "sealed"}, did("added a passkey"))
    stored.remove(PASSKEY, did("removed"))
    assert people(records).by_id("1").recovery == "codes"


def test_a_reset_drops_the_passkeys_only_if_told(records, maria) -> None:
    stored = PasskeyStorage(records.database)
    stored.add(PASSKEY, {}, did("added a passkey"))
    people(records).change("1", {}, did("reset"))
    assert stored.of("1") == [PASSKEY]
    people(records).change("1", {}, did("reset all"), drop_passkeys=True)
    assert stored.of("1") == []


def test_of_two_uses_with_one_count_only_the_first_counts(records, maria) -> None:
    stored = PasskeyStorage(records.database)
    stored.add(PASSKEY, {}, did("added a passkey"))
    assert sorted(at_once(*[lambda: stored.use(PASSKEY, 6, NOW + 1)] * 4)) == [False] * 3 + [True]
    assert not stored.use(PASSKEY, 0, NOW + 2)
    assert stored.of("1") == [replace(PASSKEY, sign_count=6, used_us=NOW + 1)]
    uncounted = replace(PASSKEY, credential_id=b"synced", sign_count=0)
    stored.add(uncounted, {}, did("added another"))
    assert [stored.use(uncounted, count, NOW) for count in (0, 0, 3, 0)] == [
        True,
        True,
        True,
        False,
    ]


def test_a_challenge_is_taken_once_and_by_its_session(records, maria) -> None:
    stored = PasskeyStorage(records.database)
    start(records)
    assert stored.take_challenge(SESSION.digest, NOW) is None
    stored.set_challenge(SESSION.digest, b"older", NOW + HOUR)
    stored.set_challenge(SESSION.digest, b"newer", NOW + HOUR)
    assert stored.take_challenge(b"x" * 32, NOW) is None
    assert stored.take_challenge(SESSION.digest, NOW + HOUR) is None
    taken = at_once(*[lambda: stored.take_challenge(SESSION.digest, NOW)] * 4)
    assert sorted(filter(None, taken)) == [b"newer"]
    stored.set_challenge(b"x" * 32, b"nobody's", NOW + HOUR)  # the session has ended meanwhile
    assert stored.take_challenge(b"x" * 32, NOW) is None
