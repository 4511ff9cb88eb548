"""Keywords in the console: what is in force, a text tried, sets changed, saved and undone."""

from __future__ import annotations

import html
import re

import pytest

from smsgate.domain.errors import RecordsUnavailable
from smsgate.domain.messages import Intent
from smsgate.features.keyword_editor import change_console
from smsgate.features.keyword_editor.set_text import KeywordRow, edit_set, empty_set
from smsgate.records import ContentVersion
from tests.fakes.own_services import HERE, make_services
from tests.fakes.understanding import TWO, understanding
from tests.fakes.values import decision, entry

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


def with_row(name, *words, intent="opt_out", note=""):
    return edit_set(empty_set(name), [KeywordRow(word, intent, note=note) for word in words], "")


def save(services, name, content, number=1, author="bob"):
    services.records.keyword_versions.save(ContentVersion(name, number, content, author, 1_000_000))


def form(**more):
    return {"words": "blim", "intent": "opt_out", "match": "polite", "risk": "low", "note": "",
            "place": "-1", "without": "", "base": "0", **more}  # fmt: skip


def said(answer):
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", answer.text)))


def content_in(answer):
    """The content that the form of the page would save."""
    found = re.search(r'name="content" value="([^"]*)"', answer.text)
    return html.unescape(found[1])


# --- what is in force, and a text tried -----------------------------------------------------------


def test_keywords_are_listed_with_where_they_come_from(services, signed_in):
    save(services, "zu", with_row("zu", "blimblam", note="heard it"))
    folder = services.settings.config_dir / "keywords"
    folder.mkdir()
    (folder / "en.toml").write_text(with_row("en", "skedaddle"))
    services.content.value = understanding(services).content.value
    viewer = signed_in("viewer")
    page = viewer.get("/console/keywords?program=alerts&source=console")
    assert "blimblam" in page.text
    assert "heard it" in page.text
    assert "1 keyword in Acme Alerts" in said(page)
    page = viewer.get("/console/keywords?program=orders&source=file")
    assert "skedaddle" in page.text
    page = viewer.get("/console/keywords?program=orders&q=unsubscribe&intent=opt_out&language=en")
    assert "UNSUBSCRIBE ME" in page.text
    assert "skedaddle" not in page.text


def test_the_list_is_paged(viewer):
    first = viewer.get("/console/keywords?program=orders")
    assert "page 1 of" in said(first)
    assert 'rel="next"' in first.text
    assert 'rel="prev"' in viewer.get("/console/keywords?program=orders&page=2").text
    assert viewer.get("/console/keywords?program=orders&page=999").status_code == 200
    assert viewer.get("/console/keywords?program=nonsense").status_code == 422


def test_a_text_is_explained_in_words_and_kept_nowhere(services, viewer):
    viewer.get("/console/keywords")
    data = {"text": "please stop", "program": "orders", "number": "+14155550123"}
    part = viewer.post("/console/keywords/try", data, headers=HTMX)
    assert "<html" not in part.text
    assert "Opt-out: the program can no longer text the number" in said(part)
    assert "keyword_politely" in part.text
    whole = viewer.post("/console/keywords/try", data)
    assert "<h1>Keywords</h1>" in whole.text
    assert "keyword_politely" in whole.text
    assert services.store.inbox.busy() == []


def test_a_number_that_is_none_is_said_beside_the_text(viewer):
    viewer.get("/console/keywords")
    data = {"text": "stop", "program": "orders", "number": "nobody"}
    part = viewer.post("/console/keywords/try", data, headers=HTMX)
    assert "is no phone number" in said(part)


# --- who may ------------------------------------------------------------------------------------

CHANGES = (f"{SETS}/zu/soon", f"{SETS}/zu/check", f"{SETS}/zu/replay", f"{SETS}/zu/save",
           f"{SETS}/zu/undo", "/console/keywords/new",
           "/console/keywords/new/soon")  # fmt: skip


@pytest.mark.parametrize("role", ["viewer", "agent"])
def test_only_admins_change_sets(services, signed_in, role):
    browser = signed_in(role)
    page = browser.get(f"{SETS}/zu")
    assert page.status_code == 200
    assert "See what it would do" not in page.text
    for path in CHANGES:
        data = form(content=with_row("zu", "blim"), set="zu", version="0")
        assert browser.post(path, data).status_code == 403, path
    assert browser.get("/console/keywords/new").status_code == 403
    assert services.records.keyword_versions.newest() == []


def test_without_the_token_of_a_form_nothing_is_changed(services, admin):
    admin.get(f"{SETS}/zu")
    for path in CHANGES:
        data = form(content=with_row("zu", "blim"), set="zu")
        assert admin.post(path, data, csrf=False).status_code == 400, path
    assert services.records.keyword_versions.newest() == []


