"""Keyword sets in the console: owned once, tried on what was received, and never lost."""

from __future__ import annotations

import pytest

from smsgate.domain.errors import ConfigurationError, ContentChanged
from smsgate.domain.messages import Intent
from smsgate.features.keyword_editor import service as keyword_editing
from smsgate.features.keyword_editor.errors import KeywordSetUnfit, NoSuchKeywordSet
from smsgate.features.keyword_editor.replay import (
    PAGE_SIZE,
    ReadPosition,
    TextSource,
    parse_position,
)
from smsgate.features.keyword_editor.service import MAX_BYTES, KeywordEditor
from smsgate.features.keyword_editor.set_text import KeywordRow, edit_set, empty_set
from smsgate.records import ContentVersion
from smsgate.store.keys import PARTITIONS
from tests.fakes.own_services import make_services
from tests.fakes.understanding import TWO, understanding
from tests.fakes.values import decision, entry
from tests.records.values import event, lines


def with_row(name, *words, intent="opt_out"):
    return edit_set(empty_set(name), [KeywordRow(word, intent) for word in words], "")


@pytest.fixture
def files():
    """Sets that are files when the process reads its configuration."""
    return {}


@pytest.fixture
def services(tmp_path, redis_url, files):
    made = make_services(tmp_path, redis_url, TWO)
    folder = made.settings.config_dir / "keywords"
    folder.mkdir()
    for name, content in files.items():
        (folder / f"{name}.toml").write_text(content, "utf-8")
    made.records.migrate()
    yield understanding(made)
    made.close()


@pytest.fixture
def editing(services):
    return KeywordEditor(services)


def text(services, said, at=0, **rest):
    """An ordinary text in the sample log."""
    rest = {"program": "alerts", "decision": decision(Intent.NONE, rule="nothing_known")} | rest
    services.store.sample_log.note(entry(number=f"+1415555{at:04d}", text=said, **rest))


def test_a_saved_set_is_the_consoles_and_its_versions_stay(editing):
    assert editing.find("zu").owner == "shipped"
    first = editing.save("zu", with_row("zu", "blim"), 0, "ann", "  heard it ")
    second = editing.save("zu", with_row("zu", "blam"), 1, "bob", "")
    info = editing.find("zu")
    assert (info.owner, info.version, info.content) == ("console", 2, second.content)
    assert info.programs == ("alerts",)
    assert [(one.version, one.author, one.note) for one in editing.history("zu")] == [
        (2, "bob", ""),
        (1, "ann", "heard it"),
    ]
    assert editing.version("zu", 1) == first
    assert editing.version("zu", 0).content == ""
    with pytest.raises(NoSuchKeywordSet):
        editing.version("zu", 3)


def test_of_two_editors_the_second_is_told_and_nothing_is_lost(editing):
    editing.save("zu", with_row("zu", "blim"), 0, "ann", "")
    with pytest.raises(ContentChanged, match="version 1"):
        editing.save("zu", with_row("zu", "blam"), 0, "bob", "")
    assert "blim" in editing.find("zu").content


@pytest.mark.parametrize("files", [{"zu": with_row("zu", "blim")}])
def test_the_consoles_set_replaces_a_file_as_a_whole_until_it_is_reverted(editing, files):
    info = editing.find("zu")
    assert (info.owner, info.content, info.editable) == ("file", files["zu"], files["zu"])
    assert info.place == info.file
    copy = editing.draft("zu", with_row("zu", "blam"))
    assert [copy.classifier("alerts").classify(one).intent for one in ("blam", "blim")] == [
        "opt_out",
        "none",
    ]
    editing.save("zu", with_row("zu", "blam"), 0, "ann", "")
    saved = editing.find("zu")
    assert (saved.owner, saved.version, saved.file) == ("console", 1, info.file)
    editing.save("zu", "", 1, "ann", "")
    assert (editing.find("zu").owner, editing.find("zu").content) == ("file", files["zu"])


