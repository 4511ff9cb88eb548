"""Imports over the API: uploaded, previewed, applied, listed, and undone as a whole."""

from __future__ import annotations

from tests.fakes.processes import wait_until

NUMBERS = [f"+1415555{at:04}" for at in range(40)]
FILE = (
    "phone,what,source\n"
    f"{NUMBERS[0]},stop,Klaviyo\n{NUMBERS[1]},stop,\n{NUMBERS[2]},subscribed,\nnonsense,stop,\n"
)
ASKED = "program=alerts&state_column=what&source_column=source&name=old.csv&actor=jane"


def upload(api, query=ASKED, content=FILE, status=202):
    answer = api.call("POST", f"/imports?{query}", data=content.encode())
    assert answer.status_code == status, answer.text
    return answer.json


def ended(api, job):
    def is_done():
        return api.get(f"/import-jobs/{job}")["state"] in ("done", "failed")

    assert wait_until(is_done)
    return api.get(f"/import-jobs/{job}")


def allowed(api) -> list[bool]:
    found = api.post("/check", {"program": "alerts", "numbers": NUMBERS})["results"]
    return [one["allowed"] for one in found]


def test_a_list_is_previewed_imported_and_undone(api) -> None:
    found = ended(api, upload(api, f"{ASKED}&preview=true")["id"])["result"]
    assert found["outcomes"] == {"new": 2, "no_words": 1, "not_a_number": 1}
    words = "&words=I+agree+to+texts&medium=web"
    found = ended(api, upload(api, f"{ASKED}&preview=true{words}")["id"])["result"]
    assert found["outcomes"] == {"new": 3, "not_a_number": 1}
    assert (found["unused"], found["first"][0]["line"]) == (1, 5)
    assert found["changes"][0].startswith("Would opt 2 numbers out of every program")
    assert allowed(api) == [True] * 40

    begun = upload(api, ASKED + words)
    found = ended(api, begun["id"])
    assert (found["step"], found["state"]) == ("apply", "done")
    assert found["result"]["changes"][0].startswith("Opted 2 numbers out of every program")
    assert allowed(api) == [False] * 2 + [True] * 38
    event = api.services.history.of_number(NUMBERS[0])[-1]
    assert (event.entry.actor, event.entry.external_source) == ("api:environment/jane", "Klaviyo")
    (one,) = api.get("/imports?limit=5")["items"]
    assert (one["id"], one["reason"]) == (found["result"]["import_id"], "old.csv")

    api.put(f"/suppressions/all/{NUMBERS[0]}?reason=x")
    api.work()
    for _ in range(3):
        undo = api.post(f"/imports/{one['id']}/undo", {"reason": "wrong", "actor": "bob"}, 202)
        assert ended(api, undo["id"])["state"] == "done"
    one = api.get("/imports")["items"][-2]
    assert (one["action"], one["actor"], one["reason"]) == (
        "undone",
        "api:environment/bob",
        "wrong",
    )
    assert one["changed"] == "old.csv: 2 numbers put back, 1 kept."
    assert allowed(api) == [False] + [True] * 39
    kinds = [one.kind for one in api.services.history.of_number(NUMBERS[1])]
    assert kinds == ["import", "import_undone"], "asked for thrice it is done once"


def test_what_will_not_do_is_refused_and_leaves_nothing(api) -> None:
    folder = api.services.settings.data_dir / "lists"
    for query, said in (
        ("", "program"),
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
    assert api.post("/imports/x/undo", {"reason": "x"}, 404)["reason"] == "not_found"
    unreadable = ended(api, upload(api, "program=alerts", "PK\x03\x04 a workbook")["id"])
    assert unreadable["state"] == "failed"
    assert "save the list as CSV" in unreadable["problem"]


def test_a_key_sees_the_jobs_that_it_asked_for(api) -> None:
    job = upload(api)["id"]
    other = api.with_key("admin", "crm")
    assert other.get(f"/import-jobs/{job}", 404)["reason"] == "not_found"
