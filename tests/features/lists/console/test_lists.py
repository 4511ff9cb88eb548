"""Lists in the console: what comes in, what is done with it, and who may have what comes out."""

from __future__ import annotations

import csv
import io
import os
import re
import threading
import time

import pytest

from smsgate.features.lists import jobs
from smsgate.features.lists.jobs import ListJobs
from tests.fakes.browser import browser
from tests.fakes.listed_numbers import import_numbers, list_entry
from tests.fakes.processes import wait_until

NUMBER, OTHER, THIRD = "+14155550123", "+14155550124", "+33612345678"
LIST = f"name,phone\nAna,{NUMBER}\nBo,=cmd|' /C calc'!A0\nCy,{OTHER}\nDi,{NUMBER}\n"
LISTS = "/console/lists"


def upload(browser, content=LIST, kind="import", name="stopped.csv", **kwargs):
    raw = content.encode() if isinstance(content, str) else content
    browser.get(LISTS)
    return browser.post(f"{LISTS}/upload?{kind}", {"file": (io.BytesIO(raw), name)}, **kwargs)


def begun(browser, *args, **kwargs) -> str:
    answer = upload(browser, *args, **kwargs)
    assert answer.status_code == 303, answer.text
    return answer.location


def ended(browser, here) -> str:
    """The page, once nobody is at work on the list."""
    assert wait_until(lambda: "hx-get" not in browser.get(here).text)
    return browser.get(here).text


def asked(browser, here, step, **form) -> str:
    answer = browser.post(f"{here}/{step}", form)
    assert answer.status_code == 303, answer.text
    return ended(browser, here)


def rows(browser, here, name):
    answer = browser.get(f"{here}/files/{name}", buffered=True)
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text)))


def folder_of(services, here):
    return services.settings.data_dir / "lists" / here.rpartition("/")[2]


def is_working(services, here) -> bool:
    return b'"state":"working"' in (folder_of(services, here) / "job.json").read_bytes()


def allowed(services, number, program="alerts"):
    return services.gate.allows(number, program=program)


@pytest.fixture
def stuck(monkeypatch):
    """Holds every step until it is let go."""
    go, take = threading.Event(), ListJobs._result

    def held(self, *args):
        assert go.wait(20)
        return take(self, *args)

    monkeypatch.setattr(ListJobs, "_result", held)
    yield go
    go.set()


# --- an import --------------------------------------------------------------------------------


def test_an_import_is_looked_at_rehearsed_and_applied_in_the_operator_s_name(agent, services):
    here = begun(agent)
    page = agent.get(here).text
    assert "phone (numbers)" in page
    assert "=cmd|&#39; /C calc&#39;!A0" in page
    assert "(alerts; opt-outs apply to all programs)" in page

    page = asked(agent, here, "preview", program="alerts", region="us")
    assert "Preview</h2>" in page
    assert "Changes 2 numbers" in page
    assert "Would opt 2 numbers out of every program (scope all): Acme Alerts (alerts), " in page
    assert "line 3" in page
    assert "not one phone number" in page
    assert allowed(services, NUMBER)

    page = asked(agent, here, "apply")
    assert "Result</h2>" in page
    assert "Opted 2 numbers out of every program (scope all): Acme Alerts (alerts), " in page
    assert not allowed(services, NUMBER)
    assert not allowed(services, OTHER)
    told = [event for event in services.history.of_number(NUMBER) if event.kind == "import"]
    assert told[0].entry.actor == "agent"
    assert told[0].entry.decision.note == "stopped.csv"
    (unused,) = rows(agent, here, "result")
    assert (unused["line"], unused["outcome"]) == ("3", "not_a_number")
    assert unused["given"] == "'=cmd|' /C calc'!A0", "a formula is text"
    assert not (folder_of(services, here) / "upload").exists()


def applied(browser, **kwargs) -> str:
    here = begun(browser, **kwargs)
    asked(browser, here, "preview", program="alerts", region="us")
    return asked(browser, here, "apply")


def undo_form(page) -> dict[str, str]:
    return {"import_id": re.search(r'name="import_id" value="([^"]+)"', page)[1]}


