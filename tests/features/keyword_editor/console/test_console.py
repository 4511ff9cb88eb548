"""Keywords in the console: what is in force, a text tried, sets changed, saved and undone."""

from __future__ import annotations

import html
import re

import pytest

from smsgate.content_versions import ContentVersions
from smsgate.domain.errors import RecordsUnavailable, StoreUnavailable
from smsgate.domain.messages import Intent
from smsgate.features.keyword_editor import console
from tests.fakes.own_services import HERE, make_services
from tests.fakes.understanding import TWO, understanding
from tests.fakes.values import decision, entry
from tests.features.keyword_editor.test_service import with_row

SETS = "/console/keywords/sets"
HTMX = {"HX-Request": "true"}
EVIL = '"><script>alert(1)</script>'


@pytest.fixture
def files():
    """Sets that are files when the process reads its configuration."""
    return {}


@pytest.fixture
def services(folder, redis_url, files):
    plain = make_services(folder, redis_url, TWO, **HERE)
    for name, content in files.items():
        (plain.settings.config_dir / "keywords").mkdir(exist_ok=True)
        (plain.settings.config_dir / "keywords" / f"{name}.toml").write_text(content, "utf-8")
    made = understanding(plain)
    yield made
    made.close()


def save(services, name, content, number=1, author="bob"):
    ContentVersions(services.records, "keywords").add(name, content, number - 1, author)


def said(answer):
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", answer.text)))


def content_in(answer):
    """The content that the form of the page would save."""
    found = re.search(r'name="content" value="([^"]*)"', answer.text)
    return html.unescape(found[1])


def test_a_text_is_explained_in_words_and_kept_nowhere(services, viewer):
    viewer.get("/console/keywords")
    data = {"text": "please stop", "program": "orders", "number": "+14155550123"}
    part = viewer.post("/console/keywords/try", data, headers=HTMX)
    assert "<html" not in part.text
    whole = viewer.post("/console/keywords/try", data)
    assert "<h1>Try a text</h1>" in whole.text
    for answer in (part, whole):
        assert "Opt-out: the program can no longer text the number" in said(answer)
        assert "keyword_politely" in answer.text
    assert services.store.inbox.busy() == []
    wrong = viewer.post("/console/keywords/try", data | {"number": "nobody"}, headers=HTMX)
    assert "is no phone number" in said(wrong)


CHANGES = (f"{SETS}/zu/check", f"{SETS}/zu/save", f"{SETS}/zu/undo", "/console/keywords/new")


@pytest.mark.parametrize("role", ["viewer", "agent"])
def test_only_admins_change_sets(services, signed_in, role):
    browser = signed_in(role)
    page = browser.get(f"{SETS}/zu")
    assert page.status_code == 200
    assert "Preview changes" not in page.text
    for path in CHANGES:
        data = {"content": with_row("zu", "blim"), "set": "zu", "version": "0"}
        assert browser.post(path, data).status_code == 403, path
    assert browser.get("/console/keywords/new").status_code == 403
    assert ContentVersions(services.records, "keywords").newest() == []


# --- a change, from the form to every process ---------------------------------------------------


@pytest.mark.parametrize("files", [{}, {"zu": "# ours\n" + with_row("zu", "blim")}])
def test_a_new_keyword_is_previewed_saved_with_its_author_and_reverted(services, admin, files):
    data = {"words": "blam", "intent": "help", "match": "anywhere", "set": "zu"}
    admin.get("/console/keywords/new")
    page = admin.post("/console/keywords/new", data)
    assert "Nothing is saved yet" in page.text
    assert "No conflicts" in page.text
    content = content_in(page)
    assert 'intent = "help"\nwords = "blam"\nmatch = "anywhere"' in content
    assert content.startswith(files.get("zu", "").rstrip())
    assert ContentVersions(services.records, "keywords").newest() == []

    saving = {"content": content, "base": "0", "note": "asked for"}
    answer = admin.post(f"{SETS}/zu/save", saving)
    assert (answer.status_code, answer.location) == (303, f"{SETS}/zu")
    (kept,) = ContentVersions(services.records, "keywords").newest()
    assert (kept.version, kept.author, kept.note) == (1, "admin", "asked for")
    page = admin.get(answer.location)
    assert "Saved." in page.text
    assert "asked for" in page.text
    assert ("replaces the file" in page.text) == bool(files)

    assert admin.post(f"{SETS}/zu/undo", {"version": "0", "base": "1"}).status_code == 303
    page = admin.get(f"{SETS}/zu")
    assert ("This set is a file" in page.text) == bool(files)


