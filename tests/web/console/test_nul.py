"""A NUL in what is typed is said to be wrong, where PostgreSQL would refuse it."""

from __future__ import annotations

from contextlib import closing

import pytest

from tests.fakes.browser import browser
from tests.fakes.full_house import add_people
from tests.fakes.own_services import ALERTS, HERE, make_services
from tests.records.conftest import postgresql_server, postgresql_url  # noqa: F401 - fixtures


def test_a_sender_that_has_one_keeps_its_page_and_its_evidence(admin) -> None:
    assert admin.get("/console/numbers/A%00B").status_code == 404  # nothing is recorded of it
    made = admin.post("/console/numbers/evidence", {"number": "A\0B"})
    assert made.status_code == 200
    assert "A\N{REPLACEMENT CHARACTER}•••" in admin.get("/console/audit").text


@pytest.mark.full
def test_postgresql_refuses_it_and_the_page_says_what_is_wrong(
    tmp_path,
    redis_url,
    postgresql_url,  # noqa: F811
) -> None:
    environ = {**HERE, "DATABASE_URL": postgresql_url}
    with closing(make_services(tmp_path, redis_url, ALERTS, **environ)) as services:
        services.records.migrate()
        add_people(services)
        who = browser(services)
        assert who.sign_in("admin").status_code == 303
        answer = who.get("/console/audit?after=1.0.%00")
        assert "PostgreSQL text fields cannot contain NUL" in answer.text