def test_an_import_is_undone_after_a_look_in_the_name_of_who_does_it(agent, admin, services):
    form = undo_form(applied(agent))
    answer = agent.post(f"{LISTS}/undo", form)
    here = answer.location
    page = ended(agent, here)
    assert "Preview</h2>" in page
    assert "stopped.csv: 2 numbers would be put back, 0 kept." in page
    assert not allowed(services, NUMBER)
    assert "Give a reason" in agent.post(f"{here}/apply", {"reason": " "}).text
    assert not allowed(services, NUMBER)

    page = asked(admin, here, "apply", reason="the wrong <b>file</b>")
    assert "Result</h2>" in page
    assert "stopped.csv: 2 numbers put back, 0 kept." in page
    assert allowed(services, NUMBER)
    assert rows(agent, here, "result") == []
    event = services.history.of_number(NUMBER)[-1]
    assert (event.kind, event.entry.actor) == ("import_undone", "admin")
    story = agent.get(f"/console/numbers/{NUMBER}").text
    assert "<strong>Import undone for all programs</strong>" in story
    assert "the wrong &lt;b&gt;file&lt;/b&gt;" in story
    listed = agent.get(LISTS).text
    assert ">Undone<" in listed
    assert ">the wrong &lt;b&gt;file&lt;/b&gt;<" in listed
    # What was kept for a later list can be put back once that list was undone.
    again = agent.post(f"{LISTS}/undo", undo_form(listed)).location
    assert "stopped.csv: it was undone already, 0 kept." in ended(agent, again)


def test_consents_are_recorded_with_their_words(agent, services):
    here = begun(agent, f"phone\n{NUMBER}\n", name="signed.csv")
    signed = {"program": "alerts", "state": "subscribed", "medium": "paper"}
    page = asked(agent, here, "preview", words=" ", **signed)
    assert "say what the subscribers agreed to" in page
    asked(agent, here, "preview", words="I agree to texts", **signed)
    page = asked(agent, here, "apply")
    assert "Result</h2>" in page
    consent = next(
        one for one in services.history.of_number(NUMBER) if one.kind == "import"
    ).entry.consent
    assert (consent.words, consent.medium, consent.source) == (
        "I agree to texts",
        "paper",
        "signed.csv",
    )


def test_the_column_is_chosen_where_the_file_does_not_show_it(agent, services):
    here = begun(agent, f"home,work\n{NUMBER},{OTHER}\n")
    page = agent.get(here).text
    assert "Choose one" in page
    assert '<option value="2">work</option>' in page
    page = asked(agent, here, "preview", program="alerts", column="2")
    assert "Changes 1 number," in page
    asked(agent, here, "apply")
    assert allowed(services, NUMBER)
    assert not allowed(services, OTHER)


def test_columns_are_suggested_and_chosen(agent, services):
    text = "phone,date,status,source\n+14155550123,2026-01-02,stop,<b>Klaviyo</b>\n"
    here = begun(agent, text + "+14155550124,soon,active,\n")
    page = agent.get(here).text
    for name, choice, label in (
        ("date_column", 2, "date"),
        ("state_column", 3, "status"),
        ("source_column", 4, "source"),
    ):
        select = page.partition(f'name="{name}"')[2].partition("</select>")[0]
        assert f'<option value="{choice}" selected>{label} (detected)</option>' in select
    columns = {"date_column": "2", "state_column": "3", "source_column": "4"}
    page = asked(agent, here, "preview", program="alerts", date_column="x")
    assert "There is no column &#39;x&#39;" in page
    page = asked(agent, here, "preview", program="alerts", **columns)
    assert "Changes 1 number," in page
    assert "1 date cannot be read" in page
    assert allowed(services, "+14155550123")
    asked(agent, here, "apply")
    services.archiver.move_all()
    for place in ("/console/numbers/+14155550123", "/console/suppressions"):
        assert "imported: &lt;b&gt;Klaviyo&lt;/b&gt;" in agent.get(place).text


