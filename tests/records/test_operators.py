"""Operators, sessions, actions and days, on each database: what two do at once happens once."""

from __future__ import annotations

import threading
from datetime import date
from functools import partial

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from smsgate.domain.errors import LinkBroken, SmsGateError
from smsgate.features.dashboard.statistics import keep_counts, kept_counts
from smsgate.features.operators import factors
from smsgate.features.operators import sessions as operator_sessions
from smsgate.features.operators.factors import Factors
from smsgate.features.operators.service import OperatorError, SignInRefused, issue, redeem
from smsgate.features.operators.sessions import Sessions, Visitor
from smsgate.records import Records
from smsgate.records.operator_actions import ActionAuthor, log_action
from tests.fakes.people import People, add_operator, newest_actions, put_factor, set_operator
from tests.fakes.processes import PATIENCE_S, wait_until

VISITOR = Visitor("8.8.4.4", "8.8.4.4", "a browser")
KEYS = (SecretStr("a secret key of the tests"),)
BY = ActionAuthor("tests")


def people(records) -> People:
    return People(records)


@pytest.fixture
def maria(records):
    return add_operator(records, "maria", "admin", "hash")


def at_once(*calls) -> list:
    """What calls return, or as what they raise; each in a thread of its own, all at once."""
    begin, found = threading.Barrier(len(calls)), []

    def run(call) -> None:
        begin.wait()
        try:
            found.append(call())
        except SmsGateError as error:
            found.append(error)

    threads = [threading.Thread(target=run, args=[call]) for call in calls]
    [one.start() for one in threads]
    [one.join() for one in threads]
    return found


def test_an_operator_is_kept_once_and_found(records, maria) -> None:
    with pytest.raises(OperatorError):
        people(records).add("MARIA", "viewer", BY)
    assert people(records).all() == [maria] == [people(records).named(" Maria ")]
    with pytest.raises(OperatorError):
        people(records).named("mar\0ia")


def test_of_two_who_are_added_at_once_one_gets_the_address(records, database_url) -> None:
    other = Records(database_url)
    services = [People(one) for one in (records, other)]
    for round_ in range(5):
        email = f"Team{round_}@example.com"
        add = [
            partial(one.add, f"{name}{round_}", "admin", BY, given)
            for one, name, given in zip(
                services, ("ana", "ben"), (email, email.upper()), strict=True
            )
        ]
        paths = at_once(*add)
        refused = [one for one in paths if isinstance(one, OperatorError)]
        assert len(refused) == 1, paths
        assert [one.email for one in people(records).all()].count(email.casefold()) == 1
    other.close()
    assert len(people(records).all()) == 5


def test_of_two_who_get_an_address_by_a_reset_at_once_one_has_it(records, database_url) -> None:
    other = Records(database_url)
    services = [People(one) for one in (records, other)]
    for name in ("ana", "ben"):
        services[0].add(name, "agent", BY)
    reset = [
        partial(one.reset, name, BY, email="team@example.com")
        for one, name in zip(services, ("ana", "ben"), strict=True)
    ]
    done = at_once(*reset)
    other.close()
    assert [isinstance(one, OperatorError) for one in done].count(True) == 1
    assert sorted(one.email for one in people(records).all()) == ["", "team@example.com"]


def test_a_link_is_used_once(records, maria) -> None:
    token = people(records).reset("maria", BY).rpartition("/")[2]
    row = people(records).linked(token)
    passwords = [f"a kettle full of pigeons {number}" for number in range(3)]
    set_them = [partial(people(records).set_password, row, one, "", token) for one in passwords]
    done = at_once(*set_them)
    assert [isinstance(one, LinkBroken) for one in done].count(False) == 1
    with pytest.raises(LinkBroken):
        people(records).linked(token)


def test_a_session_that_begins_while_the_password_goes_does_not_outlive_it(records, maria) -> None:
    sessions = Sessions(records.database)
    token = sessions.start(maria, VISITOR)
    people(records).reset("maria", BY)
    assert sessions.find(token) is None
    with pytest.raises(SignInRefused):
        sessions.start(maria, VISITOR)
    set_operator(records, "maria", password_hash="hash", ended_us=1)
    with pytest.raises(SignInRefused):
        sessions.start(maria, VISITOR)


