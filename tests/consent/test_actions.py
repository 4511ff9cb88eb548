"""What a restore does to a number when it is applied, and what stops it then."""

from __future__ import annotations

import pytest

from smsgate.consent.actions import LONGEST_WAIT_US, apply_action
from smsgate.consent.events import ConsentState
from smsgate.consent.rules import apply_text
from smsgate.domain.entry_parts import Consent, Restore, SetMembership
from smsgate.domain.messages import ALL, Intent
from tests.fakes.values import stored

START_US = 1_790_000_000_000_000
GIVEN = Consent("Yes, text me", "paper", "form 7", START_US)
BY_HAND = {"source": "operator", "account": ""}


def at(ms: int, intent: Intent, **rest):
    return stored(intent, START_US + ms * 1000, f"{START_US // 1000 + ms}-0", **rest)


def seen(ms: int) -> str:
    return f"{START_US // 1000 + ms}-0"


def restore(ms: int, scope: str = ALL, *, basis="mistake", since: int = 0, **rest):
    """A restore that was asked for when everything until ``since`` ms was known."""
    allowed = Restore(basis, rest.pop("evidence", ""), rest.pop("opt_out", "one"), seen(since))
    return at(
        ms, Intent.OPT_IN, program=scope, action="restore", restore=allowed, **BY_HAND, **rest
    )


def play(*entries, consent_state=None):
    consent_state, made = consent_state or ConsentState(), []
    for one in entries:
        apply_rules = apply_action if one.entry.action else apply_text
        made.append(apply_rules(one, consent_state, {}, one.event_time_us))
        consent_state = made[-1].after
    return consent_state, made


OUT = at(0, Intent.OPT_OUT, **BY_HAND)


def test_it_lifts_what_it_was_asked_for_and_nobody_is_answered():
    consent_state, (_, last) = play(OUT, restore(5))
    assert (last.outcome, last.reply, consent_state.everywhere) == ("applied", "", False)
    consent_state, (_, last) = play(OUT, restore(5, "alerts"))
    assert (consent_state.blocked("alerts"), consent_state.blocked("orders")) == (False, True)


@pytest.mark.parametrize("scope", [ALL, "alerts"])
def test_a_stop_that_came_since_it_was_asked_for_holds(scope):
    for own in (at(3, Intent.OPT_OUT), at(3, Intent.OPT_OUT, scope="alerts")):
        consent_state, (*_, last) = play(OUT, own, restore(5, scope))
        if own.entry.scope == ALL or scope == "alerts":
            assert (last.outcome, consent_state.blocked("alerts")) == ("refused", True)
            assert "newer" in last.note
        assert consent_state.blocked("alerts")


def test_what_was_known_when_it_was_asked_for_does_not_stop_it():
    consent_state, (*_, last) = play(OUT, at(3, Intent.OPT_OUT, **BY_HAND), restore(5, since=3))
    assert (last.outcome, consent_state.everywhere) == ("applied", False)


def test_a_stop_behind_it_wins():
    consent_state, _ = play(OUT, restore(5), at(6, Intent.OPT_OUT))
    assert consent_state.blocked("alerts")


def test_without_a_basis_nothing_is_lifted():
    entry = at(5, Intent.OPT_IN, program=ALL, action="restore", **BY_HAND)
    consent_state, (_, last) = play(OUT, entry)
    assert (last.outcome, consent_state.everywhere) == ("refused", True)


@pytest.mark.parametrize("scope", [ALL, "alerts"])
def test_an_opt_out_of_which_nothing_is_on_record_takes_evidence(scope):
    """Nobody knows whose it is, nor since when it holds, so that a consent may be older."""
    for what in ({"basis": "mistake"}, {"basis": "consent", "consent": GIVEN}):
        consent_state, (_, last) = play(OUT, restore(5, scope, opt_out="", **what))
        assert (last.outcome, consent_state.blocked("alerts")) == ("refused", True)
        assert "is unknown" in last.note
    named = restore(5, scope, basis="evidence", evidence="a call", opt_out="")
    consent_state, (_, last) = play(OUT, named)
    assert (last.outcome, consent_state.blocked("alerts")) == ("applied", False)


def test_a_restore_that_waited_for_days_is_refused():
    """Marks are forgotten after 48 hours, so nobody could tell any more what came meanwhile."""
    late = restore(LONGEST_WAIT_US // 1000 + 1000)
    now_us = late.received_us + LONGEST_WAIT_US + 1
    transition = apply_action(late, play(OUT)[0], {}, now_us)
    assert transition.outcome == "refused"
    assert "over a day" in transition.note


def test_a_locked_number_stays():
    consent_state, (*_, last) = play(
        OUT, at(1, Intent.OPT_OUT_ALL, action="lock"), restore(5, since=1)
    )
    assert (last.outcome, consent_state.everywhere, consent_state.locked) == ("refused", True, True)


def test_the_consent_that_stood_before_is_given_back():
    agreed = ConsentState(consents=frozenset({"alerts", "orders"}))
    membership = SetMembership(consents=("alerts", "orders"))
    consent_state, _ = play(OUT, restore(5, membership_before=membership), consent_state=agreed)
    assert consent_state.consents == agreed.consents
    consent_state, _ = play(
        OUT, restore(5, "alerts", membership_before=membership), consent_state=agreed
    )
    assert consent_state.consents == {"alerts"}


def test_no_consent_is_given_back_where_an_opt_out_of_its_own_holds():
    agreed = ConsentState(consents=frozenset({"alerts", "orders"}))
    own = at(3, Intent.OPT_OUT, scope="orders", program="orders")
    membership = SetMembership(consents=("alerts", "orders"))
    consent_state, _ = play(
        OUT, own, restore(5, since=3, membership_before=membership), consent_state=agreed
    )
    assert consent_state.consents == {"alerts"}
    assert consent_state.blocked("orders")


def test_no_consent_is_made_up():
    consent_state, _ = play(OUT, restore(5, "alerts"))
    assert consent_state.consents == frozenset()
    given = restore(5, "alerts", basis="consent", consent=GIVEN)
    assert play(OUT, given)[0].consents == {"alerts"}


def test_where_nothing_holds_it_is_a_repeat():
    consent_state, (last,) = play(restore(5, opt_out=""))
    assert (last.outcome, consent_state.everywhere) == ("repeat", False)
