"""Imports over the API: which there are, and undoing one as a whole."""

from __future__ import annotations

import pytest

from smsgate.features.lists.number_import import ImportRequest, NumberImport
from smsgate.pipeline.api_keys import Caller, Keyring
from tests.fakes.processes import wait_until
from tests.features.lists.files import record_list

NUMBERS = [f"+1415555{at:04}" for at in range(40)]
LIST = "import-3f9c"


@pytest.fixture
def listed(api):
    """The API behind a list that was imported."""
    listing = ImportRequest("alerts", "opted_out", actor="ana", id=LIST, note="stopped.csv")
    NumberImport(api.services).enter(NUMBERS, listing, part="0")
    record_list(api.services, LIST, "Opted 40 numbers out of every program (scope all).")
    api.services.archiver.move_all()
    return api


def allowed(api) -> list[bool]:
    found = api.post("/check", {"program": "alerts", "numbers": NUMBERS})["results"]
    return [one["allowed"] for one in found]


def undone(api) -> dict[str, object]:
    """The import, once its undo has ended."""
    assert wait_until(lambda: api.get(f"/imports/{LIST}")["undo_state"] in ("done", "failed"))
    return api.get(f"/imports/{LIST}")


def test_an_import_is_listed_by_name_and_undone(listed) -> None:
    (one,) = listed.get("/imports?limit=5")["items"]
    assert (one["id"], one["actor"], one["file"], one["program"], one["undone"]) == (
        LIST,
        "ana",
        "stopped.csv",
        "alerts",
        None,
    )
    assert "Opted 40 numbers out of every program (scope all)" in one["changed"]
    assert listed.get(f"/imports/{LIST}")["undo_state"] == ""
    listed.put(f"/suppressions/all/{NUMBERS[0]}?reason=x")
    listed.work()

    asked = listed.post(f"/imports/{LIST}/undo", {"reason": "wrong", "actor": "jane"}, 202)
    assert asked["undo_state"] in ("waiting", "working", "done")
    found = undone(listed)
    assert (found["undo_state"], found["undo_done"]) == ("done", 40)
    assert found["undone"].endswith("Z")
    assert found["undone_by"] == "api:environment/jane"
    assert found["undone_reason"] == "wrong"
    assert found["undone_note"] == "stopped.csv: 39 numbers put back, 1 kept."
    assert allowed(listed) == [False] + [True] * 39
    event = listed.services.history.of_number(NUMBERS[1])[-1]
    assert (event.kind, event.entry.decision.note) == ("import_undone", "wrong")


def test_asked_for_twice_it_is_done_once(listed) -> None:
    for _ in range(3):
        listed.post(f"/imports/{LIST}/undo", {"reason": "wrong"}, 202)
        undone(listed)
    assert allowed(listed) == [True] * 40
    for number in NUMBERS:
        assert [one.kind for one in listed.services.history.of_number(number)] == [
            "import",
            "import_undone",
        ]


def test_what_is_not_right_is_said(listed) -> None:
    for path in ("/imports/import-0", "/imports/x"):
        assert listed.get(path, 404)["reason"] == "no_such_list"
        assert listed.post(f"{path}/undo", {"reason": "x"}, 404)["reason"] == "no_such_list"
    for body in ({}, {"reason": " "}, {"reason": "x", "more": 1}):
        assert listed.post(f"/imports/{LIST}/undo", body, 422)["reason"] == "unprocessable_entity"
    writer = listed.with_key("write")
    assert writer.post(f"/imports/{LIST}/undo", {"reason": "x"}, 403)["reason"] == "forbidden"
    assert writer.get("/imports", 403)["reason"] == "forbidden"
    assert allowed(listed) == [False] * 40


FILE = (
    "phone,what,program,source\n"
    f"{NUMBERS[0]},stop,alerts,Klaviyo\n{NUMBERS[1]},stop,Acme Orders,Klaviyo\n"
    f"{NUMBERS[2]},subscribed,orders,\n{NUMBERS[3]},stop,Newsletter,\n"
)
COLUMNS = "state_column=what&program_column=program&source_column=source&name=old.csv&actor=jane"


def upload(api, query=COLUMNS, content=FILE, status=202):
    answer = api.call("POST", f"/imports?{query}", data=content.encode())
    assert answer.status_code == status, answer.text
    return answer.json


def ended(api, job):
    def is_done():
        return api.get(f"/import-jobs/{job}")["state"] in ("done", "failed")

    assert wait_until(is_done)
    return api.get(f"/import-jobs/{job}")


