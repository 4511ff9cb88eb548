"""An error of a form stands in the form, at its field, and what was typed is kept."""

from __future__ import annotations

import html
import re

from tests.fakes.people import change_people


def field(page: str, id_: str) -> str:
    """An input with what stands below it."""
    return re.search(rf'<label for="{id_}">.*?(?=<label|<button)', page, re.DOTALL)[0]


def test_an_error_stands_at_its_field_with_what_was_typed(admin) -> None:
    admin.get("/console/people")
    answer = change_people(admin, "add", {"name": "4155550123", "role": "agent"})
    assert answer.status_code == 422
    assert "<h1>People</h1>" in answer.text
    below = field(answer.text, "create-name")
    assert 'value="4155550123"' in below
    assert (
        'aria-describedby="create-name-error create-name-help" aria-invalid="true" autofocus'
        in below
    )
    assert re.search(r'id="create-name-error" role="alert">That name is not valid', below)
    assert '<option value="agent" selected>' in field(answer.text, "create-role")
    assert answer.text.count("That name is not valid") == 1


def test_a_page_says_in_its_form_where_it_is_so_that_no_referer_is_needed(admin) -> None:
    page = admin.get("/console/people?before=x").text
    form = page.partition('action="/console/people/add"')[2]
    told = html.unescape(re.search(r'name="page" value="([^"]+)"', form)[1])
    data = {"name": "", "role": "agent", "page": told}
    answer = change_people(admin, "add", data, headers={"Referer": ""})
    assert "<h1>People</h1>" in answer.text
    assert "That name is not valid" in field(answer.text, "create-name")


def test_an_error_of_no_field_stands_at_the_top_of_its_page(admin) -> None:
    admin.get("/console/people")
    answer = change_people(admin, "end", {"name": "nobody"})
    assert answer.status_code == 409
    again = change_people(admin, "role", {"name": "admin", "role": "viewer"}).text
    for page in (answer.text, again):
        main = page.partition("<main")[2]
        assert main.index('class="notice bad" role="alert">') < main.index("<h1>People</h1>")
    assert "<details open>" in again


def test_a_password_is_not_sent_back(visitor, operator) -> None:
    operator("maria", "agent")
    answer = visitor.sign_in("maria", "not it, but secret")
    assert (answer.status_code, "<h1>Sign in</h1>" in answer.text) == (403, True)
    assert 'value="maria"' in field(answer.text, "name")
    assert "not it, but secret" not in answer.text


def test_what_was_typed_is_text(admin) -> None:
    admin.get("/console/people")
    nasty = '"><script>alert(1)</script>'
    answer = change_people(admin, "add", {"name": nasty, "role": nasty, "page": nasty})
    assert answer.status_code == 422
    assert "<script>alert" not in answer.text


def test_from_a_page_that_is_none_of_ours_the_error_is_a_page(admin) -> None:
    for page in (
        "",
        "/console/nowhere",
        "/console/people/add",
        "//evil.example/console/people",
    ):
        data = {"name": "", "role": "agent", "page": page}
        answer = change_people(admin, "add", data, headers={"Referer": ""})
        assert (answer.status_code, "That name is not valid" in answer.text) == (422, True)


def test_a_sender_with_a_nul_keeps_its_page_and_its_evidence(admin) -> None:
    assert admin.get("/console/numbers/A%00B").status_code == 404  # nothing is recorded of it
    made = admin.post("/console/numbers/evidence", {"number": "A\0B"})
    assert made.status_code == 200
    assert "A\N{REPLACEMENT CHARACTER}•••" in admin.get("/console/audit").text
