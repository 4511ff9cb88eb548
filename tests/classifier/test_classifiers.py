"""The classifiers of a configuration: made when needed, and sharing what their sets know."""

from __future__ import annotations

import pytest

from smsgate.classifier import Classifiers, OperatorSets
from smsgate.domain.errors import ConfigurationError
from tests.classifier.program import program

ALERTS = program(name="alerts", keywords=("en",))
ORDERS = program(name="orders", keywords=("en",))
OWN = 'language = "en"\nextends = true\n[[entries]]\nintent = "{}"\nwords = "{}"\n'


def test_programs_with_the_same_sets_share_what_these_know():
    made = Classifiers(None, (ALERTS, ORDERS))
    assert made.in_use == ()
    assert made["alerts"].keywords is made["orders"].keywords
    assert made.in_use == ("alerts", "orders")
    assert made["alerts"].keywords is Classifiers(None, (ALERTS,))["alerts"].keywords


def test_the_version_tells_sets_apart():
    versions = [
        Classifiers(OperatorSets(console={"en": OWN.format("opt_out", word)}), (ALERTS,)).versions
        for word in ("blim", "blam", "blam")
    ]
    assert versions[0] != versions[1] == versions[2]


def test_faults_are_told_and_nothing_is_classified_with_them():
    made = Classifiers(OperatorSets(console={"en": OWN.format("help", "STOP")}), (ALERTS,))
    assert [fault.key for fault in made.faults()] == ["STOP"]
    with pytest.raises(ConfigurationError):
        made["alerts"]
