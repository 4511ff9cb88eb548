"""Keyword sets in the console: owned once, tried on what was received, and never lost."""

from __future__ import annotations

import tomllib

import pytest

from smsgate.content_versions import ContentVersions
from smsgate.domain.errors import ConfigurationError, NotFound, Unfit
from smsgate.domain.messages import Intent
from smsgate.features.keyword_editor.replay import PAGE_SIZE
from smsgate.features.keyword_editor.service import KeywordEditor, KeywordSetInfo
from tests.fakes.own_services import make_part, make_services
from tests.fakes.understanding import TWO, understanding
from tests.fakes.values import decision, entry
from tests.records.values import event, lines


def with_row(name, words="", intent="opt_out"):
    empty = KeywordSetInfo(name, "shipped", "", 0, "", (), "")
    return empty.with_keyword(intent=intent, words=words) if words else empty.editable


@pytest.fixture
def files():
    """Sets that are files when the process reads its configuration."""
    return {}


@pytest.fixture
def toml():
    """Two programs, of which one has the set ``zu``."""
    return TWO


@pytest.fixture
def services(tmp_path, redis_url, files, toml):
    made = make_services(tmp_path, redis_url, toml)
    folder = made.settings.config_dir / "keywords"
    folder.mkdir()
    for name, content in files.items():
        (folder / f"{name}.toml").write_text(content, "utf-8")
    made.records.migrate()
    yield understanding(made)
    made.close()


@pytest.fixture
def editing(services):
    return make_part(services, KeywordEditor)


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
    newest, oldest = ContentVersions(editing.records, "keywords").of("zu", 9)
    assert (newest.version, newest.author, newest.note) == (2, "bob", "")
    assert (oldest.version, oldest.author, oldest.note) == (1, "ann", "heard it")
    assert editing.restore("zu", 1, 2, "ann").content == first.content
    with pytest.raises(NotFound):
        editing.restore("zu", 9, 3, "ann")


@pytest.mark.parametrize("files", [{"zu": with_row("zu", "blim")}])
def test_the_consoles_set_replaces_a_file_as_a_whole_until_it_is_reverted(editing, files):
    info = editing.find("zu")
    assert (info.owner, info.content, info.editable) == ("file", files["zu"], files["zu"])
    assert info.place == info.file
    effect = editing.try_content("zu", with_row("zu", "blam"), 1)
    assert effect.added == ["blam (opt_out, whole, low risk)"]
    assert effect.removed == ["blim (opt_out, whole, low risk)"]
    editing.save("zu", with_row("zu", "blam"), 0, "ann", "")
    saved = editing.find("zu")
    assert (saved.owner, saved.version, saved.file) == ("console", 1, info.file)
    editing.restore("zu", 0, 1, "ann")
    reverted = editing.find("zu")
    assert (reverted.owner, reverted.version, reverted.content) == ("file", 2, files["zu"])
    assert editing.save("zu", with_row("zu", "blam"), 2, "ann", "").version == 3


@pytest.mark.parametrize("name", ["../es", "xx", "", "a/b", "_grammar", "zu.toml", "zu\n", "*"])
def test_there_are_no_other_sets(editing, name):
    with pytest.raises(NotFound):
        editing.save(name, with_row("zu", "blim"), 0, "ann", "")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('language = "en"\nextends = true\nwithout = "QUIT"\n', "federal rule"),
        ('language = "en"\n', "federal rule"),
        (with_row("en", "STOP", intent="opt_in"), "one intent"),
        (with_row("en", "STOP", intent="none"), "but opt_out .STOP. in shipped"),
        (with_row("en", "HELP"), "people are told to text it"),
        (with_row("en", "blim", intent="nonsense"), "nonsense"),
        ("language = ", "is no TOML"),
        (f"x = {'{a=' * 5_000}", "nested too deeply"),
        (f"x = {'9' * 5_000}", "is no TOML"),
        ('language = "zu"\n', "must be 'en'"),
    ],
)
def test_what_would_not_start_is_not_saved(editing, content, said):
    with pytest.raises(ConfigurationError, match=said):
        editing.save("en", content, 0, "ann", "", sure=True)
    assert ContentVersions(editing.records, "keywords").newest() == []