def test_a_set_that_was_given_up_begins_again_with_the_next_version(editing):
    editing.save("zu", with_row("zu", "blim"), 0, "ann", "")
    editing.save("zu", "", 1, "ann", "")
    info = editing.find("zu")
    assert (info.owner, info.version, info.editable) == ("shipped", 2, empty_set("zu"))
    assert editing.save("zu", with_row("zu", "blam"), 2, "ann", "").version == 3


@pytest.mark.parametrize("name", ["../es", "xx", "", "a/b", "_grammar", "zu.toml", "zu\n", "*"])
def test_there_are_no_other_sets(editing, name):
    with pytest.raises(NoSuchKeywordSet):
        editing.find(name)
    with pytest.raises(NoSuchKeywordSet):
        editing.save(name, with_row("zu", "blim"), 0, "ann", "")


WITHOUT = 'language = "en"\nextends = true\nwithout = "QUIT"\n'
TWICE = with_row("en", "STOP", intent="opt_in")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (WITHOUT, "federal rule"),
        ('language = "en"\n', "federal rule"),
        (TWICE, "one intent"),
        (with_row("en", "STOP", intent="none"), "no effect"),
        (with_row("en", "HELP"), "people are told to text it"),
        ("language = ", "is no TOML"),
        (f"x = {'{a=' * 5_000}", "nested too deeply"),
        (f"x = {'9' * 5_000}", "is no TOML"),
        ('language = "zu"\n', "must be 'en'"),
        (empty_set("en") + '[[phrases]]\nmeans = "opt_out"\nany = "{nowhere} blim"\n', "no class"),
    ],
)
def test_what_would_not_start_is_not_saved_and_said_at_once(editing, content, said):
    draft = editing.draft("en", content)
    faults = draft.faults()
    assert said in str(faults[0])
    assert draft.quick_faults() == faults
    with pytest.raises(ConfigurationError, match=said):
        editing.save("en", content, 0, "ann", "", sure=True)
    assert editing.history("en") == []


def test_faults_of_other_sets_hinder_too(services, editing):
    broken = ContentVersion("en", 1, "x = ", "ann", 1)
    services.records.keyword_versions.save(broken)
    with pytest.raises(ConfigurationError, match="is no TOML"):
        editing.save("zu", with_row("zu", "blim"), 0, "ann", "")


def test_nothing_changed_is_nothing_to_save(editing):
    content = with_row("zu", "blim")
    editing.save("zu", content, 0, "ann", "")
    with pytest.raises(KeywordSetUnfit, match="Nothing"):
        editing.save("zu", content.replace("\n", "\r\n"), 1, "ann", "")


def test_each_draft_is_what_it_says_beside_what_the_console_has_now(editing):
    def said(draft, word):
        return draft.classifier("alerts").classify(word).intent

    first = editing.draft("zu", with_row("zu", "blim"))
    assert said(first, "blim") == "opt_out"
    assert editing.draft("zu", with_row("zu", "blim")) is first
    second = editing.draft("zu", with_row("zu", "blam"))
    assert (said(second, "blim"), said(second, "blam")) == ("none", "opt_out")
    editing.save("und", with_row("und", "blom"), 0, "ann", "")
    assert said(editing.draft("zu", with_row("zu", "blam")), "blom") == "opt_out"


