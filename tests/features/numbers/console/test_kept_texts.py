"""A number's page with ordinary texts that the store has no more and the records keep."""

from __future__ import annotations

import pytest

from smsgate.domain.errors import RecordsUnavailable
from smsgate.domain.messages import Intent
from smsgate.pipeline.text_archive import TextArchiver
from smsgate.records.ordinary_texts import OrdinaryTexts
from smsgate.store.keys import PARTITION_KEYS, partition_of
from tests.fakes.browser import browser
from tests.fakes.own_services import ALERTS, HERE, make_services
from tests.fakes.pages import words
from tests.fakes.processes import wait_until
from tests.fakes.values import NUMBER, entry

PAGE = f"/console/numbers/{NUMBER}"
KEEPING = '[retention]\nconversations = "90 days"\n'


@pytest.fixture
def keeping(folder, redis_url, operator, services):
    """Services that keep ordinary texts, and a viewer on them."""
    made = make_services(folder, redis_url, ALERTS + KEEPING, init=False, **HERE)
    who = browser(made)
    assert who.sign_in(operator("viewer", "viewer")).status_code == 303
    yield made, who
    made.close()


def note(services, text):
    services.store.sample_log.note(entry(Intent.NONE, text=text))
    services.store.sample_log.flush()
    written_ms = services.store.health.now_us() // 1000
    assert wait_until(lambda: services.store.health.now_us() // 1000 > written_ms)


def trim(services, redis_client) -> None:
    """Let the sample log forget all that it has."""
    TextArchiver(services.store, services.records).move()
    redis_client.delete(PARTITION_KEYS[partition_of(NUMBER)].sample_log)


def test_texts_that_the_store_has_no_more_are_shown_once_and_in_order(keeping, redis_client):
    services, viewer = keeping
    note(services, "the first of all")
    trim(services, redis_client)
    note(services, "the second")
    TextArchiver(services.store, services.records).move()
    note(services, "the third")
    page = words(viewer.get(PAGE))
    places = [page.index(f"the {one}") for one in ("third", "second", "first of all")]
    assert places == sorted(places)
    assert page.count("the second") == 1, "it is in both"


def test_without_the_key_they_are_not_shown(keeping, services, redis_client, viewer_of):
    note(services, "the first of all")
    trim(services, redis_client)
    assert "the first of all" not in words(viewer_of(services).get(PAGE))


@pytest.fixture
def viewer_of(operator):
    """Signs another viewer in."""

    def enter(services):
        who = browser(services)
        assert who.sign_in(operator("second", "viewer")).status_code == 303
        return who

    return enter


def test_while_the_records_are_away_it_says_what_is_missing(keeping, monkeypatch):
    services, viewer = keeping
    note(services, "the newest")

    def away(*_):
        raise RecordsUnavailable("the records cannot be used: away")

    monkeypatch.setattr(OrdinaryTexts, "of_number", away)
    page = words(viewer.get(PAGE))
    assert "Older ordinary texts cannot be shown: the records cannot be used: away." in page
    assert "the newest" in page
