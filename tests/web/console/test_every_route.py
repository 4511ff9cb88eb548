"""Every endpoint of the console, tried by whoever should not come in: by role, without a token."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from smsgate.web.console.app import create_console
from tests.fakes.own_services import make_part
from tests.fakes.people import People

FOR_ALL = frozenset(
    {"asset", "console", "show_sign_in", "sign_in", "sign_out", "show_code"}
    | {"check_factor", "show_password", "set_password", "go_to_provider", "return_from_provider"}
)
"""Who is not signed in may come here."""
FOR_ADMINS = frozenset(
    {"number_forget", "keyword_check", "keyword_save", "keyword_undo", "new_keyword"}
    | {"check_account", "test_alerts", "save_replies", "undo_replies"}
    | {"list_keys", "list_people"}
)
FOR_VIEWERS = frozenset(
    {"find_number", "guide_read", "tried", "change_password", "end_session", "choose_zone"}
    | {"show_factors", "add_factor", "remove_factor", "number_evidence"}
)
"""What a viewer may post: it is about themselves, or changes nothing."""
PAGES_OF_AGENTS = frozenset({"lists", "one_list", "list_file"})
FILLED = {
    "name": "en",
    "id_": "x",
    "step": "apply",
    "token": "x",
    "number": "+14155550123",
    "digest": "x",
}


@pytest.fixture
def endpoints(services):
    """By endpoint its method and an address of it."""
    rules = make_part(services, create_console).url_map
    adapter = rules.bind("localhost")
    found = {}
    for rule in rules.iter_rules():
        given = {name: FILLED[name] for name in rule.arguments}
        found[rule.endpoint] = (
            "POST" if "POST" in rule.methods else "GET",
            adapter.build(rule.endpoint, given, method="POST" if "POST" in rule.methods else "GET"),
        )
    return found


def test_the_endpoints_that_are_named_here_are_there(endpoints):
    assert endpoints.keys() >= FOR_ALL | FOR_ADMINS | FOR_VIEWERS | PAGES_OF_AGENTS


def answers(browser, endpoints, names, **more) -> dict[str, tuple[int, str]]:
    """The status of each, and where it leads."""
    told = {}
    for name in sorted(names & endpoints.keys()):
        method, path = endpoints[name]
        asked = browser.post(path, {}, **more) if method == "POST" else browser.get(path)
        told[name] = (asked.status_code, asked.headers.get("Location", ""))
    return told


def test_who_is_not_signed_in_is_led_to_the_page_for_that(visitor, endpoints):
    told = answers(visitor, endpoints, endpoints.keys() - FOR_ALL)
    assert {name for name, (status, _) in told.items() if status not in (303, 400, 401)} == set()
    assert all(to.endswith("/console/in") for status, to in told.values() if status == 303)


def test_a_viewer_posts_nothing_that_changes_something(viewer, endpoints):
    posts = {name for name, (method, _) in endpoints.items() if method == "POST"}
    told = answers(viewer, endpoints, posts - FOR_ALL - FOR_VIEWERS)
    assert {name for name, (status, _) in told.items() if status != 403} == set()


def test_a_viewer_and_an_agent_see_no_page_of_admins(viewer, agent, endpoints):
    told = answers(agent, endpoints, FOR_ADMINS)
    assert {name for name, (status, _) in told.items() if status != 403} == set()
    told = answers(viewer, endpoints, FOR_ADMINS | PAGES_OF_AGENTS)
    assert {name for name, (status, _) in told.items() if status != 403} == set()


def test_what_is_refused_for_a_role_is_in_the_log(viewer, services):
    row = People(services.records).named("viewer")
    with capture_logs() as lines:
        for _ in range(20):
            assert viewer.get("/console/people").status_code == 403
    assert 0 < len(lines) < 20
    said = {"event": "page refused", "name": row.name, "role": "viewer", "log_level": "warning"}
    assert lines[0] == {**said, "route": "/console/people"}


def test_without_the_token_of_a_form_nothing_is_done(admin, endpoints):
    posts = {name for name, (method, _) in endpoints.items() if method == "POST"}
    # The upload looks at its token once the file has begun to come: see ``test_lists.py``.
    told = answers(admin, endpoints, posts - {"upload_list"}, csrf=False)
    assert {name for name, (status, _) in told.items() if status != 400} == set()