def test_what_cannot_be_asked_for_says_what_would_be_right(agent):
    here = begun(agent)
    answer = agent.post(f"{here}/preview", {"program": "alerts", "state": "locked"})
    assert answer.status_code == 422
    assert "Invalid enum value" in answer.text


# --- two at once, and interrupted ---------------------------------------------------------------


def test_a_click_twice_does_it_once(agent, services, stuck):
    here = begun(agent)
    stuck.set()
    asked(agent, here, "preview", program="alerts", region="US")
    stuck.clear()
    agent.post(f"{here}/apply")
    agent.post(f"{here}/apply")
    assert 'hx-trigger="every 1s"' in agent.get(here).text
    stuck.set()
    ended(agent, here)
    agent.post(f"{here}/apply")
    assert "Result</h2>" in ended(agent, here)
    assert len([one for one in services.history.of_number(NUMBER) if one.kind == "import"]) == 1


# --- what comes in ------------------------------------------------------------------------------


def test_what_is_no_list_is_said_to_be_none(agent):
    for content, said in (
        (b"PK\x03\x04" + bytes(500), "This workbook is too large"),
        (b"\x1f\x8b\x08" + bytes(500), "This is no list"),
    ):
        here = begun(agent, content)
        page = agent.get(here).text
        assert "The file cannot be read" in page
        assert said in page
        page = asked(agent, here, "preview", program="alerts")
        assert "failed" in page


def test_names_of_columns_and_files_are_text(agent):
    name = '../..\\x/<img src=x onerror="alert(1)">\n.csv'
    here = begun(agent, "<script>alert(1)</script>,phone\n<b>,+14155550123\n", name=name)
    for page in (agent.get(here).text, agent.get(LISTS).text):
        assert "<script>alert" not in page
        assert "<img" not in page.replace('<img src="/console/assets', "")
        assert "<b>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in agent.get(here).text


def test_nothing_of_the_upload_is_in_a_path_and_files_are_their_owner_s(agent, services):
    here = begun(agent, name="../../../etc/passwd")
    asked(agent, here, "preview", program="alerts")
    folder = folder_of(services, here)
    assert {one.name for one in folder.iterdir()} == {"job.json", "result", "upload"}
    assert folder.stat().st_mode & 0o777 == 0o700
    assert folder.parent.stat().st_mode & 0o777 == 0o700
    assert re.fullmatch(r"[0-9a-f]{32}", folder.name)


def test_what_was_not_taken_leaves_nothing_behind(agent, services):
    agent.get(LISTS)
    listed = (io.BytesIO(b"+14155550123\n"), "x.csv")
    for form in (
        {},
        {"file": (io.BytesIO(), "empty.csv")},
        {"file": listed, "more": (io.BytesIO(b"x"), "y.csv")},
    ):
        answer = agent.post(f"{LISTS}/upload", form, content_type="multipart/form-data")
        assert answer.status_code == 422
        assert not list((services.settings.data_dir / "lists").iterdir())


def test_without_a_token_nothing_is_kept(agent, services):
    assert upload(agent, csrf=False).status_code == 400
    assert not list((services.settings.data_dir / "lists").iterdir())


def test_a_file_may_be_far_larger_than_other_forms(agent, services):
    rows = "".join(f"+1415{5550000 + at}\n" for at in range(20_000))
    here = begun(agent, rows)
    assert (folder_of(services, here) / "upload").stat().st_size == len(rows)


def test_a_file_over_the_limit_is_refused_before_it_is_read(agent, monkeypatch, services):
    monkeypatch.setattr(jobs, "MAX_UPLOAD_BYTES", 1000)
    answer = upload(agent, b"+14155550123\n" * 10_000)
    assert answer.status_code == 422
    assert "give it in parts" in answer.text
    assert not (services.settings.data_dir / "lists").exists()


def test_other_forms_stay_small(agent):
    agent.get(LISTS)
    answer = agent.post(f"{LISTS}/undo", {"import_id": "x" * 70_000})
    assert answer.status_code == 413


def test_a_disk_without_room_is_not_filled(agent, monkeypatch):
    monkeypatch.setattr(jobs.shutil, "disk_usage", lambda _: Usage(1 << 20))
    answer = upload(agent)
    assert answer.status_code == 422
    assert "no space" in answer.text