def test_no_set_of_another_name_is_made(services, admin):
    admin.get("/console/keywords")
    data = {"content": with_row("zu", "blim"), "base": "0"}
    for name in ("..%2Fes", "xx", "_grammar", "zu.toml", "%00", "*", "ZU"):
        assert admin.get(f"{SETS}/{name}").status_code == 404
        assert admin.post(f"{SETS}/{name}/save", data).status_code == 404
    data = form(set="../zu", words="blim")
    assert admin.post("/console/keywords/new", data).status_code == 404
    assert services.records.keyword_versions.newest() == []


# --- a change, from the form to every process ---------------------------------------------------


def test_a_change_is_checked_saved_with_its_author_and_put_in_force(services, admin):
    admin.get(f"{SETS}/zu")
    page = admin.post(f"{SETS}/zu/check", form(words="blim\nblam", note="heard it"))
    assert page.status_code == 200
    assert "Nothing is saved yet" in page.text
    assert "No conflicts" in page.text
    assert 'words = "blim, blam"' in said(page)
    assert services.records.keyword_versions.newest() == []
    data = {"content": content_in(page), "base": "0", "note": "asked for"}
    answer = admin.post(f"{SETS}/zu/save", data)
    assert answer.status_code == 303
    (kept,) = services.records.keyword_versions.newest()
    assert (kept.version, kept.author, kept.note) == (1, "admin", "asked for")
    assert answer.location == f"{SETS}/zu"
    page = admin.get(answer.location)
    assert "Saved as version 1." in page.text
    assert "console keywords/zu.toml" in page.text
    assert "asked for" in page.text


def test_an_entry_is_changed_and_another_one_taken_away(services, admin):
    save(services, "zu", with_row("zu", "blim", "blam"))
    admin.get(f"{SETS}/zu")
    data = form(words=["blom", "blam"], intent=["opt_in", "opt_out"], match=["whole", "polite"],
                risk=["low", "low"], note=["", ""], place=["0", "1"], gone="1", base="1",
                without="YEKA")  # fmt: skip
    after = content_in(admin.post(f"{SETS}/zu/check", data))
    assert 'without = "YEKA"' in after
    assert 'intent = "opt_in"\nwords = "blom"\nmatch = "whole"' in after
    assert "blam" not in after


@pytest.mark.parametrize(
    ("content", "conflict"),
    [
        ('language = "en"\nextends = true\nwithout = "QUIT"\n', "federal rule"),
        (with_row("en", "STOP", intent="opt_in"), "one intent"),
        ("words = [", "is no TOML"),
        (f"words = {'[' * 5_000}{']' * 5_000}", "nested too deeply"),
        ("", "Nothing has changed"),
    ],
)
def test_conflicts_are_told_at_once_and_nothing_is_saved(services, admin, content, conflict):
    admin.get(f"{SETS}/en")
    data = {"content": content, "base": "0"}
    if content:
        part = admin.post(f"{SETS}/en/soon", data, headers=HTMX)
        assert "<html" not in part.text
        assert conflict in said(part)
        assert conflict in said(admin.post(f"{SETS}/en/check", data))
    answer = admin.post(f"{SETS}/en/save", data)
    assert answer.status_code == 422
    assert conflict in said(answer)
    assert html.escape(content, quote=False)[:10] in answer.text
    assert services.records.keyword_versions.newest() == []


def test_conflicts_name_both_places(admin):
    admin.get(f"{SETS}/en")
    data = {"content": with_row("en", "STOP", intent="opt_in"), "base": "0"}
    text = said(admin.post(f"{SETS}/en/check", data))
    assert "shipped keywords/und.toml" in text
    assert "console keywords/en.toml" in text


def test_of_two_editors_the_second_is_told_and_goes_on_with_both(services, admin):
    admin.get(f"{SETS}/zu")
    mine = content_in(admin.post(f"{SETS}/zu/check", form(words="mine")))
    save(services, "zu", with_row("zu", "theirs"))
    answer = admin.post(f"{SETS}/zu/save", {"content": mine, "base": "0"})
    assert answer.status_code == 409
    assert "saved by someone else" in said(answer)
    assert content_in(answer) == mine
    assert "theirs" in answer.text
    assert 'name="base" value="1"' in answer.text
    assert [one.author for one in services.records.keyword_versions.of("zu", 9)] == ["bob"]
    both = mine + with_row("zu", "theirs").partition("true\n")[2]
    assert admin.post(f"{SETS}/zu/save", {"content": both, "base": "1"}).status_code == 303


