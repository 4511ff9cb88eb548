"""The counts in the menu."""

from __future__ import annotations

import re

import msgspec

from smsgate.consent.events import DeadLetter
from smsgate.domain.errors import StoreUnavailable
from smsgate.domain.messages import Reply
from smsgate.store.keys import PARTITION_KEYS
from smsgate.store.reader import BacklogReader
from smsgate.web.console.app import BADGES
from tests.fakes.pages import waits
from tests.fakes.values import OTHER

REPLY = Reply("3-1-0", "help", "twilio", OTHER, "+14155550999", "alerts", "text", 0)


def shown(page: str) -> dict[str, str]:
    """By path the counts that are seen."""
    return dict(re.findall(r'data-badge="([^"]+)">([^<]+)<', page))


def test_the_menu_counts_what_waits_for_a_person(services, signed_in, redis_client):
    waits(services)
    waits(services, "hm?", OTHER)
    letter = msgspec.json.encode(DeadLetter(REPLY, "refused", "", 1))
    redis_client.hset(PARTITION_KEYS[3].dead, REPLY.id, letter)
    counts = {"/console/review": 2, "/console/replies": 1, "/console/deliveries": 0}
    assert signed_in("viewer").get(BADGES).json == counts


def test_a_page_shows_them(services, viewer):
    waits(services)
    assert shown(viewer.get("/console/me").text) == {"/console/review": "1"}
    assert viewer.get(BADGES).json["/console/review"] == 1


def test_they_are_for_those_who_are_signed_in(visitor):
    assert visitor.get(BADGES).status_code == 303


def test_a_store_that_is_away_shows_none(viewer, monkeypatch):
    def away(_):
        raise StoreUnavailable("away")

    monkeypatch.setattr(BacklogReader, "attention", away)
    page = viewer.get("/console/me")
    assert page.status_code == 200
    assert shown(page.text) == {}
