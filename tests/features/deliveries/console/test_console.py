"""The page of deliveries that failed: seen by all, settled by agents."""

from __future__ import annotations

import json
import time

import pytest

from smsgate.records.deliveries import Delivery, Destination
from tests.fakes.pages import words

DELIVERIES = "/console/deliveries"
FAILED = f"{DELIVERIES}?state=failed"
FEED = Destination("alerts", "change")


@pytest.fixture
def failed(services) -> list[str]:
    """The ids of changes that a feed did not accept for a day."""
    storage, now_us = services.records.deliveries, time.time_ns() // 1000
    storage.acquire(FEED, "tests", now_us, now_us, {})
    some = [
        Delivery(
            id=f"019abc-{place}",
            program="alerts",
            kind="change",
            number=f"+1415555012{place}",
            partition=0,
            seq=place,
            body='{"data": {"reason": "opted_out"}}',
            made_us=now_us,
            tries=9,
            failed=True,
            note="answered 500",
        )
        for place in range(3)
    ]
    storage.advance(FEED, {}, {0: 3}, some)
    return [one.id for one in some]


def test_what_failed_is_seen_by_viewers_and_settled_by_agents(
    services, viewer, agent, failed
) -> None:
    page = words(viewer.get(FAILED))
    assert "+1 415-555-0120" in page
    assert "answered 500" in page
    assert "Retry" not in viewer.get(FAILED).text.partition("<table")[2]
    form = {"row": json.dumps({"id": failed[0]})}
    assert viewer.post(f"{DELIVERIES}/retry", form).status_code == 403

    assert agent.post(f"{DELIVERIES}/retry", form).status_code == 303
    form = {"row": json.dumps({"id": failed[1]})}
    assert agent.post(f"{DELIVERIES}/dismiss", form).status_code == 303
    assert agent.post(f"{DELIVERIES}/dismiss", form).status_code == 404
    assert [one.id for one in services.records.deliveries.page(failed=False)] == [failed[0]]
    assert [one.id for one in services.records.deliveries.page(failed=True)] == [failed[2]]
    assert services.store.backlog.deliveries().failed == 1  # for the menu
