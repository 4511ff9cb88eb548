"""The files for Prometheus and Grafana name only metrics that there are."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from smsgate.metrics.counters import FAMILIES
from smsgate.web import create_app

DOCS = Path(__file__).parents[3] / "docs"
RULES = yaml.safe_load((DOCS / "alerts.yml").read_text(encoding="utf-8"))["groups"][0]["rules"]
BOARD = json.loads((DOCS / "grafana.json").read_text(encoding="utf-8"))
EXPRESSIONS = [
    *(rule["expr"] for rule in RULES),
    *(target["expr"] for panel in BOARD["panels"] for target in panel["targets"]),
]


@pytest.fixture
def told(services) -> set[str]:
    """The name of every sample that ``/metrics`` has where everything has happened once."""
    for family in FAMILIES:
        if family.buckets:
            services.store.metrics.took(family, 0.1, *family.labels)
        else:
            services.store.metrics.count(family, *family.labels)
    services.store.metrics.flush()
    services.store.backlog.note_spool("web-1", 1, 1.0)
    services.store.acceptance.note("twilio", newest=True, several=False)
    client = create_app(services).test_client()
    answer = client.get(
        "/metrics", headers={"Authorization": "Bearer a-key-that-is-long-enough-for-tests"}
    )
    families = text_string_to_metric_families(answer.text)
    return {sample.name for family in families for sample in family.samples}


def test_every_metric_in_a_rule_or_panel_is_one_that_is_told(told):
    wanted = {name for one in EXPRESSIONS for name in re.findall(r"\bsmsgate_[a-z_]+", one)}
    assert len(wanted) > 20
    assert wanted <= told


def test_every_metric_is_explained(told):
    page = (DOCS / "metrics.md").read_text(encoding="utf-8")
    names = {re.sub(r"_(bucket|count|sum)$", "", name) for name in told}
    assert not {name for name in names if f"`{name}" not in page}


def test_whatever_holds_raises_the_rule_of_conditions():
    rules = {rule["alert"]: rule for rule in RULES}
    assert rules["SmsgateCondition"]["expr"] == "smsgate_conditions > 0"