def test_a_set_that_is_too_large_for_the_console_belongs_into_a_file(editing):
    content = with_row("zu", "ж" * (MAX_BYTES // 2))
    with pytest.raises(KeywordSetUnfit, match=r"keywords/zu\.toml"):
        editing.draft("zu", content)
    with pytest.raises(KeywordSetUnfit):
        editing.save("zu", content, 0, "ann", "")


# --- what was received --------------------------------------------------------------------------


def replayed(editing, content, name="zu"):
    return editing.replay(editing.draft(name, content), ReadPosition(), 60)


def test_the_texts_that_would_be_decided_differently_are_counted_and_listed(services, editing):
    for at in range(20):
        text(services, "Blim!" if at % 2 else "see you", at)
    text(services, "blim", 1, program="orders")  # does not use the set
    services.store.sample_log.flush()
    found = replayed(editing, with_row("zu", "blim"))
    assert (found.looked, found.differ, found.stops, found.frees) == (20, 10, 10, 0)
    ((change, count),) = found.changes.items()
    assert (change.text, change.before, change.after, count) == ("Blim!", "none", "opt_out", 10)
    assert found.position.ended


def test_texts_of_records_and_ledger_count_too_each_once(services, editing):
    moved, waits = event(1, text="yeka"), event(2, text="yeka")
    services.records.writer.keep({0: lines(moved)})
    for one in (moved, waits):
        services.store.ledger.append(0, one)
    content = 'language = "zu"\nextends = true\nwithout = "YEKA"\n'
    found = replayed(editing, content)
    assert (found.looked, found.differ, found.frees) == (2, 2, 2)


def test_what_the_provider_decided_stays_as_it_is(services, editing):
    text(services, "blim", decision=decision(Intent.OPT_OUT, rule="provider_flag"))
    services.store.sample_log.flush()
    found = replayed(editing, with_row("zu", "blim"))
    assert (found.looked, found.differ) == (1, 0)


def test_what_depends_on_the_country_is_decided_for_each(services, editing):
    for at, number in enumerate(("+8613800138000", "+14155550123", "+8613800138001")):
        services.store.sample_log.note(
            entry(number=number, text="blim", message_id=str(at), decision=decision(Intent.NONE))
        )
    services.store.sample_log.flush()
    content = with_row("zu", "blim") + 'countries = ["+86"]\n'
    found = replayed(editing, content)
    assert sorted((one.after, count) for one, count in found.changes.items()) == [
        ("opt_out", 2),
        ("review", 1),
    ]


def test_a_replay_stops_in_time_and_goes_on_where_it_stopped(services, editing):
    for at in range(3 * PAGE_SIZE):
        text(services, f"blim {at}", at)
    services.store.sample_log.flush()
    services.records.writer.keep(
        {0: lines(*(event(at, text="yeka") for at in range(PAGE_SIZE + 1)))}
    )
    draft = editing.draft("zu", with_row("zu", "blim"))
    position, looked, slices = ReadPosition(), 0, 0
    while not position.ended:
        found = editing.replay(draft, position, 0)
        assert parse_position(str(found.position)) == found.position
        assert found.position.share >= position.share
        position, looked, slices = found.position, looked + found.looked, slices + 1
    assert looked == 3 * PAGE_SIZE + PAGE_SIZE + 1
    assert slices > PARTITIONS
    assert position.share == 1


@pytest.mark.parametrize(
    "odd", ["", "x", "0||", "-1||0|", "0|(1-0|0|", "0||-2|", "9|1|2|3", f"0||0|{'9' * 30}:x"]
)
def test_a_place_that_is_none_is_the_beginning(odd):
    assert parse_position(odd) == ReadPosition()


def test_texts_are_read_from_the_store_while_the_records_are_away(services, tmp_path):
    text(services, "blim")
    services.store.sample_log.flush()
    services.store.ledger.append(0, event(1, text="yeka"))
    (tmp_path / "var" / "records.sqlite3").write_bytes(b"damaged" * 1000)
    pages = TextSource(services.store, services.records).pages(ReadPosition())
    assert {one.text for page, _ in pages for one in page} == {"blim", "yeka"}


def test_a_set_that_opts_out_everybody_wants_a_word_of_certainty(services, editing, monkeypatch):
    for at in range(200):
        text(services, "ok" if at % 4 else f"see you {at}", at)
    services.store.sample_log.flush()
    monkeypatch.setattr(keyword_editing, "SAMPLE_S", 60)
    content = with_row("zu", "ok, thanks")
    assert replayed(editing, content).is_alarming
    with pytest.raises(KeywordSetUnfit, match="many more people"):
        editing.save("zu", content, 0, "ann", "")
    assert editing.history("zu") == []
    assert editing.save("zu", content, 0, "ann", "", sure=True).version == 1
