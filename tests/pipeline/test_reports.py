"""What a provider tells of texts of ours: an opt-out that only it knew suppresses here too."""

from __future__ import annotations

import pytest

from smsgate.domain.messages import ALL, Arrival
from smsgate.pipeline.provider_reports import report_entry
from smsgate.providers.base import Report
from smsgate.store.keys import partition_of
from tests.fakes.values import NUMBER


@pytest.mark.parametrize(("kind", "allowed"), [("opted_out", False), ("unreachable", True)])
def test_only_a_report_of_an_opt_out_suppresses(services, kind, allowed):
    report = Report("SM1", NUMBER, "+14155550999", kind, "21610", "says the provider")
    account = services.settings.accounts["twilio"]
    entry = report_entry(services.settings, account, report)
    services.store.inbox.add([Arrival(entry)])
    services.applier.drain(partition_of(NUMBER))

    assert entry.scope == ("" if allowed else ALL)
    assert services.gate.check([NUMBER], program="alerts")[0].allowed is allowed
    assert services.history.of_number(NUMBER)[0].entry.source == "provider"
