"""The guide, and the record of who read it."""

from __future__ import annotations

from smsgate.domain.errors import RecordsUnavailable
from smsgate.features.operators.service import ActionAuthor, add_action
from smsgate.features.training import console as guide_page
from smsgate.features.training.console import shipped_guide
from tests.fakes.pages import words

GUIDE = "/console/guide"
UNREAD, READ = "You have not read this version yet", "You read this version on"


def test_every_part_names_a_rule_that_there_is():
    guide, _ = shipped_guide()
    assert {rule for one in guide.sections for rule in one["rules"]} == guide.rules.keys()


def test_the_guide_is_shown_with_its_rules_and_deadlines(viewer):
    page = viewer.get(GUIDE).text
    for said in ("47 CFR 64.1200(a)(10)", "CASL", "5 working days", shipped_guide()[1]):
        assert said in page
    assert UNREAD in page


def test_who_read_which_version_is_in_the_audit_log(viewer, agent, admin):
    assert viewer.post(GUIDE, {}).status_code == 303
    assert READ in viewer.get(GUIDE).text
    assert UNREAD in agent.get(GUIDE).text, "someone else"
    page = words(admin.get("/console/audit?person=viewer&group=people"))
    assert f"viewer Read the guide version {shipped_guide()[1]}" in page


def test_a_changed_guide_is_to_be_read_again(viewer, services):
    author = ActionAuthor("viewer")
    add_action(services.records.database, "read the guide", author, "version 00000000")
    assert UNREAD in viewer.get(GUIDE).text


def test_without_the_records_it_can_be_read_and_says_why_it_does_not_know(viewer, monkeypatch):
    def away(*_):
        raise RecordsUnavailable("the records are away")

    monkeypatch.setattr(guide_page, "last_read_us", away)
    page = viewer.get(GUIDE).text
    assert "the records are away" in page
    assert "What counts as a request" in page
