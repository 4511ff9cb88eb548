"""Every form of every page, sent empty and sent wrong: the error stands at its field."""

from __future__ import annotations

import re

import pytest

from tests.fakes.console_pages import ADDRESSES, add_objects
from tests.fakes.html_forms import HtmlForm, forms_of
from tests.fakes.pages import outside_details, waits
from tests.fakes.private_terms import private_terms, rules_in

pytestmark = pytest.mark.full

LAST = (
    "/remove", "/revoke", "/sessions", "/forget", "/off", "/reset-password", "/deactivate",
    "/change-role",
)  # fmt: skip
"""How actions end after which other forms have nothing to work on."""
OF_NO_FIELD = {
    "/console/me/factor": "the browser makes the passkey",
    "/console/people/change-role": "the last admin stays one",
}
"""Forms whose error belongs to the form as a whole."""


def heading(page: str) -> str:
    return re.sub(r"<[^>]*>", "", re.search(r"<h1>(.*?)</h1>", page, re.DOTALL)[1])


@pytest.fixture
def forms(services, admin) -> dict[str, tuple[str, HtmlForm]]:
    """By action a page and its form."""
    made = add_objects(services)
    waits(services, "maybe stop")
    found = {}
    for address in map(made.fill, ADDRESSES):
        for form in forms_of(admin.get(address).text):
            found.setdefault(form.action.partition("?")[0], (address, form))
    del found["/console/out"]
    return dict(sorted(found.items(), key=lambda one: one[0].endswith(LAST)))


@pytest.mark.parametrize("typed", ["", "zz \N{SNOWMAN} <b>"])
def test_an_error_stands_at_its_field_on_the_page_of_its_form(admin, forms, typed):
    assert len(forms) > 25
    elsewhere, at_no_field, failed = [], [], 0
    for action, (address, form) in forms.items():
        page = admin.get(address)
        if page.status_code != 200:
            continue  # an earlier form removed what it is about
        before = page.text
        token = forms_of(before)[0].values["csrf_token"]
        sent = {**form.values, **dict.fromkeys(form.typed, typed), "csrf_token": token}
        answer = admin.post(form.action, sent)
        is_page = "Content-Disposition" not in answer.headers  # not a file that is downloaded
        if answer.mimetype == "text/html" and is_page:
            words = outside_details(answer.text)
            assert [*private_terms(words), *rules_in(words)] == [], action
        if answer.status_code < 400:
            continue
        failed += 1
        after = answer.text
        if heading(after) != heading(before):
            elsewhere.append(f"{action} of {address}: {heading(after)}")
        elif form.typed and 'class="field-error"' not in after and action not in OF_NO_FIELD:
            at_no_field.append((action, re.findall(r'role="alert">([^<]+)', after)))
    assert (elsewhere, at_no_field) == ([], [])
    assert failed > 10
