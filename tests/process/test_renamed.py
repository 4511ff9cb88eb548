"""A program that is called otherwise from now on: whoever opted out of it stays opted out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from smsgate.domain.entry_parts import Consent
from smsgate.domain.errors import RestoreRefused
from smsgate.domain.messages import ALL, Arrival, Decision, Entry, Intent
from smsgate.features.lists.import_undo import undo_list
from smsgate.features.records_admin.rebuild import RebuildService
from smsgate.process.published_programs import publish_programs
from smsgate.process.services import Services
from smsgate.store.keys import partition_of
from tests.fakes import manual
from tests.fakes.listed_numbers import import_numbers, importer_of, list_entry
from tests.fakes.own_services import ALERTS, make_services
from tests.fakes.told import told
from tests.fakes.values import NUMBER

OLD = ALERTS + 'scope = "program"\n'
NEW = OLD.replace("programs.alerts", "programs.news") + 'formerly = ["alerts"]\n'
OTHER = "+14155550199"
Opened = Callable[..., Services]


@pytest.fixture
def opened(tmp_path: Path, redis_url: str) -> Iterator[Opened]:
    made: list[Services] = []

    def open_(toml: str, *, init: bool = False) -> Services:
        made.append(make_services(tmp_path, redis_url, toml, init=init))
        return made[-1]

    yield open_
    for one in made:
        one.close()


@pytest.fixture
def renamed(opened: Opened) -> Services:
    """``NUMBER`` opted out of ``alerts``, which is ``news`` now."""
    old = opened(OLD, init=True)
    by_hand(old, "suppress", "alerts")
    assert blocked(old, NUMBER, "alerts")
    new = opened(NEW)
    publish_programs(new.settings, new.store)
    return new


def by_hand(services: Services, action: str, scope: str, number: str = NUMBER) -> None:
    if action == "suppress":
        manual.opt_out(services, number, scope, "me", "asked")
    else:
        manual.restore(services, number, scope, "me", "asked")
    services.applier.drain(partition_of(number))


def blocked(services: Services, number: str, program: str = "news") -> bool:
    return services.gate.check([number], program=program)[0].allowed is False


def test_who_comes_back_is_not_taken_out_again(renamed: Services) -> None:
    by_hand(renamed, "restore", "news")
    publish_programs(renamed.settings, renamed.store)
    assert not blocked(renamed, NUMBER)


def test_what_a_process_of_yesterday_applies_is_moved_too(
    renamed: Services, opened: Opened
) -> None:
    by_hand(opened(OLD), "suppress", "alerts", OTHER)
    publish_programs(renamed.settings, renamed.store)
    assert blocked(renamed, OTHER)


def test_a_return_of_yesterday_is_not_moved_over_a_newer_opt_out(
    renamed: Services, opened: Opened
) -> None:
    old = opened(OLD)
    by_hand(old, "suppress", "all", OTHER)
    by_hand(old, "restore", "alerts", OTHER)
    publish_programs(renamed.settings, renamed.store)
    assert blocked(renamed, OTHER)


def test_a_text_that_waits_for_a_person_goes_on_to_hold(opened: Opened) -> None:
    old = opened(OLD, init=True)
    entry = Entry(NUMBER, "alerts", Decision(Intent.REVIEW, rule="unsure"), text="hm")
    old.store.inbox.add([Arrival(entry)])
    old.applier.drain(partition_of(NUMBER))
    new = opened(NEW)
    publish_programs(new.settings, new.store)
    assert blocked(new, NUMBER)
    (waiting,) = new.store.inbox_reader.open_reviews_of(NUMBER)
    manual.reviews(new).decide("none", NUMBER, "news", "me", waiting.key)
    new.applier.drain(partition_of(NUMBER))
    assert not blocked(new, NUMBER)


def test_a_rebuild_knows_the_new_name(opened: Opened) -> None:
    old = opened(OLD, init=True)
    old.records.migrate()
    old.archiver.move()
    by_hand(old, "suppress", "alerts")
    old.archiver.move()
    new = opened(NEW)
    new.store.metadata._client.flushall()
    RebuildService(new.settings, new.archiver).rebuild(lambda *_: None)
    assert blocked(new, NUMBER)


def text(services: Services, intent: Intent, number: str = OTHER) -> None:
    """A text that a process took which knows the program by the gateway's configuration."""
    (program,) = services.settings.programs
    scope = program.name if intent.stops else ""
    entry = Entry(number, program.name, Decision(intent, rule="keyword"), scope=scope, text="hm")
    services.store.inbox.add([Arrival(entry)])


def test_a_hold_under_the_former_name_blocks(renamed: Services, opened: Opened) -> None:
    text(opened(OLD), Intent.OPT_OUT)
    assert renamed.gate.check([OTHER], program="news")[0].reason == "hold"
    text(opened(OLD), Intent.REVIEW, "+14155550198")
    assert renamed.gate.check(["+14155550198"], program="news")[0].reason == "review"