def test_faults_of_other_sets_hinder_too(services, editing):
    ContentVersions(services.records, "keywords").add("en", "x = ", 0, "ann")
    with pytest.raises(ConfigurationError, match="is no TOML"):
        editing.save("zu", with_row("zu", "blim"), 0, "ann", "")


def test_nothing_changed_is_nothing_to_save(editing):
    content = with_row("zu", "blim")
    editing.save("zu", content, 0, "ann", "")
    with pytest.raises(Unfit, match="Nothing"):
        editing.save("zu", content.replace("\n", "\r\n"), 1, "ann", "")


@pytest.mark.parametrize(
    "word", ['"', "\\", "'''", "[[entries]]", "#", "\x7f", "\t", "🛑", "</textarea><script>"]
)
def test_a_new_keyword_is_written_so_that_it_is_read_again_and_the_rest_stays(word):
    before = '# ours\nlanguage = "es"   # ya\n[[entries]]\nintent = "help"\nwords = "A"'
    info = KeywordSetInfo("es", "file", "", 0, "", (), before)
    after = info.with_keyword(intent="opt_out", words=f"x{word}y", note="")
    assert after.startswith(before)
    added = {"intent": "opt_out", "words": f"x{word}y"}
    assert tomllib.loads(after)["entries"] == [{"intent": "help", "words": "A"}, added]


# --- what was received --------------------------------------------------------------------------


def replayed(editing, content, timeout_s=60):
    return editing.try_content("zu", content, timeout_s)


def test_the_texts_that_would_be_decided_differently_are_counted_and_listed(services, editing):
    for at in range(20):
        text(services, "Blim!" if at % 2 else "see you", at)
    text(services, "blim", 1, program="orders")  # does not use the set
    services.store.sample_log.flush()
    found = replayed(editing, with_row("zu", "blim"))
    assert (found.looked, found.differ, found.stops, found.frees) == (20, 10, 10, 0)
    (change,) = found.changes
    shown = change.text, change.before, change.after, change.count
    assert shown == ("Blim!", "none", "opt_out", 10)
    assert found.is_complete


def test_texts_of_the_records_count_too_each_once(services, editing):
    kept = [event(at, text="yeka") for at in range(PAGE_SIZE + 1)]
    services.records.writer.keep({0: lines(*kept)})
    content = 'language = "zu"\nextends = true\nwithout = "YEKA"\n'
    found = replayed(editing, content)
    assert (found.looked, found.differ, found.frees) == (len(kept), len(kept), len(kept))


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
    found = replayed(editing, with_row("zu", "blim") + 'countries = ["+86"]\n')
    assert sorted((one.after, one.count) for one in found.changes) == [
        ("opt_out", 2),
        ("review", 1),
    ]


def test_a_replay_that_ends_in_time_says_that_it_is_a_sample(services, editing):
    for at in range(3 * PAGE_SIZE):
        text(services, f"blim {at}", at)
    services.store.sample_log.flush()
    found = replayed(editing, with_row("zu", "blim"), 0)
    assert not found.is_complete
    assert found.looked < 3 * PAGE_SIZE


@pytest.mark.parametrize("files", [{"zu": with_row("zu", "blim"), "en": with_row("en", "blim")}])
@pytest.mark.parametrize("toml", [TWO.replace('["en"]', '["en", "zu"]')])
def test_a_keyword_that_one_program_keeps_is_named_when_another_loses_it(editing, files, toml):
    assert editing.find("zu").programs == ("alerts", "orders")
    effect = editing.try_content("zu", with_row("zu", "blam"), 1)
    assert effect.removed == ["blim (opt_out, whole, low risk)"]
