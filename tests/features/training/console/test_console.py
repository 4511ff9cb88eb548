"""The guide, and the record of who read it."""

from __future__ import annotations

from smsgate.features.training.console import shipped_guide
from tests.fakes.pages import words

GUIDE = "/console/guide"


def test_every_part_names_a_rule_that_there_is():
    guide, _ = shipped_guide()
    assert {rule for one in guide.sections for rule in one["rules"]} == guide.rules.keys()


def test_the_guide_is_shown_with_its_rules_and_deadlines(viewer):
    page = viewer.get(GUIDE).text
    for said in ("47 CFR 64.1200(a)(10)", "CASL", "5 working days", shipped_guide()[1]):
        assert said in page


def test_who_read_which_version_is_in_the_audit_log(viewer, admin):
    assert viewer.post(GUIDE, {}).status_code == 303
    page = words(admin.get("/console/audit?person=viewer&group=people"))
    assert f"viewer Read the guide version {shipped_guide()[1]}" in page