def test_rows_count_from_what_their_author_saw(services, admin):
    save(services, "zu", with_row("zu", "one") + 'countries = ["+27"]\n')
    admin.get(f"{SETS}/zu")
    save(services, "zu", with_row("zu", "two", "three"), 2)
    page = admin.post(f"{SETS}/zu/check", form(words="uno", place="0", base="1"))
    assert "Someone else saved version 2" in said(page)
    assert 'words = "uno"\ncountries = ["+27"]' in content_in(page)
    assert "two" not in content_in(page)


def test_undo_is_a_new_version_with_the_older_content(services, admin):
    first = with_row("zu", "blim")
    save(services, "zu", first)
    save(services, "zu", with_row("zu", "blam"), 2)
    assert "blam" in admin.get(f"{SETS}/zu/versions/2").text
    admin.get(f"{SETS}/zu")
    assert admin.post(f"{SETS}/zu/undo", {"version": "1", "base": "2"}).status_code == 303
    newest, *_ = services.records.keyword_versions.of("zu", 9)
    assert (newest.version, newest.content, newest.author) == (3, first, "admin")
    assert admin.post(f"{SETS}/zu/undo", {"version": "0", "base": "3"}).status_code == 303
    assert services.records.keyword_versions.of("zu", 1)[0].content == ""
    assert admin.post(f"{SETS}/zu/undo", {"version": "9", "base": "4"}).status_code == 404
    assert admin.get(f"{SETS}/zu/versions/9").status_code == 404


# --- a set that is a file -------------------------------------------------------------------------


@pytest.mark.parametrize("files", [{"zu": "# ours\n" + with_row("zu", "blim")}])
def test_a_file_is_copied_when_it_is_edited_and_is_back_when_that_is_reverted(
    services, admin, files
):
    place = services.settings.config_dir / "keywords" / "zu.toml"
    page = admin.get(f"{SETS}/zu")
    assert "This set is a file" in page.text
    assert str(place) in page.text
    page = admin.post(f"{SETS}/zu/check", form(words=["blim", "blam"], intent=["opt_out"] * 2,
        match=["polite"] * 2, risk=["low"] * 2, note=["", ""], place=["0", "-1"]))  # fmt: skip
    saved = admin.post(f"{SETS}/zu/save", {"content": content_in(page), "base": "0"})
    assert saved.status_code == 303
    (kept,) = services.records.keyword_versions.newest()
    assert kept.content.startswith("# ours\n")
    assert "blam" in kept.content
    assert f"replaces the file {place} as a whole" in said(admin.get(f"{SETS}/zu"))
    assert place.read_text() == files["zu"]
    assert admin.post(f"{SETS}/zu/undo", {"version": "0", "base": "1"}).status_code == 303
    assert "This set is a file" in admin.get(f"{SETS}/zu").text


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


def test_a_replay_lists_what_would_be_decided_differently(services, received, admin, monkeypatch):
    monkeypatch.setattr(change_console, "SLICE_S", 60)
    admin.get(f"{SETS}/zu")
    content = with_row("zu", "ok then")
    whole = admin.post(f"{SETS}/zu/replay", {"content": content, "base": "0"})
    assert "Would change 59 of 60 decisions: 59 more opt-outs" in said(whole)
    assert "This covers all texts that are kept" in whole.text
    assert "59 times" in whole.text
    assert "I understand that this opts out many more" in whole.text
    answer = admin.post(f"{SETS}/zu/save", {"content": content, "base": "0"})
    assert answer.status_code == 422
    assert "many more people" in said(answer)
    assert services.records.keyword_versions.newest() == []
    data = {"content": content, "base": "0", "sure": "yes"}
    assert admin.post(f"{SETS}/zu/save", data).status_code == 303


def test_a_sample_says_that_it_is_one_and_goes_on_from_there(received, admin, monkeypatch):
    monkeypatch.setattr(change_console, "SLICE_S", 0)
    admin.get(f"{SETS}/zu")
    data = {"content": with_row("zu", "ok then"), "base": "0"}
    looked = 0
    for _ in range(40):
        part = admin.post(f"{SETS}/zu/replay", data, headers=HTMX)
        assert part.status_code == 200
        fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', part.text))
        if "place" not in fields:
            break
        assert "Sample: " in said(part)
        assert int(fields["looked"]) >= looked
        looked = int(fields["looked"])
        data |= fields
    assert looked  # so it went on at least once
    assert "of 60 decisions" in said(part)
    assert "This covers all" in said(part)


