"""No NUL gets to the records: PostgreSQL keeps none, and nobody can type one."""

from __future__ import annotations

import pytest

ADDRESSES = (
    "/console/setup/changes?table=%00",
    "/console/audit?person=%00",
    "/console/people?before=a%00",
    "/console/suppressions?imported=%00&zone=%00",
)
FORMS = (
    ("/console/people/add", {"name": "maria\0", "role": "agent"}),
    ("/console/numbers/opt-out", {"number": "+14155550123", "scope": "all", "reason": "a\0"}),
    ("/console/numbers/evidence", {"number": "a", "company": "\0", "kind": "html"}),
    ("/console/setup/new-account", {"provider": "twilio", "id": "\0"}),
    ("/console/setup/new-program", {"id": "a", "name": "\0"}),
)


@pytest.mark.parametrize("path", ADDRESSES)
def test_an_address_with_one_is_refused(admin, path) -> None:
    answer = admin.get(path)
    assert (answer.status_code, "has a NUL character" in answer.text) == (400, True)


@pytest.mark.parametrize(("path", "form"), FORMS)
def test_a_form_with_one_is_refused(admin, path, form) -> None:
    answer = admin.post(path, form)
    assert (answer.status_code, "has a NUL character" in answer.text) == (400, True)


def test_a_sender_that_has_one_keeps_its_page_and_its_evidence(admin) -> None:
    assert admin.get("/console/numbers/A%00B").status_code == 404  # nothing is recorded of it
    made = admin.post("/console/numbers/evidence", {"number": "A\0B", "kind": "json"})
    assert made.status_code == 200
    assert "A\N{REPLACEMENT CHARACTER}B, as json" in admin.get("/console/audit").text