def test_a_list_for_several_programs_is_previewed_and_imported(api) -> None:
    begun = upload(api)
    assert (begun["step"], begun["result"]) == ("preview", None)
    found = ended(api, begun["id"])
    orders = {"program": "orders", "new": 2, "known": 0, "refused": 0, "reasons": {}}
    assert found["result"]["programs"] == [orders | {"program": "alerts", "new": 1}, orders]
    assert found["result"]["unknown_programs"] == {"Newsletter": 1}
    assert found["known_programs"] == ["alerts", "orders"]
    assert found["result"]["outcomes"] == {"new": 3, "unknown_program": 1}
    assert found["result"]["first"][0]["line"] == 5
    assert found["result"]["changes"][0].startswith("Would opt 1 number out of every program")
    assert allowed(api) == [True] * 40

    job = f"/import-jobs/{begun['id']}/apply"
    assert "agreed to" in api.post(job, {}, 422)["detail"]
    api.post(job, {"words": "I agree to texts", "medium": "web"}, 202)
    found = ended(api, begun["id"])
    assert (found["step"], found["state"]) == ("apply", "done")
    assert found["result"]["changes"][0].startswith("Opted 1 number out of every program")
    assert allowed(api) == [False] + [True] * 39
    api.services.archiver.move_all()
    event = api.services.history.of_number(NUMBERS[1])[-1]
    assert (event.entry.actor, event.entry.external_source) == ("api:environment/jane", "Klaviyo")
    (seen,) = api.get(f"/numbers/{NUMBERS[1]}")["history"]["events"]
    assert seen["external_source"] == "Klaviyo"
    groups = [one for event in api.get("/events")["events"] for one in event.get("listed", [])]
    named = {group["numbers"][0]: group.get("external_sources") for group in groups}
    assert named[NUMBERS[1]] == ["Klaviyo"]
    assert api.get(f"/imports/{found['result']['import_id']}")["file"] == "old.csv"
    api.post(f"/imports/{found['result']['import_id']}/undo", {"reason": "wrong"}, 202)
    assert wait_until(
        lambda: api.get(f"/imports/{found['result']['import_id']}")["undo_state"] == "done"
    )
    assert allowed(api) == [True] * 40
    assert ended(api, upload(api)["id"])["result"]["programs"] == [
        orders | {"program": "alerts", "new": 1},
        orders,
    ]


def test_an_upload_that_will_not_do_is_refused_and_leaves_nothing(api) -> None:
    folder = api.services.settings.data_dir / "lists"
    for query, said in (
        ("", "Say for which program"),
        ("program=nobody", "no program is called 'nobody'; there are: all, alerts, orders"),
        ("program=alerts&region=ZZ", "is not a country"),
        ("program=all&state=subscribed", "no program is called 'all'"),
        ("program=alerts&colour=red", "colour"),
    ):
        assert said in upload(api, query, status=422)["detail"]
    assert "not empty" in upload(api, "program=alerts", "", 422)["detail"]
    assert [*folder.iterdir()] == []
    headers = {"Authorization": f"Bearer {api.key}", "Transfer-Encoding": "chunked"}
    assert api.call("POST", "/imports?program=alerts", headers=headers).status_code == 411
    for job in ("0" * 32, "x"):
        assert api.get(f"/import-jobs/{job}", 404)["reason"] == "no_such_list"
        assert api.post(f"/import-jobs/{job}/apply", {}, 404)["reason"] == "no_such_list"
    unreadable = ended(api, upload(api, "program=alerts", "PK\x03\x04 a workbook")["id"])
    assert unreadable["state"] == "failed"
    assert "save the list as CSV" in unreadable["problem"]
    assert "not done" in api.post(f"/import-jobs/{unreadable['id']}/apply", {}, 422)["detail"]


def test_a_limited_key_imports_for_its_own_programs_alone(api, monkeypatch) -> None:
    orders = api.with_key("admin", "shop", "orders")
    found = ended(orders, upload(orders)["id"])
    assert [one["program"] for one in found["result"]["programs"]] == ["orders"]
    assert found["result"]["unknown_programs"] == {"Newsletter": 1, "alerts": 1}
    assert found["known_programs"] == ["orders"]
    for program in ("alerts", "all"):
        assert upload(orders, f"program={program}", status=403)["reason"] == "forbidden"
    alerts = api.with_key("admin", "news", "alerts")
    refused = upload(alerts, "program=alerts", status=403)["detail"]
    assert "this is about 'all'" in refused, "an opt-out of alerts holds for every program"
    assert alerts.get(f"/import-jobs/{found['id']}", 404)["reason"] == "no_such_list"
    assert alerts.post(f"/import-jobs/{found['id']}/apply", {}, 404)["reason"] == "no_such_list"
    open_to_all = ended(api, upload(api)["id"])["id"]
    namesake = Caller("environment", "admin", frozenset({"orders"}))
    monkeypatch.setattr(Keyring, "authenticate", lambda *_: namesake)
    for method, path in (("GET", ""), ("POST", "/apply")):
        answer = api.call(method, f"/import-jobs/{open_to_all}{path}", {} if path else None)
        assert (answer.status_code, answer.json["reason"]) == (404, "no_such_list")
    monkeypatch.undo()
    writer = api.with_key("write")
    assert upload(writer, status=403)["reason"] == "forbidden"
