"""The page of the audit log: who may see it, its filters, and the file."""

from __future__ import annotations

import csv
import io

from smsgate.domain.messages import Intent
from smsgate.records.operator_actions import ActionAuthor, add_action
from tests.fakes.pages import NASTY, decide, harmless, waits, words
from tests.fakes.people import People
from tests.fakes.told import told, work
from tests.fakes.values import NUMBER

AUDIT = "/console/audit"


def opted_out(who, services, reason="asked by phone"):
    who.post("/console/numbers/opt-out", {"number": NUMBER, "scope": "all", "reason": reason})
    work(services)
    services.archiver.move_all()


def rows(answer) -> list[dict[str, str]]:
    return [*csv.DictReader(io.StringIO(answer.text))]


def test_it_says_who_did_what_to_which_number_and_why(services, admin, agent):
    opted_out(agent, services)
    decide(agent, waits(services, number="+14155550177"), "none")
    work(services)
    services.archiver.move_all()
    told(services, Intent.OPT_OUT, number="+14155550188")
    page = words(admin.get(AUDIT))
    assert "agent Opted out for all programs +1 415-555-0123 asked by phone" in page
    assert "agent Reviewed: not an opt-out for alerts +1 415-555-0177" in page
    assert "admin Signed in" in page
    assert "0188" not in page, "what subscribers do is no work of staff"


def test_an_export_has_what_the_filters_let_through_and_is_logged_itself(services, admin, agent):
    opted_out(agent, services, reason="=HYPERLINK(1)")
    answer = admin.get(f"{AUDIT}?csv=yes&person=agent&group=numbers")
    assert answer.mimetype == "text/csv"
    (row,) = rows(answer)
    assert (row["person"], row["action"], row["number"]) == (
        "agent",
        "Opted out for all programs",
        NUMBER,
    )
    assert row["note"] == "'=HYPERLINK(1)", "no spreadsheet runs it"
    exports = rows(admin.get(f"{AUDIT}?csv=yes&group=exports"))
    assert [one["action"] for one in exports] == ["Exported audit log"] * 2
    assert [one["note"] for one in exports] == ["group=exports", "person=agent&group=numbers"]
    everything = rows(admin.get(f"{AUDIT}?csv=yes&after=&q=none-of-the-filters"))
    assert everything[0]["note"] == "all of it"


def test_what_happened_to_people_is_in_words(services, admin, visitor):
    people = People(services.records)
    people.add("maria", "agent", ActionAuthor("admin"))
    people.deactivate("maria", ActionAuthor("admin"))
    people.reset("maria", ActionAuthor("admin"), second_factor=True)
    add_action(services.records.database, "attempt while locked", ActionAuthor("maria"))
    visitor.sign_in("nobody-of-ours")
    page = words(admin.get(AUDIT))
    assert "admin Deactivated maria" in page
    assert "Attempt while locked" in page
    assert "reactivated; two-step sign-in turned off" in page
    assert "Unknown name" in page
    assert "Attempt while locked" in words(admin.get(f"{AUDIT}?group=sign_ins"))


def test_nothing_on_it_is_taken_for_markup(services, admin, agent):
    opted_out(agent, services, reason=NASTY)
    assert harmless(admin.get(AUDIT))
    assert harmless(admin.get(f"{AUDIT}?person=%3Cscript%3Ealert('x')%3C/script%3E"))
