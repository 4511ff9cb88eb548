"""The files for Prometheus and Grafana name only what there is, and tell what the doctor tells."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from smsgate.metrics.counters import FAMILIES
from smsgate.metrics.snapshot import OptOutListState
from smsgate.monitoring import conditions
from smsgate.store.shared_values import AlertState
from smsgate.web import create_app
from tests.fakes.values import spool_depth
from tests.monitoring import test_conditions

DOCS = Path(__file__).parents[2] / "docs"
RULES = yaml.safe_load((DOCS / "alerts.yml").read_text(encoding="utf-8"))["groups"][0]["rules"]
BOARD = json.loads((DOCS / "grafana.json").read_text(encoding="utf-8"))
EXPRESSIONS = [
    *(rule["expr"] for rule in RULES),
    *(target["expr"] for panel in BOARD["panels"] for target in panel["targets"]),
]
NOT_ASKED_OF_THE_STORE = {"SmsgateConfirmationsSlow"}
"""It needs Prometheus's memory."""


@pytest.fixture
def told(services) -> set[str]:
    """The name of every sample that ``/metrics`` has where everything has happened once."""
    for family in FAMILIES:
        if family.buckets:
            services.store.metrics.took(family, 0.1, *family.labels)
        else:
            services.store.metrics.count(family, *family.labels)
    services.store.metrics.flush()
    services.store.backlog.note_spool(spool_depth("web-1", 1, 1.0))
    services.store.acceptance.note("twilio", newest=True, several=False)
    services.store.opt_out_lists.write(OptOutListState(problem="away"), "twilio")
    services.store.alert_state.write(AlertState(failures={"slack 1": "away"}))
    twilio = replace(services.settings.accounts["twilio"], opt_out_list=True)
    settings = replace(services.settings, accounts={"twilio": twilio})
    client = create_app(replace(services, settings=settings)).test_client()
    answer = client.get(
        "/metrics", headers={"Authorization": "Bearer a-key-that-is-long-enough-for-tests"}
    )
    families = text_string_to_metric_families(answer.text)
    return {sample.name for family in families for sample in family.samples}


def test_every_metric_in_a_rule_or_panel_is_one_that_is_told(told):
    wanted = {name for one in EXPRESSIONS for name in re.findall(r"\bsmsgate_[a-z_]+", one)}
    assert len(wanted) > 20
    assert wanted - told == {"smsgate_account_silent_after_seconds"}  # no account here has it


def test_every_metric_is_explained(told):
    page = (DOCS / "metrics.md").read_text(encoding="utf-8")
    names = {re.sub(r"_(bucket|count|sum)$", "", name) for name in told}
    assert not {name for name in names if f"`{name}" not in page}


def test_the_rules_are_made_of_the_table():
    """``make alerts`` brings them up to date."""
    made = conditions.prometheus_rules()
    assert (DOCS / "alerts.yml").read_text(encoding="utf-8") == made
    assert {kind.name for kind in conditions.TABLE.values()} == {rule["alert"] for rule in RULES}


def test_what_pages_by_the_rules_is_a_fault_of_the_doctor_and_the_other_way_round():
    """By alert, what each of its conditions is."""
    brought_about = [
        *(loud for _, loud, _ in test_conditions.BOUNDS),
        *(one for pair in test_conditions.HALF_AND_WHOLE for one in pair),
    ]
    told: dict[str, set[str]] = {}
    for seen in brought_about:
        for one in conditions.conditions(seen):
            told.setdefault(one.name, set()).add("page" if one.is_failure else "ticket")
    rules: dict[str, set[str]] = {}
    for rule in RULES:
        rules.setdefault(rule["alert"], set()).add(rule["labels"]["severity"])
    assert told == {name: rules[name] for name in told}
    assert rules.keys() - told.keys() == NOT_ASKED_OF_THE_STORE


def test_bounds_in_the_rules_are_those_of_the_doctor():
    for name, bound in (
        ("SmsgateInboxStuck", conditions.MAX_INBOX_AGE_S),
        ("SmsgateHoldStuck", conditions.MAX_HOLD_AGE_S),
        ("SmsgateOutboxStuck", conditions.MAX_OUTBOX_AGE_S),
        ("SmsgateDeliveriesStuck", conditions.MAX_DELIVERY_AGE_S),
        ("SmsgateRecordsLag", conditions.MAX_RECORDS_LAG_S),
        ("SmsgateLedgerFull", conditions.MEMORY_WARN_SHARE),
        ("SmsgateLedgerFull", conditions.MEMORY),
        ("SmsgateRefusedBurst", conditions.MAX_REFUSED_REQUESTS),
        ("SmsgateOptOutListFails", conditions.MAX_OPT_OUT_LIST_FAILING_S),
    ):
        told = [rule["expr"] for rule in RULES if rule["alert"] == name]
        assert any(re.search(rf">=? {bound:g}\b", one) for one in told), name