@pytest.mark.parametrize(
    ("content", "conflict"),
    [
        ('language = "en"\nextends = true\nwithout = "QUIT"\n', "federal rule"),
        ("words = [", "is no TOML"),
        ("", "Nothing has changed"),
        (with_row("en", "x" * 48_001), "make it a file"),
    ],
)
def test_conflicts_are_told_and_nothing_is_saved(services, admin, content, conflict):
    admin.get(f"{SETS}/en")
    data = {"content": content, "base": "0"}
    if content:
        assert conflict in said(admin.post(f"{SETS}/en/check", data))
    answer = admin.post(f"{SETS}/en/save", data)
    assert answer.status_code == 422
    assert conflict in said(answer)
    assert html.escape(content, quote=False)[:10] in answer.text
    assert ContentVersions(services.records, "keywords").newest() == []


def test_of_two_editors_the_second_is_told_and_goes_on_with_both(services, admin):
    admin.get(f"{SETS}/zu")
    mine = with_row("zu", "mine")
    save(services, "zu", with_row("zu", "theirs"))
    answer = admin.post(f"{SETS}/zu/save", {"content": mine, "base": "0"})
    assert answer.status_code == 409
    assert "Someone else saved zu while you worked" in said(answer)
    assert content_in(answer) == mine
    assert "theirs" in answer.text
    assert 'name="base" value="1"' in answer.text
    (kept,) = ContentVersions(services.records, "keywords").of("zu", 9)
    assert kept.author == "bob"
    both = mine + with_row("zu", "theirs").partition("true\n")[2]
    assert admin.post(f"{SETS}/zu/save", {"content": both, "base": "1"}).status_code == 303


def test_a_new_keyword_comes_prefilled_from_a_text(admin):
    page = admin.get("/console/keywords/new?program=orders&intent=help&text=Who, exactly are you")
    assert 'value="Who exactly are you"' in page.text
    assert '<option value="help" selected>' in page.text
    assert '<option value="en" selected>' in page.text
    data = {"words": " ", "intent": "help", "match": "whole", "set": "en"}
    assert admin.post("/console/keywords/new", data).status_code == 422


# --- what was received ------------------------------------------------------------------------


@pytest.fixture
def received(services):
    for at in range(60):
        services.store.sample_log.note(
            entry(
                number=f"+1415555{at:04d}", text=f"Blim! {EVIL}" if at == 7 else "ok then",
                decision=decision(Intent.NONE, rule="nothing_known"),
            )
        )  # fmt: skip
    services.store.sample_log.flush()


def test_a_preview_lists_what_would_be_decided_differently(services, received, admin, monkeypatch):
    monkeypatch.setattr(console, "REPLAY_S", 60)
    admin.get(f"{SETS}/zu")
    data = {"content": with_row("zu", "ok then"), "base": "0"}
    whole = admin.post(f"{SETS}/zu/check", data)
    assert "Would change 59 of 60 decisions: 59 more opt-outs" in said(whole)
    assert "This covers all texts that are kept" in whole.text
    assert "59 times" in whole.text
    assert "I understand that this opts out many more" in whole.text
    answer = admin.post(f"{SETS}/zu/save", data)
    assert answer.status_code == 422
    assert "many more people" in said(answer)
    assert ContentVersions(services.records, "keywords").newest() == []
    assert admin.post(f"{SETS}/zu/save", data | {"sure": "yes"}).status_code == 303


def test_texts_and_keywords_are_shown_as_text(received, admin, monkeypatch):
    monkeypatch.setattr(console, "REPLAY_S", 60)
    admin.get(f"{SETS}/zu")
    data = {"words": f"Blim! {EVIL}", "note": EVIL, "intent": "help", "set": "zu"}
    checked = admin.post("/console/keywords/new", data)
    content = content_in(checked)
    admin.post(f"{SETS}/zu/save", {"content": content, "base": "0", "note": EVIL})
    pages = [checked, admin.get(f"{SETS}/zu"),
             admin.get(f"/console/keywords/new?text={EVIL}&program=alerts&intent={EVIL}"),
             admin.post("/console/keywords/try", {"text": EVIL, "program": "alerts"})]  # fmt: skip
    for page in pages:
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert "alert(1)" in page.text


def test_what_is_away_is_said_and_nothing_can_be_saved(services, admin, monkeypatch):
    def gone(error):
        def fail(*_):
            raise error("nobody answers")

        return fail

    admin.get(f"{SETS}/zu")
    monkeypatch.setattr(services.store.sample_log, "page", gone(StoreUnavailable))
    data = {"content": with_row("zu", "blim"), "base": "0"}
    page = admin.post(f"{SETS}/zu/check", data)
    assert "nobody answers" in page.text
    assert "disabled" in page.text.partition("Save as version")[0].rpartition("<button")[2]
    monkeypatch.setattr(ContentVersions, "newest", gone(RecordsUnavailable))
    assert "YEKA" in admin.get("/console/keywords?text=yeka").text
    assert "nobody answers" in admin.get(SETS).text
    assert admin.post(f"{SETS}/zu/save", data).status_code == 503
