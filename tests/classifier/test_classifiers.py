"""The classifiers of a configuration share what their sets know."""

from __future__ import annotations

from smsgate.classifier import OperatorSets, make_classifiers
from tests.classifier.program import program

ALERTS = program(name="alerts", keywords=("en",))
ORDERS = program(name="orders", keywords=("en",))
OWN = 'language = "en"\nextends = true\n[[entries]]\nintent = "{}"\nwords = "{}"\n'


def test_programs_with_the_same_sets_share_what_these_know():
    made, _ = make_classifiers(None, (ALERTS, ORDERS))
    assert made["alerts"].keywords is made["orders"].keywords
    assert made["alerts"].keywords is make_classifiers(None, (ALERTS,))[0]["alerts"].keywords


def test_the_version_tells_sets_apart():
    versions = [
        make_classifiers(own, (ALERTS,))[0]["alerts"].version
        for word in ("blim", "blam", "blam")
        for own in [OperatorSets(console={"en": OWN.format("opt_out", word)})]
    ]
    assert versions[0] != versions[1] == versions[2]


def test_faults_are_told_once_and_there_is_no_classifier_with_them():
    own = OperatorSets(console={"en": OWN.format("help", "STOP")})
    made, faults = make_classifiers(
        own, (ALERTS, ORDERS, program(name="es", keywords=("es",), region="GB"))
    )
    assert ([*made], [fault.key for fault in faults]) == (["es"], ["STOP"])
