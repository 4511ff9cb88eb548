"""Pages that operations make: their roles, and the rows of those that have an example."""

from __future__ import annotations

from dataclasses import replace

import pytest

from smsgate import features
from smsgate.features.audit import operations as audit
from smsgate.interface.list_page import ListPage
from smsgate.web.console.app import create_console
from tests.fakes.browser import browser
from tests.fakes.own_services import make_part

PAGES: list[ListPage] = [
    one for module in features.modules("operations") for one in getattr(module, "PAGES", ())
]


@pytest.mark.parametrize("page", PAGES, ids=[one.path for one in PAGES])
def test_its_page_and_its_actions_want_their_roles(services, page) -> None:
    """That each role is refused what it may not do is tried for every route of the console."""
    rules = {rule.rule: rule for rule in make_part(services, create_console).url_map.iter_rules()}
    assert page.path in rules
    for action in [*page.actions, *([page.create] if page.create else [])]:
        rule = rules[f"{page.path}/{action.name}"]
        assert rule.methods == {"POST", "OPTIONS"}
        roles = ("viewer", "agent", "admin")
        assert roles.index(action.operation.role) >= roles.index(page.operation.role)
        assert action.operation.role != "viewer", "who sees changes nothing"


@pytest.mark.parametrize("page", PAGES, ids=[one.path for one in PAGES])
def test_what_is_typed_into_its_filters_never_breaks_it(admin, page) -> None:
    names = [name for name in page.operation.fields if name != "actor"]
    for value in ("nonsense", "<b>", "9" * 400, "\N{RIGHT-TO-LEFT OVERRIDE}"):
        answer = admin.get(page.path, query_string=dict.fromkeys(names, value))
        assert answer.status_code == 200, (value, answer.text[-400:])
        assert "<b>" not in answer.text.partition("<main")[2]


def test_a_page_with_a_group_is_in_the_menu_of_whoever_may_see_it(
    services, operator, monkeypatch
) -> None:
    assert {page.group for page in PAGES} <= {*features.GROUPS}
    page, agents = audit.PAGES[0], replace(audit.read_audit_log, role="agent")
    added = replace(page, path="/console/more", title="More", operation=agents, group="Team")
    monkeypatch.setattr(audit, "PAGES", (added,))
    for role, is_there in (("viewer", False), ("agent", True)):
        seen = browser(services)
        seen.sign_in(operator(role, role))
        home = seen.get("/console/").text
        assert ('<a href="/console/more">More</a>' in home) is is_there
        assert "<kbd></kbd>" not in home
