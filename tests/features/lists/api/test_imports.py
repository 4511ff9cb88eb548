"""Imports over the API: which there are, and undoing one as a whole."""

from __future__ import annotations

import pytest

from smsgate.features.lists.number_import import ImportRequest, NumberImport
from tests.fakes.processes import wait_until

NUMBERS = [f"+1415555{at:04}" for at in range(40)]
LIST = "import-3f9c"


@pytest.fixture
def listed(api):
    """The API behind a list that was imported."""
    importing = NumberImport(api.services)
    listing = ImportRequest("alerts", "opted_out", actor="ana", id=LIST, note="stopped.csv")
    importing.enter(NUMBERS, listing, part="0")
    changes = [importing.change(listing, "opted_out", len(NUMBERS))]
    importing.conclude(listing, "40 rows: 40 applied", changes)
    api.services.archiver.move_all()
    return api


def allowed(api) -> list[bool]:
    found = api.post("/check", {"program": "alerts", "numbers": NUMBERS})["results"]
    return [one["allowed"] for one in found]


def undone(api) -> dict[str, object]:
    """The import, once its undo has ended."""
    assert wait_until(lambda: api.get(f"/imports/{LIST}")["undo"]["state"] in ("done", "failed"))
    return api.get(f"/imports/{LIST}")


def test_an_import_is_listed_by_name_and_undone(listed) -> None:
    (one,) = listed.get("/imports?limit=5")["imports"]
    assert (one["id"], one["actor"], one["file"], one["program"], one["undone"]) == (
        LIST,
        "ana",
        "stopped.csv",
        "alerts",
        None,
    )
    assert "Opted 40 numbers out of every program (scope all)" in one["changed"]
    assert listed.get(f"/imports/{LIST}")["undo"] is None
    listed.put(f"/suppressions/all/{NUMBERS[0]}?reason=x")
    listed.work()

    asked = listed.post(f"/imports/{LIST}/undo", {"reason": "wrong", "actor": "jane"}, 202)
    assert asked["undo"]["state"] in ("waiting", "working", "done")
    found = undone(listed)
    assert found["undo"] == {
        "state": "done",
        "looked_at": 40,
        "outcomes": {"undone": 39, "newer": 1},
        "problem": "",
    }
    assert found["undone"]["actor"] == "api:environment/jane"
    assert found["undone"]["reason"] == "wrong"
    assert found["undone"]["note"] == "stopped.csv: 39 numbers put back, 1 kept."
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
