"""The page of deliveries that failed: seen by all, settled by agents."""

from __future__ import annotations

import html
import json
import re
import time

import pytest
from sqlalchemy import select

from smsgate.interface.pages import MAX_ACTIONS
from smsgate.records.deliveries import Delivery, Destination
from smsgate.records.reader import rows_of
from smsgate.records.tables import operator_actions
from tests.fakes.pages import words

DELIVERIES = "/console/deliveries"
FAILED = f"{DELIVERIES}?state=failed"


def add_failed(services, program: str, count: int) -> list[str]:
    """Changes that a program's feed did not accept for a day; gives their ids."""
    storage, now_us = services.records.deliveries, time.time_ns() // 1000
    feed = Destination(program, "change")
    storage.acquire(feed, "tests", now_us, now_us, 0)
    some = [
        Delivery(
            id=f"{program}-{place}",
            program=program,
            kind="change",
            number=f"+1415555{place:04d}",
            partition=0,
            seq=place,
            body='{"data": {"reason": "opted_out"}}',
            made_us=now_us,
            tries=9,
            failed=True,
            note="answered 500",
        )
        for place in range(count)
    ]
    storage.advance(feed, 0, count, some)
    return [one.id for one in some]


@pytest.fixture
def failed(services) -> list[str]:
    return add_failed(services, "alerts", 3)


def test_what_failed_is_seen_by_viewers_and_settled_by_agents(
    services, viewer, agent, failed
) -> None:
    page = words(viewer.get(FAILED))
    assert "+1 415-555-0000" in page
    assert "answered 500" in page
    assert "opted out of this program" in page
    assert "Retry" not in viewer.get(FAILED).text.partition("<table")[2]
    form = {"row": json.dumps({"id": failed[0]})}
    assert viewer.post(f"{DELIVERIES}/retry", form).status_code == 403

    assert agent.post(f"{DELIVERIES}/retry", form).status_code == 303
    form = {"row": json.dumps({"id": failed[1]})}
    assert agent.post(f"{DELIVERIES}/dismiss", form).status_code == 303
    assert agent.post(f"{DELIVERIES}/dismiss", form).status_code == 404
    assert [one.id for one in services.records.deliveries.page(failed=False)[0]] == [failed[0]]
    assert [one.id for one in services.records.deliveries.page(failed=True)[0]] == [failed[2]]
    assert services.store.delivery_counts.read().failed == 1  # for the menu


def test_what_is_done_to_many_rows_is_one_action_of_the_audit_log(services, agent) -> None:
    *ids, gone, left = add_failed(services, "alerts", MAX_ACTIONS + 1)
    asked = agent.post(f"{DELIVERIES}/dismiss", {"all": "yes", "filters": "state=failed"})
    rows = [html.unescape(one) for one in re.findall(r'name="row" value="([^"]*)"', asked.text)]
    services.records.deliveries.dismiss([gone])
    answer = agent.post(f"{DELIVERIES}/dismiss", {"filters": "state=failed", "row": rows})
    page = words(agent.get(answer.location))
    assert "Dismissed: 899 rows." in page
    assert "No longer in this list, and not changed: 1." in page
    assert [one.id for one in services.records.deliveries.page(failed=True)[0]] == [left]
    asked = select(operator_actions).where(operator_actions.c.what == "dismissed a delivery")
    (action,) = rows_of(services.records.database, asked)
    assert action.note == ", ".join(ids)


def test_a_filter_and_the_csv_reach_every_row(services, agent) -> None:
    add_failed(services, "alerts", 2_010)
    add_failed(services, "orders", 2)
    page = words(agent.get(f"{FAILED}&program=orders"))
    assert "2 rows" in page
    assert "+1 415-555-0001" in page
    file = agent.get(f"{FAILED}&csv=yes").text
    assert file.count("answered 500") == 2_012
    assert "orders-1" in file
    some, count = services.records.deliveries.page(failed=True, among=frozenset({"orders"}))
    assert [one.id for one in some] == ["orders-0", "orders-1"]
    assert count == 2
