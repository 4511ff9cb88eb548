"""Pages speak an operator's English: no term of our own, and rules only behind Details."""

from __future__ import annotations

import pytest

from smsgate.decision_text import reason
from smsgate.domain.messages import Arrival, Decision, Entry, Intent
from tests.fakes.console_pages import (
    ADDRESSES,
    NUMBER,
    OTHERS,
    OUTSIDE,
    PAGES,
    PARTS,
    ConsoleObjects,
    add_objects,
    routes,
)
from tests.fakes.pages import outside_details
from tests.fakes.private_terms import private_terms, rules_in
from tests.fakes.rule_ids import rule_ids
from tests.fakes.told import work

PATTERN = "stop/laststop/remove/dontlast"
"""How a rule may note what it matched."""
INTERNALS = (PATTERN, "@fedup", "%dn", "STOPTEXTING")
ANSWERS = (200, 303, 403, 404, 410)


@pytest.fixture
def used(services) -> ConsoleObjects:
    """By every rule an opt-out, a question or a text in review, each with a pattern of ours."""
    for at, rule in enumerate(sorted(rule_ids())):
        decision = Decision(
            (Intent.OPT_OUT, Intent.HELP, Intent.REVIEW)[at % 3],
            rule=rule,
            keyword="STOP" if reason(rule, "STOP").endswith(": STOP") else PATTERN,
            language="ht",
            note="slip of the finger: STOPTEXTING; @fedup +1.7, %dn",
        )
        entry = Entry(
            number=NUMBER if at < 12 else f"+141555502{at:02d}",
            program="alerts",
            decision=decision,
            account="twilio",
            message_id=f"m{at}",
            sender="+12025550100",
            text="Hm.",
        )
        services.store.inbox.add([Arrival(entry)])
    work(services)
    services.archiver.move_all()
    return add_objects(services)


def found_in(words: str) -> list[str]:
    """What should not be there."""
    return [*private_terms(words), *rules_in(words), *(one for one in INTERNALS if one in words)]


def test_the_pages_are_those_of_the_url_map(services):
    assert {*PAGES, *PARTS, *OUTSIDE, *OTHERS} == routes(services)


def test_no_page_shows_a_term_of_ours_or_a_rule(admin, viewer, used):
    wrong = {}
    for address in [*ADDRESSES, *PARTS.values(), *OUTSIDE.values(), "/console/nowhere"]:
        for browser in (admin, viewer):
            answer = browser.get(used.fill(address))
            words = outside_details(answer.text)
            assert (answer.status_code in ANSWERS, len(words) > 40) == (True, True), address
            if found := found_in(words):
                wrong[address] = found
    assert wrong == {}


@pytest.mark.parametrize(
    ("markup", "found"),
    [
        ("<p>It is in its lane.</p>", True),
        ("<td>second reader</td>", True),
        ("<p>A keyword with a typo.</p>", False),
        ("<td>keyword_typo</td>", True),
        ("<td> quotation </td>", True),
        ("<p>Rule quotation</p>", True),
        ("<p>A quotation of theirs.</p>", False),
        ('<input aria-label="what is none">', True),
        ("<details><summary>Details</summary><dl><dd>quotation</dd></dl></details>", False),
        ("<details><summary>More</summary><dl><dd>quotation</dd></dl></details>", True),
        ("<blockquote>I am leaving</blockquote>", False),
    ],
)
def test_a_planted_term_or_rule_is_found(markup, found):
    assert bool(found_in(outside_details(f"<main>{markup}</main>"))) is found


def test_details_have_the_rule_and_what_it_matched(admin, used) -> None:
    page = admin.get(f"/console/numbers/{NUMBER}").text
    assert "<dd>doubtful" in page
    assert PATTERN in page
    assert "Reason for the decision: may be altered or out of date" in outside_details(page)
    assert "Haitian Creole" in page
