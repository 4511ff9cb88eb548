"""The guide, its questions, and the record of who passed them."""

from __future__ import annotations

import csv
import io
import re
import time
from importlib import resources

import pytest

from smsgate.features.training import console as guide_page
from smsgate.features.training.service import (
    QUESTION_COUNT,
    Training,
    read_guide,
    shipped_guide,
)
from smsgate.features.training.storage import TrainingRow, TrainingStorage

GUIDE, QUIZ = "/console/guide", "/console/guide/quiz"


def attempt_of(page: str) -> str:
    return re.search(r'name="attempt" value="([0-9a-f]{32})"', page)[1]


def answered(right: int) -> dict[str, str]:
    """So many right answers, the others wrong or missing."""
    given = {}
    for at, one in enumerate(shipped_guide().questions):
        wrong = next(name for name in one.choices if name != one.right)
        given[one.id] = one.right if at < right else wrong
    return given


def sent(browser, right: int, **more):
    page = browser.get(QUIZ).text
    return browser.post(QUIZ, {"attempt": attempt_of(page), **answered(right), **more})


def rows(services) -> list[TrainingRow]:
    return [*TrainingStorage(services.records.database).all()]


# --- what stands in it --------------------------------------------------------------------------


def test_every_question_and_part_names_a_rule_that_there_is_and_its_answer():
    guide = shipped_guide()
    assert len(guide.questions) == QUESTION_COUNT == 10
    for one in guide.questions:
        assert one.rule in guide.rules
        assert one.right in one.choices
        assert len(one.choices) >= 3
    assert {rule for one in guide.sections for rule in one.rules} <= guide.rules.keys()


def test_the_right_answers_are_not_told_by_their_length():
    longest = [max(one.choices, key=lambda name: len(one.choices[name])) == one.right
               for one in shipped_guide().questions]  # fmt: skip
    assert sum(longest) <= 6


def test_the_version_changes_with_any_word_of_it():
    raw = resources.files("smsgate.features.training").joinpath("guide.toml").read_bytes()
    assert read_guide(raw).version == shipped_guide().version
    changed = raw.replace(b"Ask for the number", b"Ask for it")
    assert changed != raw
    assert read_guide(changed).version != shipped_guide().version


def test_the_guide_is_shown_with_its_rules_and_deadlines(viewer):
    page = viewer.get(GUIDE).text
    for said in ("47 CFR 64.1200(a)(10)", "CASL", "5 working days", shipped_guide().version):
        assert said in page
    assert "You have not passed this version yet" in page
    assert "Results" not in page


# --- the questions ------------------------------------------------------------------------------


def test_questions_come_in_another_order_each_time_and_without_their_answers(viewer):
    orders = set()
    for _ in range(5):
        page = viewer.get(QUIZ).text
        names = re.findall(r'name="(\w+)" value="\w+" required', page)
        orders.add(tuple(names))
        assert set(names) == {one.id for one in shipped_guide().questions}
        assert "checked" not in page
        assert "Any words count that a reasonable person" not in page
    assert len(orders) > 1


@pytest.mark.parametrize(("right", "passed"), [(8, True), (7, False)])
def test_eight_of_ten_pass_and_it_is_on_record(viewer, services, right, passed):
    answer = sent(viewer, right)
    assert f"{'Passed' if passed else 'Not passed'}: {right} of 10 right" in answer.text
    assert "Any words count that a reasonable person" in answer.text
    [row] = rows(services)
    assert (row.operator, row.version) == ("viewer", shipped_guide().version)
    assert (row.right_count, row.asked_count, row.passed) == (right, 10, passed)
    assert abs(row.taken_us / 1e6 - time.time()) < 60
    assert ("You passed this version" in viewer.get(GUIDE).text) == passed


def test_what_is_missing_or_made_up_is_wrong(viewer, services):
    page = viewer.get(QUIZ).text
    form = {"attempt": attempt_of(page), "spanish": "stop", "reaction": "<b>made up</b>"}
    answer = viewer.post(QUIZ, form)
    assert "Not passed: 1 of 10 right" in answer.text
    assert "made up" not in answer.text
    assert answer.text.count("not answered") == 9