class Usage:
    def __init__(self, free):
        self.free = free


# --- who may ------------------------------------------------------------------------------------


def test_another_agent_s_list_is_none(agent, admin, services, operator):
    here = begun(agent)
    asked(agent, here, "preview", program="alerts")
    other = browser(services)
    other.sign_in(operator("someone", "agent"))
    assert "stopped.csv" not in other.get(LISTS).text
    for path in ("", "/files/result"):
        assert other.get(here + path).status_code == 404
    for step in ("preview", "apply"):
        assert other.post(f"{here}/{step}", {"program": "alerts"}).status_code == 404
    assert "stopped.csv" in admin.get(LISTS).text
    assert admin.get(f"{here}/files/result", buffered=True).status_code == 200
    assert allowed(services, NUMBER)


def test_only_what_a_step_left_can_be_had(agent):
    here = begun(agent)
    asked(agent, here, "preview", program="alerts")
    for name in (
        "upload",
        "job.json",
        "lock",
        "..%2fjob.json",
        "%2e%2e%2f%2e%2e%2frecords.sqlite3",
        "clean",
    ):
        assert agent.get(f"{here}/files/{name}", buffered=True).status_code == 404
    answer = agent.get(f"{here}/files/result", buffered=True)
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == "attachment; filename=import-result.csv"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


# --- scrub and export ---------------------------------------------------------------------------


def stop(services, *numbers):
    import_numbers(services, numbers, list_entry("alerts"))


def test_a_list_is_parted(agent, services):
    stop(services, NUMBER)
    here = begun(agent, LIST, kind="scrub")
    page = asked(agent, here, "apply", program="alerts", region="US")
    assert "can be texted" in page
    assert "opted out of everything" in page
    assert [row["name"] for row in rows(agent, here, "clean")] == ["Cy"]
    blocked = {row["name"]: row["blocked_reason"] for row in rows(agent, here, "result")}
    assert blocked == {"Ana": "opted_out_all", "Bo": "not_a_number", "Di": "duplicate"}
    disposition = agent.get(f"{here}/files/clean", buffered=True).headers["Content-Disposition"]
    assert disposition == "attachment; filename=scrub-clean.csv"
    assert not (folder_of(services, here) / "upload").exists()


# --- what goes ----------------------------------------------------------------------------------


def test_what_is_old_goes(agent, services):
    old, new = begun(agent), begun(agent)
    long_ago = time.time() - (jobs.KEPT_DAYS + 1) * 86_400
    os.utime(folder_of(services, old), (long_ago, long_ago))
    assert wait_until(lambda: not folder_of(services, old).exists())
    assert folder_of(services, new).exists()


def test_what_fails_is_said_and_hurts_no_other_list(agent, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError

    here = begun(agent)
    monkeypatch.setattr(ListJobs, "_result", broken)
    assert "it has been logged" in asked(agent, here, "preview", program="alerts")
    monkeypatch.undo()
    assert "Preview</h2>" in asked(agent, here, "preview")


@pytest.mark.parametrize("missing", [1, 1000])
def test_a_file_that_breaks_off_is_no_list(agent, missing):
    """The server ends what came of it as if it were all; half a list would be a list."""
    agent.get(LISTS)
    body = (
        b"--x\r\nContent-Disposition: form-data; name=csrf_token\r\n\r\n%s\r\n"
        b'--x\r\nContent-Disposition: form-data; name=file; filename="a.csv"\r\n\r\n%s\r\n--x--\r\n'
    ) % (agent._token.encode(), LIST.encode() * 100)
    sent = {
        "wsgi.input": io.BytesIO(body[:-missing]),
        "wsgi.input_terminated": True,
        "CONTENT_LENGTH": str(len(body)),
        "CONTENT_TYPE": "multipart/form-data; boundary=x",
    }
    answer = agent.post(f"{LISTS}/upload", csrf=False, environ_overrides=sent)
    assert answer.status_code == 400
    assert "a.csv" not in agent.get(LISTS).text