def test_what_was_applied_under_the_former_name_blocks_before_it_is_moved(
    renamed: Services, opened: Opened
) -> None:
    by_hand(opened(OLD), "suppress", "alerts", OTHER)
    asked = [OTHER, NUMBER, "+14155550198"]
    reasons = [one.reason for one in renamed.gate.check(asked, program="news")]
    assert reasons == ["opted_out", "opted_out", ""]


def test_who_asks_by_the_former_name_hears_the_same(renamed: Services, opened: Opened) -> None:
    assert blocked(renamed, NUMBER, "alerts")
    assert blocked(opened(OLD), NUMBER, "alerts")
    text(renamed, Intent.OPT_OUT)
    assert blocked(renamed, OTHER, "alerts")
    assert not blocked(renamed, "+14155550198", "alerts")


def test_an_entry_under_the_former_name_is_applied_under_the_new_one_in_its_order(
    renamed: Services, opened: Opened
) -> None:
    text(opened(OLD), Intent.OPT_OUT)
    renamed.applier.drain(partition_of(OTHER))
    assert renamed.gate.check([OTHER], program="news")[0].reason == "opted_out"
    text(opened(OLD), Intent.OPT_OUT, "+14155550198")
    text(renamed, Intent.OPT_IN, "+14155550198")
    renamed.applier.drain(partition_of("+14155550198"))
    assert not blocked(renamed, "+14155550198")
    publish_programs(renamed.settings, renamed.store)
    assert not blocked(renamed, "+14155550198")


def test_a_return_lifts_what_was_applied_under_the_former_name_and_not_moved_yet(
    renamed: Services, opened: Opened
) -> None:
    by_hand(opened(OLD), "suppress", "alerts", OTHER)
    text(renamed, Intent.OPT_IN)
    renamed.applier.drain(partition_of(OTHER))
    publish_programs(renamed.settings, renamed.store)
    assert not blocked(renamed, OTHER)


def test_an_older_return_is_stale_under_the_new_name_too(opened: Opened) -> None:
    old = opened(OLD, init=True)
    stop = Entry(
        NUMBER, "alerts", Decision(Intent.OPT_OUT, rule="keyword"), scope="alerts", account="twilio"
    )
    old.store.inbox.add([Arrival(stop)])
    old.applier.drain(partition_of(NUMBER))
    new = opened(NEW)
    publish_programs(new.settings, new.store)
    start = Entry(NUMBER, "news", Decision(Intent.OPT_IN, rule="keyword"), account="twilio")
    new.store.inbox.add([Arrival(start, sent_us=1_000_000 * int(time.time() - 60))])
    new.applier.drain(partition_of(NUMBER))
    assert blocked(new, NUMBER)


CLUB = (
    ALERTS
    + """
[programs.club]
name     = "Acme Club"
account  = "twilio"
senders  = ["+14155550777"]
keywords = ["en"]
require_consent = true
"""
)
TEAM = CLUB.replace("[programs.club]", '[programs.team]\nformerly = ["club"]')


def test_a_mistake_gives_back_a_consent_of_before_the_renaming(opened: Opened) -> None:
    old = opened(CLUB, init=True)
    old.records.migrate()
    agreed = Consent("Text me", "web", "/join", 1)
    manual.record_consent(old, NUMBER, "club", agreed, "operator", "me")
    by_hand(old, "suppress", "all")
    new = opened(TEAM)
    publish_programs(new.settings, new.store)
    by_hand(new, "restore", "team")
    assert not blocked(new, NUMBER, "team")
    assert new.history.of_number(NUMBER)[-1].consent_state.consents == {"team"}


def test_who_came_back_before_the_renaming_may_be_opted_out_by_mistake(opened: Opened) -> None:
    old = opened(CLUB, init=True)
    old.records.migrate()
    told(old, Intent.OPT_OUT)
    told(old, Intent.OPT_IN, program="club")
    new = opened(TEAM)
    publish_programs(new.settings, new.store)
    by_hand(new, "suppress", "team")
    by_hand(new, "restore", "team")
    assert not blocked(new, NUMBER, "team")
    with pytest.raises(RestoreRefused, match="opted out itself"):
        manual.restore(new, NUMBER, ALL, "me", "asked")


@pytest.mark.parametrize("renamed_before", [True, False])
def test_an_import_is_undone_across_a_renaming(opened: Opened, renamed_before: bool) -> None:
    old = opened(CLUB, init=True)
    old.records.migrate()
    told(old, Intent.OPT_OUT)
    told(old, Intent.OPT_IN, program="club")
    new = opened(TEAM)
    importer, program = (new, "team") if renamed_before else (old, "club")
    if renamed_before:
        publish_programs(new.settings, new.store)
    listing = list_entry(program, "opted_out", "me", "import-1", "stopped.csv")
    import_numbers(importer, [NUMBER], listing)
    importer_of(importer).record(listing, "")
    publish_programs(new.settings, new.store)
    assert blocked(new, NUMBER, "team")
    summary = undo_list(
        importer_of(new), "import-1", lambda *_: None, actor="me", reason="the wrong file"
    )
    assert summary.outcomes == {"undone": 1}
    assert not blocked(new, NUMBER, "team")
    assert blocked(new, NUMBER, "alerts")