def test_answers_that_are_sent_twice_count_once(viewer, services):
    attempt = attempt_of(viewer.get(QUIZ).text)
    for right in (10, 3, 10):
        answer = viewer.post(QUIZ, {"attempt": attempt, **answered(right)})
        assert answer.status_code == 200
    assert [row.right_count for row in rows(services)] == [10]


def test_answers_of_no_quiz_are_refused(viewer, services):
    viewer.get(QUIZ)
    for attempt in ("", "1", "g" * 32, "0" * 31 + "'"):
        assert viewer.post(QUIZ, {"attempt": attempt, **answered(10)}).status_code == 422
    assert rows(services) == []


# --- the record ---------------------------------------------------------------------------------


def test_it_is_due_again_after_a_year_and_with_another_version(services):
    now_us = time.time_ns() // 1000
    year_us = 365 * 86_400_000_000
    training = Training(shipped_guide(), TrainingStorage(services.records.database))
    for name, version, ago_us in (
        ("fresh", training.guide.version, 1_000_000),
        ("old", training.guide.version, year_us + 1),
        ("other", "another", 1_000_000),
    ):
        row = TrainingRow(name, name, version, now_us - ago_us, 10, 10, True)
        TrainingStorage(services.records.database).add(row)
    TrainingStorage(services.records.database).add(
        TrainingRow("failed", "failed", training.guide.version, now_us, 7, 10, False)
    )
    names = ["fresh", "old", "other", "failed"]
    passed = training.passed_us(names)
    assert [*passed] == names
    assert [us > 0 for us in passed.values()] == [True, False, False, False]


def test_an_admin_sees_who_passed_and_who_has_not(admin, viewer, services):
    sent(viewer, 9)
    page = admin.get(f"{GUIDE}/trainings").text
    assert re.search(r'<li>viewer: <span class="badge good">passed', page)
    assert re.search(r'<li>admin: <span class="badge warn">due', page)
    assert "9 of 10" in page


def test_attempts_are_paged(admin, services, monkeypatch):
    monkeypatch.setattr(guide_page, "PAGE_SIZE", 2)
    for at in range(5):
        row = TrainingRow(f"{at:032x}", f"person{at}", "v", 1_000_000 + at // 2, at, 10, False)
        TrainingStorage(services.records.database).add(row)
    seen, pages, path = [], 0, f"{GUIDE}/trainings"
    while path:
        page, pages = admin.get(path).text, pages + 1
        seen += re.findall(r'<th scope="row"[^>]*>(person\d)', page)
        found = re.search(r'href="(\?before=[^"]+)"', page)
        path = f"{GUIDE}/trainings{found[1]}" if found else ""
    assert (seen, pages) == ([f"person{at}" for at in (4, 3, 2, 1, 0)], 3)


def test_all_of_it_can_be_kept_as_a_file_in_which_no_name_is_a_formula(admin, services):
    TrainingStorage(services.records.database).add(
        TrainingRow("1", "=1+1", "v", 1_700_000_000_000_000, 8, 10, True)
    )
    answer = admin.get(f"{GUIDE}/trainings.csv")
    assert answer.headers["Content-Disposition"] == "attachment; filename=trainings.csv"
    assert list(csv.DictReader(io.StringIO(answer.text))) == [
        {
            "who": "'=1+1",
            "version": "v",
            "when": "2023-11-14T22:13:20+00:00",
            "right": "8",
            "asked": "10",
            "passed": "yes",
        }
    ]


def test_only_an_admin_sees_the_record(agent):
    assert agent.get(f"{GUIDE}/trainings").status_code == 403
    assert agent.get(f"{GUIDE}/trainings.csv").status_code == 403


def test_a_place_that_is_none_is_no_fault(admin):
    for before in ("x", "9" * 40, "-", "1-"):
        assert admin.get(f"{GUIDE}/trainings?before={before}").status_code == 200
