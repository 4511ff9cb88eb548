"""Every endpoint of the console, tried by whoever should not come in: by role, without a token."""

from __future__ import annotations

import pytest

from smsgate.web.console.app import create_console

FOR_ALL = frozenset(
    {
        "asset",
        "console",
        "first",
        "become_first",
        "sign_in",
        "signed_in",
        "code",
        "code_given",
        "out",
    }
    | {"password", "password_set", "to_provider", "from_provider", "passkey_given"}
)
"""Who is not signed in may come here."""
FOR_ADMINS = frozenset(
    {"everybody", "add", "end", "reset", "give_role", "number_forget", "keys", "make_key"}
    | {"revoke_key", "rotate_key", "check_account", "test_account", "keyword_check"}
    | {"keyword_file", "keyword_replay", "keyword_save", "keyword_soon", "keyword_undo"}
    | {"new_keyword", "new_keyword_check", "new_keyword_soon"}
    | {"edit_program", "edit_program_check", "new_program", "new_program_check", "choose_replies"}
    | {"edit_replies", "edit_replies_check", "preview_replies", "remove_program", "new_account"}
    | {"save_configuration", "undo_configuration", "revert_configuration", "add_account"}
    | {"edit_account", "save_account", "connect_account", "account_waiting"}
)
FOR_VIEWERS = frozenset(
    {"find_number", "guide_read", "tried", "factor_on", "factor_off", "new_recovery"}
    | {"change_password", "end_session", "passkey_password", "passkey_added"}
    | {"passkey_named", "passkey_removed", "choose_zone"}
)
"""What a viewer may post: it is about themselves, or changes nothing."""
PAGES_OF_AGENTS = frozenset({"simulator", "lists", "one_list", "list_file", "list_part"})
FILLED = {
    "name": "en",
    "id_": "x",
    "kind": "email",
    "key": "dead",
    "channel": "email",
    "test": "x",
    "token": "x",
    "number": "+14155550123",
    "action": "retry",
    "digest": "x",
    "language": "en",
    "version": 1,
}


@pytest.fixture
def endpoints(services):
    """By endpoint its method and an address of it."""
    rules = create_console(services).url_map
    adapter = rules.bind("localhost")
    found = {}
    for rule in rules.iter_rules():
        given = {name: FILLED[name] for name in rule.arguments}
        if rule.endpoint == "keyword_version":
            given["number"] = 1
        found[rule.endpoint] = (
            "POST" if "POST" in rule.methods else "GET",
            adapter.build(rule.endpoint, given, method="POST" if "POST" in rule.methods else "GET"),
        )
    return found


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


def test_without_the_token_of_a_form_nothing_is_done(admin, endpoints):
    posts = {name for name, (method, _) in endpoints.items() if method == "POST"}
    # The upload looks at its token once the file has begun to come: see ``test_lists.py``.
    told = answers(admin, endpoints, posts - {"upload_list"}, csrf=False)
    assert {name for name, (status, _) in told.items() if status != 400} == set()
