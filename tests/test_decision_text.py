"""Decisions in words, for every rule that there is."""

from __future__ import annotations

import csv
from functools import partial
from pathlib import Path

from smsgate.classifier import reply_text
from smsgate.decision_text import because, facts, meant, reason
from smsgate.domain.messages import Decision, Intent
from tests.classifier.program import classifier, program
from tests.fakes.rule_ids import rule_ids

TEXTS = Path(__file__).parent / "accuracy"


def test_every_rule_that_the_labelled_texts_meet_has_its_sentence():
    rules = set()
    for file in sorted(TEXTS.rglob("*.tsv"))[:4]:
        with file.open(encoding="utf-8") as lines:
            rows = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
        known = classifier(keywords=("en",))
        rules |= {known.classify(row["text"]).rule for row in rows[::20] if row.get("text")}
    assert len(rules) > 5
    assert [rule for rule in sorted(rules) if reason(rule) == rule] == []


def test_every_rule_of_the_code_has_its_sentence():
    known = rule_ids()
    assert {"keyword_typo", "model", "how_to_leave", "provider_flag"} <= known
    assert [rule for rule in sorted(known) if reason(rule) == rule.replace("_", " ")] == []


def test_a_rule_of_another_release_is_told_by_its_name():
    assert reason("a rule of tomorrow") == "a rule of tomorrow"


def test_a_mark_is_told_in_words():
    assert because("keyword STOP") == "exact keyword: STOP"
    assert because("no_words") == "no words in the text"
    assert because("a number of tomorrow") == "a number of tomorrow"


def test_every_intent_says_what_it_leads_to():
    assert all(len(meant(intent.value)) > 20 for intent in Intent)


def test_facts_leave_out_what_is_not_there_and_end_with_the_reply():
    one = program(keywords=("en",))
    told = dict(
        facts(classifier(keywords=("en",)).classify("stop please"), partial(reply_text, one))
    )
    assert told["matched"] == "STOP"
    assert told["normalized"] == "politeness"
    assert "Acme Alerts" in told["reply"]
    assert "scope" not in told
    assert "reply" not in dict(
        facts(Decision(Intent.NONE, rule="nothing_known"), partial(reply_text, one))
    )
