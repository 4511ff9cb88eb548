"""Lists in the console: what comes in, what is done with it, and who may have what comes out."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import threading
import time

import pytest

from smsgate.features.lists import jobs
from smsgate.features.lists.jobs import ListJobs
from smsgate.features.lists.number_import import ImportRequest, NumberImport
from smsgate.pipeline.published_programs import publish_programs
from tests.fakes.browser import browser
from tests.fakes.people import newest_actions
from tests.fakes.processes import wait_until
from tests.features.lists.files import record_list

NUMBER, OTHER, THIRD = "+14155550123", "+14155550124", "+33612345678"
LIST = f"name,phone\nAna,{NUMBER}\nBo,=cmd|' /C calc'!A0\nCy,{OTHER}\nDi,{NUMBER}\n"
LISTS = "/console/lists"


def upload(browser, content=LIST, kind="import", name="stopped.csv", **kwargs):
    raw = content.encode() if isinstance(content, str) else content
    browser.get(LISTS)
    return browser.post(
        f"{LISTS}/upload", {"kind": kind, "file": (io.BytesIO(raw), name)}, **kwargs
    )


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
    assert "a spreadsheet formula" in page
    assert allowed(services, NUMBER)

    page = asked(agent, here, "apply")
    assert "Result</h2>" in page
    assert "Opted 2 numbers out of every program (scope all): Acme Alerts (alerts), " in page
    assert not allowed(services, NUMBER)
    assert not allowed(services, OTHER)
    told = [event for event in services.history.of_number(NUMBER) if event.kind == "import"]
    assert told[0].entry.actor == "agent"
    assert told[0].entry.decision.note == "stopped.csv"
    assert [(row["line"], row["outcome"]) for row in rows(agent, here, "result")] == [
        ("2", "applied"),
        ("3", "formula"),
        ("4", "applied"),
        ("5", "duplicate"),
    ]
    assert not (folder_of(services, here) / "upload").exists()


def applied(browser, **kwargs) -> str:
    here = begun(browser, **kwargs)
    asked(browser, here, "preview", program="alerts", region="us")
    return asked(browser, here, "apply")


def undo_form(page) -> dict[str, str]:
    return {"list_id": re.search(r'name="list_id" value="([^"]+)"', page)[1]}


def test_an_import_is_undone_after_a_look_at_what_that_would_do(agent, services):
    form = undo_form(applied(agent))
    answer = agent.post(f"{LISTS}/undo", form)
    here = answer.location
    page = ended(agent, here)
    assert "Preview</h2>" in page
    assert "stopped.csv: 2 numbers would be put back, 0 kept." in page
    assert not allowed(services, NUMBER)
    assert agent.post(f"{LISTS}/undo", form).location == here  # a click twice looks once
    assert "Give a reason" in agent.post(f"{here}/undo", {"reason": " "}).text
    assert not allowed(services, NUMBER)

    page = asked(agent, here, "undo", reason="the wrong <b>file</b>")
    assert "Result</h2>" in page
    assert "stopped.csv: 2 numbers put back, 0 kept." in page
    assert allowed(services, NUMBER)
    found = {row["number"]: row["outcome"] for row in rows(agent, here, "result")}
    assert found == {NUMBER: "undone", OTHER: "undone"}
    event = services.history.of_number(NUMBER)[-1]
    assert (event.kind, event.entry.actor) == ("import_undone", "agent")
    story = agent.get(f"/console/numbers/{NUMBER}").text
    assert "<strong>Import undone</strong> · All programs" in story
    assert "the wrong &lt;b&gt;file&lt;/b&gt;" in story
    listed = agent.get(LISTS).text
    assert "Undone by agent" in listed
    assert ": the wrong &lt;b&gt;file&lt;/b&gt;. " in listed


def test_imports_on_record_are_undone_by_who_made_them_and_by_admins(agent, admin, services):
    form = undo_form(applied(agent))
    other = ImportRequest("orders", "opted_out", actor="terminal:root", id="import-1")
    NumberImport(services).enter([THIRD], other, part="0")
    record_list(services, "import-1", "theirs.csv: 1 rows: 1 applied", "terminal:root")
    mine = agent.get(LISTS).text
    assert "Opted 2 numbers out of every program (scope all)" in mine
    assert "theirs.csv" not in mine
    assert "theirs.csv" in admin.get(LISTS).text
    assert agent.post(f"{LISTS}/undo", {"list_id": "import-1"}).status_code == 404
    for list_id in ("import-1", form["list_id"]):
        answer = admin.post(f"{LISTS}/undo", {"list_id": list_id})
        assert "Preview</h2>" in ended(admin, answer.location)
    assert admin.post(f"{LISTS}/undo", {"list_id": "import-2"}).status_code == 404


def test_a_formula_in_a_result_is_text(agent):
    here = begun(agent, f"phone\n=1+1\n+1+cmd|' /C calc'!A0\n@SUM(A1)\n{NUMBER}\n")
    asked(agent, here, "preview", program="alerts")
    given = [row["given"] for row in rows(agent, here, "result")]
    assert given == ["'=1+1", "'+1+cmd|' /C calc'!A0", "'@SUM(A1)", NUMBER]


def test_consents_need_the_words_that_were_agreed_to(agent, services):
    here = begun(agent, f"phone\n{NUMBER}\n")
    page = asked(agent, here, "preview", program="alerts", state="subscribed")
    assert "What the subscribers agreed to, word for word" in page
    answer = agent.post(f"{here}/apply", {"words": " "})
    assert answer.status_code == 422
    assert "Say what the subscribers agreed to" in answer.text
    assert ">Apply</button>" in agent.get(here).text
    assert not services.history.of_number(NUMBER)


def test_consents_are_recorded_with_their_words(agent, services):
    here = begun(agent, f"phone\n{NUMBER}\n", name="signed.csv")
    asked(agent, here, "preview", program="alerts", state="subscribed")
    page = asked(agent, here, "apply", words="I agree to texts", medium="paper")
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


def test_something_else_can_be_asked_for_until_it_is_applied(agent):
    here = begun(agent, "phone\n4155550123\n")
    assert "no_country_code" in asked(agent, here, "preview", program="alerts").replace(" ", "_")
    page = asked(agent, here, "preview", program="alerts", region="US")
    assert "Changes 1 number," in page
    asked(agent, here, "apply")
    page = asked(agent, here, "preview", program="orders")
    assert "Result</h2>" in page
    assert "Change the settings" not in page


def test_columns_are_suggested_and_chosen_and_rows_counted_by_program(agent, services):
    text = "phone,date,status,list\n+14155550123,2026-01-02,stop,alerts\n"
    here = begun(agent, text + "+14155550124,2026-01-03,opt-out,<b>club</b>\n")
    page = agent.get(here).text
    for name, choice, label in (
        ("date_column", 2, "date"),
        ("state_column", 3, "status"),
        ("program_column", 4, "list"),
    ):
        select = page.partition(f'name="{name}"')[2].partition("</select>")[0]
        assert f'<option value="{choice}" selected>{label} (detected)</option>' in select
    columns = {"date_column": "2", "state_column": "3", "program_column": "4"}
    page = asked(agent, here, "preview", program="alerts", **columns)
    assert "Rows by program" in page
    assert "&lt;b&gt;club&lt;/b&gt;" in page
    assert "Changes 1 number," in page
    assert "for another program: import the file for that one too" in page
    assert allowed(services, "+14155550123")
    page = asked(agent, here, "preview", program="alerts", date_column="x")
    assert "There is no column &#39;x&#39;" in page


def test_one_file_goes_into_several_programs_and_says_from_where(agent, services):
    text = "phone,status,list,source\n+14155550123,stop,alerts,<b>Klaviyo</b>\n"
    text += "+14155550124,stop,orders,\n+14155550125,stop,<i>club</i>,\n"
    here = begun(agent, text)
    page = agent.get(here).text
    assert '<option value="" selected>As the program column says</option>' in page
    source = page.partition('name="source_column"')[2].partition("</select>")[0]
    assert '<option value="4" selected>source (detected)</option>' in source
    columns = {"state_column": "2", "program_column": "3", "source_column": "4"}
    page = asked(agent, here, "preview", program="", **columns)
    assert '<th scope="row">Acme Alerts</th><td class="count">1</td>' in page
    assert (
        "Unknown programs in the file: &#39;&lt;i&gt;club&lt;/i&gt;&#39; (1). Use one of: " in page
    )
    assert "Changes 2 numbers" in page
    assert allowed(services, "+14155550123")
    page = asked(agent, here, "apply")
    assert not allowed(services, "+14155550123")
    assert not allowed(services, "+14155550124", "orders")
    services.archiver.move_all()
    for place in ("/console/numbers/+14155550123", "/console/suppressions"):
        assert "imported: &lt;b&gt;Klaviyo&lt;/b&gt;" in agent.get(place).text
    undo = agent.post(f"{LISTS}/undo", undo_form(page)).location
    ended(agent, undo)
    asked(agent, undo, "undo", reason="the wrong file")
    assert allowed(services, "+14155550123")
    assert allowed(services, "+14155550124", "orders")


def test_a_list_for_no_program_is_refused_at_the_field(agent):
    here = begun(agent, "phone,list\n+14155550123,alerts\n")
    answer = agent.post(f"{here}/preview", {"program": ""})
    assert answer.status_code == 422
    assert "Say for which program the list is" in answer.text


def test_what_cannot_be_asked_for_says_what_would_be_right(agent):
    here = begun(agent)
    for form, said in (
        ({"program": "nobody"}, "no program is called"),
        ({"program": "alerts", "region": "Narnia"}, "is not a country"),
        ({"program": "alerts", "state": "locked"}, "Invalid enum value"),
        ({"program": "all", "state": "subscribed"}, "no program is called"),
    ):
        answer = agent.post(f"{here}/preview", form)
        assert answer.status_code == 422
        assert said in answer.text
    assert "<h2>File</h2>" in agent.get(here).text


def test_applied_before_it_was_rehearsed_changes_nothing(agent, services):
    here = begun(agent)
    assert agent.post(f"{here}/apply").status_code == 422
    assert agent.post(f"{here}/retry").status_code == 303
    assert allowed(services, NUMBER)
    assert "<h2>File</h2>" in ended(agent, here)


# --- two at once, and interrupted ---------------------------------------------------------------


def test_a_click_twice_does_it_once(agent, services, stuck):
    here = begun(agent)
    stuck.set()
    asked(agent, here, "preview", program="alerts", region="US")
    stuck.clear()
    agent.post(f"{here}/apply")
    agent.post(f"{here}/apply")
    assert 'hx-trigger="every 1s"' in agent.get(f"{here}/part").text
    stuck.set()
    ended(agent, here)
    agent.post(f"{here}/apply")
    assert "Result</h2>" in ended(agent, here)
    assert len([one for one in services.history.of_number(NUMBER) if one.kind == "import"]) == 1


def test_lists_wait_their_turn(agent, stuck):
    first, second = begun(agent), begun(agent)
    for here in (first, second):
        assert agent.post(f"{here}/preview", {"program": "alerts"}).status_code == 303
    assert wait_until(lambda: "Nothing is changed" in agent.get(first).text)
    assert "queued" in agent.get(second).text
    assert agent.post(f"{first}/remove").status_code == 422
    stuck.set()
    assert "Preview</h2>" in ended(agent, first)
    assert "Preview</h2>" in ended(agent, second)


def test_an_interrupted_import_is_gone_on_with(agent, services):
    here = begun(agent)
    asked(agent, here, "preview", program="alerts", region="US")
    state = folder_of(services, here) / "job.json"
    killed = json.loads(state.read_bytes()) | {"step": "apply", "state": "working", "done": 7}
    state.write_text(json.dumps(killed))
    assert "Result</h2>" in ended(agent, here)
    assert not allowed(services, NUMBER)


# --- what comes in ------------------------------------------------------------------------------


def test_what_is_no_list_is_said_to_be_none(agent):
    for content, said in (
        (b"PK\x03\x04" + bytes(500), "no workbook that can be read"),
        (b"\x1f\x8b\x08" + bytes(500), "an archive"),
        (b"[1, 2]", "This is JSON"),
    ):
        here = begun(agent, content)
        page = agent.get(here).text
        assert "The file cannot be read" in page
        assert said in page
        page = asked(agent, here, "preview", program="alerts")
        assert "failed" in page


def test_any_encoding_is_shown_and_read(agent):
    for content in (
        f"name,phone\nJosé,{NUMBER}\n".encode("latin-1"),
        f"name,phone\nJosé,{NUMBER}\n".encode("utf-16"),
        f"naïve,phone\nJosé,{NUMBER}\n".encode("latin-1"),
    ):
        here = begun(agent, content)
        assert agent.get(here).status_code == 200
        assert "Changes 1 number," in asked(agent, here, "preview", program="alerts")


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
    assert {one.stat().st_mode & 0o777 for one in folder.iterdir()} == {0o600}
    assert re.fullmatch(r"[0-9a-f]{32}", folder.name)


def test_what_was_not_taken_leaves_nothing_behind(agent, services):
    agent.get(LISTS)
    listed = (b"+14155550123\n", "x.csv")
    for form in (
        {"kind": "import"},
        {"kind": "import", "file": (b"", "empty.csv")},
        {"kind": "export", "file": listed},
        {"kind": "import", "file": listed, "more": listed},
    ):
        fields = {
            name: (io.BytesIO(one[0]), one[1]) if isinstance(one, tuple) else one
            for name, one in form.items()
        }
        answer = agent.post(f"{LISTS}/upload", fields, content_type="multipart/form-data")
        assert answer.status_code == 422
        assert not list((services.settings.data_dir / "lists").iterdir())


def test_without_a_token_nothing_is_kept(agent, services):
    assert upload(agent, csrf=False).status_code == 400
    assert not list((services.settings.data_dir / "lists").iterdir())


def test_a_body_that_breaks_off_leaves_nothing_behind(agent, services):
    agent.get(LISTS)
    body = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
        b"+14155550123\r\n"
    )
    answer = agent.open(
        f"{LISTS}/upload",
        method="POST",
        input_stream=io.BytesIO(body),
        content_type="multipart/form-data; boundary=x",
        headers={"Content-Length": str(len(body) + 100)},
    )
    assert answer.status_code == 400
    assert not list((services.settings.data_dir / "lists").iterdir())


def test_a_file_may_be_far_larger_than_other_forms(agent, services):
    agent.get(LISTS)
    fields = {"csrf_token": agent._token, "kind": "import"}
    parts = [f'name="{name}"\r\n\r\n{text}' for name, text in fields.items()]
    rows = "".join(f"+1415{5550000 + at}\n" for at in range(200_000))
    parts.append(f'name="file"; filename="a.txt"\r\n\r\n{rows}')
    mark = "\r\n--x\r\nContent-Disposition: form-data; "
    body = (mark.lstrip() + mark.join(parts) + "\r\n--x--\r\n").encode()
    answer = agent.open(
        f"{LISTS}/upload",
        method="POST",
        input_stream=io.BytesIO(body),
        content_type="multipart/form-data; boundary=x",
        headers={"Content-Length": str(len(body))},
    )
    assert answer.status_code == 303, answer.text
    assert (folder_of(services, answer.location) / "upload").stat().st_size == len(rows)


def test_a_file_over_the_limit_is_refused_before_it_is_read(agent, monkeypatch, services):
    monkeypatch.setattr(jobs, "MAX_UPLOAD_BYTES", 1000)
    answer = upload(agent, b"+14155550123\n" * 10_000)
    assert answer.status_code == 422
    assert "give it in parts" in answer.text
    assert not (services.settings.data_dir / "lists").exists()


def test_other_forms_stay_small(agent):
    agent.get(LISTS)
    answer = agent.post(f"{LISTS}/undo", {"list_id": "x" * 70_000})
    assert answer.status_code == 413


def test_a_disk_without_room_is_not_filled(agent, monkeypatch):
    monkeypatch.setattr(jobs.shutil, "disk_usage", lambda _: Usage(1 << 20))
    answer = upload(agent)
    assert answer.status_code == 422
    assert "no space" in answer.text


def test_a_disk_that_fills_up_ends_a_step_and_leaves_no_half_of_a_file(
    agent, services, monkeypatch
):
    here = begun(agent)
    monkeypatch.setattr(jobs.shutil, "disk_usage", lambda _: Usage(1 << 20))
    assert "no space" in asked(agent, here, "preview", program="alerts")
    names = {one.name for one in folder_of(services, here).iterdir()}
    assert names == {"job.json", "upload"}
    monkeypatch.undo()
    assert "Preview</h2>" in asked(agent, here, "retry")


class Usage:
    def __init__(self, free):
        self.free = free


# --- who may ------------------------------------------------------------------------------------


def test_a_viewer_sees_and_gives_nothing(agent, viewer, services):
    here = begun(agent)
    asked(agent, here, "preview", program="alerts")
    assert viewer.get(LISTS).status_code == 403
    assert upload(viewer).status_code == 403
    for path in ("", "/part", "/files/result"):
        assert viewer.get(here + path).status_code == 403
    for step in ("preview", "scrub", "apply", "retry", "remove"):
        assert viewer.post(f"{here}/{step}").status_code == 403
    assert viewer.get(f"{LISTS}/export?program=alerts").status_code == 403
    assert len(list((services.settings.data_dir / "lists").iterdir())) == 1


def test_nobody_at_all_is_led_away_before_the_body_is_looked_at(visitor, services):
    answer = visitor.post(
        f"{LISTS}/upload",
        {"kind": "import", "file": (io.BytesIO(b"+14155550123\n"), "x.csv")},
        csrf=False,
    )
    assert answer.status_code in (302, 303, 403)
    assert not (services.settings.data_dir / "lists").exists()


def test_another_agent_s_list_is_none(agent, admin, services, operator):
    here = begun(agent)
    asked(agent, here, "preview", program="alerts")
    other = browser(services)
    other.sign_in(operator("someone", "agent"))
    assert "stopped.csv" not in other.get(LISTS).text
    for path in ("", "/part", "/files/result"):
        assert other.get(here + path).status_code == 404
    for step in ("preview", "apply", "retry", "remove"):
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


def test_only_our_ids_are_looked_for(agent):
    agent.get(LISTS)
    for id_ in ("..", "%2e%2e", "0" * 32, "x" * 32, "%00", "lists"):
        assert agent.get(f"{LISTS}/{id_}").status_code == 404
        assert agent.post(f"{LISTS}/{id_}/remove").status_code == 404


def test_a_file_is_never_shown_and_never_kept(agent):
    here = begun(agent)
    asked(agent, here, "preview", program="alerts")
    answer = agent.get(f"{here}/files/result", buffered=True)
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == "attachment; filename=import-result.csv"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


# --- scrub and export ---------------------------------------------------------------------------


def stop(services, *numbers):
    NumberImport(services).enter(numbers, ImportRequest("alerts", "opted_out"))


def test_a_list_is_parted(agent, services):
    stop(services, NUMBER)
    here = begun(agent, LIST, kind="scrub")
    page = asked(agent, here, "scrub", program="alerts", region="US")
    assert "<strong>1</strong> can be texted" in page
    assert "opted out of everything" in page
    assert [row["name"] for row in rows(agent, here, "clean")] == ["Cy"]
    blocked = {row["name"]: row["blocked_reason"] for row in rows(agent, here, "blocked")}
    assert blocked == {"Ana": "opted_out_all", "Bo": "formula", "Di": "duplicate"}
    disposition = agent.get(f"{here}/files/clean", buffered=True).headers["Content-Disposition"]
    assert disposition == "attachment; filename=scrub-clean.csv"
    assert not (folder_of(services, here) / "upload").exists()


def test_where_the_gate_cannot_tell_there_are_no_files(agent, services, redis_client):
    here = begun(agent, LIST, kind="scrub")
    redis_client.flushall()
    page = asked(agent, here, "scrub", program="alerts")
    assert "failed" in page
    assert agent.get(f"{here}/files/clean", buffered=True).status_code == 404
    assert {one.name for one in folder_of(services, here).iterdir()} == {"job.json", "upload"}
    services.store.metadata.create(buckets=8)
    publish_programs(services.settings, services.store)
    assert "can be texted" in asked(agent, here, "retry")


def test_a_list_given_for_one_use_is_not_used_for_another(agent):
    here = begun(agent, kind="scrub")
    assert agent.post(f"{here}/preview", {"program": "alerts"}).status_code == 422
    assert agent.post(f"{here}/apply").status_code == 422


def exported(agent, **form):
    return agent.get(f"{LISTS}/export", query_string=form)


def test_an_export_is_whole_and_can_be_imported_again(agent, services):
    stop(services, NUMBER, THIRD)
    answer = exported(agent, program="alerts", state="opted_out", format="csv")
    assert {row["number"] for row in csv.DictReader(io.StringIO(answer.text))} == {NUMBER, THIRD}
    assert answer.headers["Content-Disposition"] == "attachment; filename=export.csv"
    again = begun(agent, answer.data)
    assert "Format: smsgate" in agent.get(again).text
    assert "exported numbers" in {one.what for one in newest_actions(services.records, 5)}


def test_an_export_gives_what_is_asked_for(agent, services):
    stop(services, NUMBER)
    assert exported(agent, program="all", format="txt").text == f"{NUMBER}\n"
    for form in ({"state": "subscribed"}, {"since": "2100-01-01"}):
        assert exported(agent, program="alerts", format="txt", **form).text == ""


def test_an_export_of_what_there_is_not_is_refused(agent):
    for form in (
        {},
        {"program": "nobody"},
        {"program": "all", "format": "xml"},
        {"program": "all", "since": "soon"},
        {"program": "all", "state": "anything"},
    ):
        assert exported(agent, **form).status_code == 422


# --- what goes ----------------------------------------------------------------------------------


def test_a_list_is_removed_by_hand(agent, services):
    here = begun(agent)
    assert agent.post(f"{here}/remove").status_code == 303
    assert not folder_of(services, here).exists()
    assert agent.get(here).status_code == 404


def test_what_is_old_goes_unless_somebody_works_on_it(agent, services, stuck):
    old, at_work, new = (begun(agent) for _ in range(3))
    agent.post(f"{at_work}/preview", {"program": "alerts"})
    assert wait_until(lambda: is_working(services, at_work))
    empty = ListJobs(services).make_folder()
    long_ago = time.time() - (jobs.KEPT_DAYS + 1) * 86_400
    for path in (folder_of(services, old), folder_of(services, at_work), empty):
        for one in [*path.iterdir(), path]:
            os.utime(one, (long_ago, long_ago))
    jobs.remove_old(services.settings.data_dir)
    assert not folder_of(services, old).exists()
    assert not empty.exists()
    assert folder_of(services, at_work).exists()
    assert folder_of(services, new).exists()


def test_what_fails_is_said_and_hurts_no_other_list(agent, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError

    here = begun(agent)
    monkeypatch.setattr(ListJobs, "_result", broken)
    assert "it has been logged" in asked(agent, here, "preview", program="alerts")
    monkeypatch.undo()
    assert "Preview</h2>" in asked(agent, here, "retry")


def test_a_list_removed_in_the_middle_hurts_nobody(agent, services, stuck):
    here = begun(agent)
    agent.post(f"{here}/preview", {"program": "alerts"})
    assert wait_until(lambda: is_working(services, here))
    jobs.shutil.rmtree(folder_of(services, here))
    stuck.set()
    other = begun(agent)
    assert "Preview</h2>" in asked(agent, other, "preview", program="alerts")


def test_without_a_data_directory_it_is_said_what_is_wrong(agent, services):
    (services.settings.data_dir / "lists").write_text("no folder")
    page = agent.get(LISTS)
    assert page.status_code == 200
    assert "SMSGATE_DATA_DIR" in page.text
    assert upload(agent).status_code == 503


@pytest.mark.parametrize("missing", [1, 30, 1000])
def test_a_file_that_breaks_off_is_no_list(agent, missing):
    """The server ends what came of it as if it were all; half a list would be a list."""
    agent.get(LISTS)
    body = (
        b"--x\r\nContent-Disposition: form-data; name=csrf_token\r\n\r\n%s\r\n"
        b"--x\r\nContent-Disposition: form-data; name=kind\r\n\r\nimport\r\n"
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