def test_texts_and_keywords_are_shown_as_text(received, admin, monkeypatch):
    monkeypatch.setattr(change_console, "SLICE_S", 60)
    admin.get(f"{SETS}/zu")
    data = form(words=f"Blim! {EVIL}", note=EVIL)
    checked = admin.post(f"{SETS}/zu/check", data)
    content = content_in(checked)
    replayed = admin.post(f"{SETS}/zu/replay", {"content": content, "base": "0"})
    admin.post(f"{SETS}/zu/save", {"content": content, "base": "0", "note": EVIL})
    pages = [checked, replayed, admin.get(f"{SETS}/zu"), admin.get(f"{SETS}/zu/versions/1"),
             admin.get(f"/console/keywords/new?text={EVIL}&program=alerts&intent={EVIL}"),
             admin.get(f"/console/keywords?q={EVIL}"),
             admin.post("/console/keywords/try", {"text": EVIL, "program": "alerts"})]  # fmt: skip
    for page in pages:
        assert page.status_code == 200
        assert "<script>alert" not in page.text
    assert "alert(1)" in pages[0].text


def test_a_store_that_is_away_is_said_where_the_replay_would_stand(services, admin, monkeypatch):
    from smsgate.domain.errors import StoreUnavailable

    def gone(*_):
        raise StoreUnavailable("the store cannot be reached")

    monkeypatch.setattr(services.store.sample_log, "page", gone)
    admin.get(f"{SETS}/zu")
    data = {"content": with_row("zu", "blim"), "base": "0"}
    part = admin.post(f"{SETS}/zu/replay", data, headers=HTMX)
    assert "cannot be reached" in part.text


# --- a new keyword, the bounds, and what is away ------------------------------------------------


def test_a_new_keyword_comes_prefilled_from_a_text(services, admin):
    page = admin.get("/console/keywords/new?program=orders&intent=help&text=Who, exactly are you")
    assert 'value="Who exactly are you"' in page.text
    assert '<option value="help" selected>' in page.text
    assert '<option value="en" selected>' in page.text
    data = {"program": "orders", "words": "blim", "intent": "help", "match": "polite",
            "set": "en", "note": ""}  # fmt: skip
    assert "No conflicts" in admin.post("/console/keywords/new/soon", data, headers=HTMX).text
    page = admin.post("/console/keywords/new", data)
    assert "Nothing is saved yet" in page.text
    assert 'intent = "help"\nwords = "blim"' in content_in(page)
    assert services.records.keyword_versions.newest() == []


def test_a_new_keyword_is_added_to_what_the_console_has(services, admin):
    save(services, "zu", with_row("zu", "blim"))
    admin.get("/console/keywords/new?program=alerts")
    data = {"program": "alerts", "words": "blam", "intent": "opt_out", "match": "lead", "set": "zu"}
    content = content_in(admin.post("/console/keywords/new", data))
    assert "blim" in content
    assert 'words = "blam"\nmatch = "lead"' in content
    assert admin.post("/console/keywords/new", data | {"words": " "}).status_code == 422


def test_a_set_that_is_too_large_is_refused_with_where_it_belongs(services, admin):
    admin.get(f"{SETS}/zu")
    content = with_row("zu", "x" * 48_001)
    for path in ("soon", "check", "save"):
        answer = admin.post(f"{SETS}/zu/{path}", {"content": content, "base": "0"})
        assert "make it a file" in said(answer), path
    huge = admin.post(f"{SETS}/zu/save", {"content": "x" * 5_000_000, "base": "0"})
    assert huge.status_code in (400, 413)
    assert services.records.keyword_versions.newest() == []


def test_a_form_that_came_in_part_is_refused(admin):
    admin.get(f"{SETS}/zu")
    data = form()
    del data["risk"]
    assert admin.post(f"{SETS}/zu/check", data).status_code == 422
    many = form(**{name: ["x"] * 401 for name in ("words", "intent", "match", "risk", "note",
                                                  "place")})  # fmt: skip
    assert admin.post(f"{SETS}/zu/check", many).status_code == 422


def test_without_the_records_the_list_still_comes_and_the_sets_say_why(
    services, admin, monkeypatch
):
    def gone(*_):
        raise RecordsUnavailable("the records cannot be used: nobody answers")

    monkeypatch.setattr(services.records.keyword_versions, "newest", gone)
    page = admin.get("/console/keywords?program=alerts")
    assert page.status_code == 200
    assert "YEKA" in page.text
    page = admin.get(SETS)
    assert page.status_code == 200
    assert "nobody answers" in page.text
    assert admin.get(f"{SETS}/zu").status_code == 503
    answer = admin.post(f"{SETS}/zu/save", {"content": with_row("zu", "blim"), "base": "0"})
    assert answer.status_code == 503
    assert "nobody answers" in answer.text