def test_codes_are_taken_once(records, maria, monkeypatch) -> None:
    door = Factors(records.database, KEYS)
    with records.database.writing() as connection:
        codes = factors.new_recovery_codes(connection, maria)
    done = at_once(*[partial(door.accept_code, maria, codes[0])] * 3)
    assert [isinstance(one, SignInRefused) for one in done].count(False) == 1
    put_factor(records, maria, "app", door.encrypt("A" * 32))
    monkeypatch.setattr(factors, "find_step", lambda *_: 7)
    done = at_once(*[partial(door.accept_code, maria, "000000")] * 3)
    assert [isinstance(one, SignInRefused) for one in done].count(False) == 1
    for step in (7, 6):
        monkeypatch.setattr(factors, "find_step", lambda *_, step=step: step)
        with pytest.raises(SignInRefused):
            door.accept_code(maria, "000000")


def test_a_session_that_is_not_stored_yet_when_a_change_ends_them_ends_too(
    records, maria, monkeypatch
) -> None:
    """Only PostgreSQL has two writers at once."""
    if records.database.file is not None:
        pytest.skip("SQLite has one writer at a time")
    changing = threading.Thread(target=people(records).reset, args=["maria", BY])

    def waits() -> bool:
        with records.database.reading() as connection:
            return bool(connection.scalar(text("SELECT 1 FROM pg_locks WHERE NOT granted")))

    def log(*_: object) -> None:
        """The last that is done before a new session is committed."""
        changing.start()
        assert wait_until(waits)

    monkeypatch.setattr(operator_sessions, "log_action", log)
    sessions = Sessions(records.database)
    token = sessions.start(maria, VISITOR)
    changing.join(PATIENCE_S)
    assert sessions.find(token) is None


def test_the_last_admin_does_not_step_down(records, maria) -> None:
    with pytest.raises(OperatorError, match="only admin"):
        people(records).set_role("maria", "viewer", BY)
    add_operator(records, "jo", "admin", "hash")
    done = at_once(*[partial(people(records).deactivate, name, BY) for name in ("jo", "maria")])
    assert [isinstance(one, OperatorError) for one in done].count(True) == 1


def test_an_hourly_action_moves(records) -> None:
    for address in ("1.1.1.1", "9.9.9.9"):
        with records.database.writing() as connection:
            log_action(connection, "step", "maria", ActionAuthor("x", address), hourly="one")
    assert [one.address for one in newest_actions(records, 9)][:1] == ["9.9.9.9"]
    assert len(newest_actions(records, 9)) in (1, 2)  # an hour may end in between


def test_a_secret_is_redeemed_once_by_its_owner_and_for_its_purpose(records) -> None:
    """Links, recovery codes and challenges alike."""

    def take(purpose: str, owner: str, token: str) -> bool:
        with records.database.writing() as connection:
            return redeem(connection, purpose, owner, token)

    for tokens in (["earlier"], ["one", "two"]):
        with records.database.writing() as connection:
            issue(connection, "link", "maria", tokens, 60)
    wrong = ("link", "maria", "earlier"), ("link", "jo", "one"), ("recovery", "maria", "one")
    assert not any(take(*one) for one in wrong)
    assert sorted(at_once(*[partial(take, "link", "maria", "one")] * 4)) == [False] * 3 + [True]
    assert take("link", "maria", "two")
    with records.database.writing() as connection:
        issue(connection, "link", "maria", ["late"], -1)
    assert not take("link", "maria", "late")


def test_of_two_first_links_one_makes_an_admin(records, database_url) -> None:
    """Even where both are made at once, and both are there: as PostgreSQL allows."""
    other = Records(database_url)
    links = at_once(*[People(one).make_first_link for one in (records, other)])
    other.close()
    (admin,) = people(records).all()
    with records.database.writing() as connection:
        issue(connection, "link", admin.id, [link.rpartition("/")[2] for link in links], 60)
    done = []
    for link in links:
        try:
            given = ("a kettle full of pigeons", "", link.rpartition("/")[2])
            done.append(people(records).set_password(admin, *given))
        except LinkBroken:
            done.append(None)
    assert done == [*people(records).all(), None]


def test_the_sums_of_a_day_only_grow(records) -> None:
    day, before = date(2026, 11, 24), date(2026, 11, 1)
    keep, since = (partial(one, records.database) for one in (keep_counts, kept_counts))
    keep({day: {"texts": 9, "help": 1}, before: {"texts": 3}})
    keep({day: {"texts": 4, "help": 2}})
    keep({})
    assert since(day) == {day: {"texts": 9, "help": 2}}
    assert since(before)[before] == {"texts": 3}


def test_where_no_file_was_made_there_is_nobody(bare_records, in_file) -> None:
    assert people(bare_records).all() == []
    assert kept_counts(bare_records.database, date(2026, 1, 1)) == {}
