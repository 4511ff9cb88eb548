"""Every action of staff has words, and a group that finds it, on the page and in the file."""

from __future__ import annotations

import ast
import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import smsgate
from smsgate.features.audit.operations import Group
from smsgate.records.operator_actions import ActionAuthor, log_action
from tests.fakes.pages import words

ACTIONS = {
    "person added": ("people", "Person added"),
    "sign-in reset": ("people", "Sign-in reset"),
    "role changed": ("people", "Role changed"),
    "deactivated": ("people", "Deactivated"),
    "password set": ("people", "Password set"),
    "notice not sent": ("people", "Notice not sent"),
    "single sign-on connected": ("people", "Single sign-on connected"),
    "second factor added": ("people", "Second factor added"),
    "second factor removed": ("people", "Second factor removed"),
    "signed in": ("sign_ins", "Signed in"),
    "signed out": ("sign_ins", "Signed out"),
    "wrong password": ("sign_ins", "Wrong password"),
    "wrong code": ("sign_ins", "Wrong code"),
    "wrong passkey": ("sign_ins", "Wrong passkey"),
    "attempt while locked": ("sign_ins", "Attempt while locked"),
    "unknown name": ("sign_ins", "Unknown name"),
    "made an API key": ("keys", "Made an API key"),
    "rotated an API key": ("keys", "Rotated an API key"),
    "revoked an API key": ("keys", "Revoked an API key"),
    "retried a reply": ("replies", "Retried a reply"),
    "dismissed a reply": ("replies", "Dismissed a reply"),
    "retried a delivery": ("replies", "Retried a delivery"),
    "dismissed a delivery": ("replies", "Dismissed a delivery"),
    "retried a message": ("replies", "Retried a message"),
    "dismissed a message": ("replies", "Dismissed a message"),
    "exported numbers": ("exports", "Exported numbers"),
    "exported opt-outs and consents": ("exports", "Exported opt-outs and consents"),
    "exported evidence": ("exports", "Exported evidence"),
    "exported the records": ("exports", "Exported the records"),
    "exported …": ("exports", ""),
    "read the guide": ("people", "Read the guide"),
    "sent a test alert": ("configuration", "Sent a test alert"),
}
"""By what the log keeps: the group, and the words. A new action is added here."""
_LOGGED_BY = {
    "record_action": 0,
    "log_action": 1,
    "changing": 1,
    "SignInRefused": 1,
    "_log_refusal": 2,
    "_changing": 0,
}
"""Functions that log, and which of their arguments says what."""


def named(call: ast.Call) -> str:
    return getattr(call.func, "attr", "") or getattr(call.func, "id", "")


def texts(argument: ast.expr) -> Iterator[str]:
    """The texts that an argument may be; what is filled in is a dot of dots."""
    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
        yield argument.value
    elif isinstance(argument, ast.JoinedStr):
        parts = (str(getattr(part, "value", "")) for part in argument.values)
        dots = (isinstance(part, ast.FormattedValue) for part in argument.values)
        yield "".join("…" if dot else text for text, dot in zip(parts, dots, strict=True))
    elif isinstance(argument, ast.IfExp):
        yield from texts(argument.body)
        yield from texts(argument.orelse)


def logged() -> Iterator[str]:
    for file in Path(smsgate.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            at = _LOGGED_BY.get(named(node)) if isinstance(node, ast.Call) else None
            if at is not None and len(node.args) > at:
                yield from texts(node.args[at])
            for given in node.keywords if isinstance(node, ast.Call) else ():
                if given.arg == "audit":  # of an operation
                    yield from filter(None, texts(given.value))


def test_every_action_in_the_code_is_known() -> None:
    found = {*logged()}
    assert len(found) > 20
    assert found <= ACTIONS.keys()


def test_each_has_words_and_is_found_by_its_group_on_page_and_in_file(services, admin) -> None:
    mine = {what: known for what, known in ACTIONS.items() if known[1]}
    for what in mine:
        author = ActionAuthor("zoe", "10.0.0.9")
        with services.records.database.writing() as connection:
            log_action(connection, what, "maria", author, "a note")
    for group in filter(None, get_args(Group)):
        query = f"person=zoe&group={group}"
        shown = {said for where, said in mine.values() if where == group}
        page = words(admin.get(f"/console/audit?{query}"))
        others = {said for where, said in mine.values() if where != group}
        for said in shown:
            assert f"zoe {said} maria a note 10.0.0.9" in page, said
        assert not [said for said in others if f"zoe {said} maria" in page]
        answer = admin.get(f"/console/audit?csv=yes&{query}")
        rows = [*csv.DictReader(io.StringIO(answer.text))]
        assert {row["action"] for row in rows} == shown
        assert {row["about"] for row in rows} <= {"maria"}


def test_a_file_does_not_ignore_days_that_are_wrong(admin, services) -> None:
    for query in ("since=tomorrow", "since=2026-02-02&until=2026-02-01", "zone=Mars/Olympus"):
        for page in ("suppressions", "audit"):
            path = f"/console/{page}?csv=yes&{query}"
            assert admin.get(path).status_code == 422, path
    assert "Exported" not in words(admin.get("/console/audit?group=exports")).partition("Note")[2]
    admin.get("/console/audit?csv=yes&since=2026-01-02&zone=Europe/Berlin")
    said = words(admin.get("/console/audit?group=exports"))
    assert "since=2026-01-02&zone=Europe%2FBerlin" in said
