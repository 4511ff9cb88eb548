"""Every operation as endpoint and as command: keys, scopes, bad input, help and example.

A new operation is tested here before anybody writes a test for it.
"""

from __future__ import annotations

import re
import secrets
import shlex

import click
import msgspec
import pytest
from flask import Flask

from smsgate import features
from smsgate.cli import operations
from smsgate.cli.main import COMMANDS, cli, command_of
from smsgate.interface.operation import Download
from smsgate.interface.parts import Parts
from smsgate.interface.values import plain_type
from smsgate.web.v1 import OPERATIONS as OF_API
from tests.fakes.own_services import add_key

OPERATIONS = [
    one for module in (*features.modules("operations"), operations) for one in module.OPERATIONS
]
COMMAND_LINES = [one for one in OPERATIONS if one.command]
NAMES = [one.name for one in OPERATIONS]
SCOPES = ("check", "write", "admin")


@pytest.fixture(autouse=True)
def new_keys_are_known_at_once(monkeypatch) -> None:
    monkeypatch.setattr("smsgate.api_keys.TRUST_S", 0.0)


def address(operation) -> str:
    """The operation's path with its example, and with placeholders for what that leaves out."""
    return re.sub(r"<(\w+)>", lambda found: str(operation.example[found[1]]), operation.path)


def query(operation) -> dict[str, str]:
    """The example's values for the query."""
    in_query = operation.method != "POST" or operation.upload
    values = operation.example if in_query else {}
    return {name: str(one) for name, one in values.items() if name not in operation.path_fields}


def body(operation) -> object:
    """The example as a body; None where there is none."""
    if operation.method != "POST" or operation.upload:
        return None
    return {
        name: one for name, one in operation.example.items() if name not in operation.path_fields
    }


def call(api, operation, key: str | None = None, **more):
    headers = {"Authorization": f"Bearer {key}"} if key is not None else {}
    given = body(operation)
    return api.call(
        operation.method, address(operation), given, query_string=query(operation),
        headers=headers, **more,
    )  # fmt: skip


def key_of(services, scope: str, programs: tuple[str, ...] = ()) -> str:
    services.records.migrate()
    name = f"{scope}{secrets.token_hex(4)}"
    return add_key(services.records, name, scope, *programs)


def test_no_two_have_the_same_name_command_or_endpoint() -> None:
    assert len({*NAMES}) == len(NAMES)
    endpoints = [(one.method, re.sub(r"<\w+>", "<>", one.path)) for one in OF_API]
    assert len({*endpoints}) == len(endpoints)
    commands = [one.command.partition(" <")[0] for one in COMMAND_LINES]
    assert len({*commands}) == len(commands)


def test_every_function_that_takes_parts_finds_them(services) -> None:
    parts = Parts(services)
    for one in OPERATIONS:
        parts.bind(one.run, given=2)
    for module in (*features.modules("console"), *features.modules("routes")):
        parts.bind(module.register, given=1)


def test_a_part_that_is_not_there_is_named_at_the_start(services) -> None:
    def register(app: Flask, pipe: click.Path) -> None: ...

    with pytest.raises(TypeError, match=r"register: there is no part of the type of 'pipe'"):
        Parts(services).bind(register, given=1)


@pytest.mark.parametrize("operation", OPERATIONS, ids=NAMES)
def test_it_is_described(operation) -> None:
    assert operation.summary.endswith("."), "a sentence"
    assert operation.request.__doc__
    assert operation.path or operation.command
    for name, field in operation.fields.items():
        if name == operation.upload:
            continue
        _, meta = plain_type(field.type)
        has_words = meta is not None and meta.description
        assert has_words or not operation.command, f"{name} is an option without a description"
    if operation.empty:
        assert issubclass(operation.row_type, msgspec.Struct)
        assert operation.columns([]) == [], "each field of a row can be a column"
    if operation.result is Download:
        assert operation.media_type != "application/json"


@pytest.mark.parametrize("operation", OF_API, ids=[one.name for one in OF_API])
def test_without_a_key_or_with_too_small_a_scope_it_does_nothing(api, services, operation) -> None:
    for key in ("", "nonsense", "sgk_" + "x" * 43):
        answer = call(api, operation, key)
        assert (answer.status_code, answer.json["reason"]) == (401, "unauthorized")
        assert answer.mimetype == "application/problem+json"
    for scope in SCOPES[: SCOPES.index(operation.scope)]:
        answer = call(api, operation, key_of(services, scope))
        assert (answer.status_code, answer.json["reason"]) == (403, "forbidden")
        assert operation.scope in answer.json["detail"]


@pytest.mark.parametrize("operation", OF_API, ids=[one.name for one in OF_API])
def test_a_key_of_other_programs_reaches_nothing(api, services, operation) -> None:
    """What it may not do at all is refused; else it is about its own programs alone."""
    answer = call(api, operation, key_of(services, "admin", ("orders",)))
    if not operation.by_program:
        assert (answer.status_code, answer.json["reason"]) == (403, "forbidden")
        assert "limited to orders" in answer.json["detail"]
    else:
        assert answer.status_code < 500
        assert "alerts" not in answer.text or answer.status_code == 403


@pytest.mark.parametrize("operation", OF_API, ids=[one.name for one in OF_API])
def test_what_it_does_not_take_is_refused_with_what_would_be_right(api, operation) -> None:
    if operation.method == "POST" and not operation.upload:
        bad = [b"", b"{", b"[]", b'"x"', b'{"no_such_field": 1}', b"\xff", b"[" * 100_000]
        for content in bad:
            if not {*operation.fields} - {*operation.path_fields}:
                continue
            answer = api.call(
                "POST", address(operation), data=content, content_type="application/json"
            )
            assert answer.status_code in (400, 422), content[:20]
            assert answer.json["detail"]
    else:
        answer = api.call(operation.method, address(operation), query_string={"no_such_field": 1})
        assert answer.status_code == 422
        assert "no_such_field" in answer.json["detail"]


@pytest.mark.parametrize("operation", COMMAND_LINES, ids=[one.command for one in COMMAND_LINES])
def test_its_command_has_help_and_an_example_that_it_takes(operation) -> None:
    name = operation.command.split(" ")[0]
    assert COMMANDS[name].endswith(":"), "the feature's list names the command"
    context = click.Context(cli, info_name="smsgate")
    command = command_of(name)
    words = shlex.split(str(_leaf(command, operation).epilog).removeprefix("Example: smsgate "))
    found, given = command, words[1:]
    if isinstance(found, click.Group):
        found, given = found.commands[words[1]], words[2:]
    made = found.make_context(found.name, [*given], parent=context)
    for wanted, value in operation.example.items():
        if wanted != "actor":
            assert str(made.params[wanted]) in (str(value), str((value,))), wanted
    text = found.get_help(made)
    assert ("--json" in text) is (operation.result is not Download)
    assert operation.summary.split(".")[0] in " ".join(text.split())


def _leaf(command: click.Command, operation) -> click.Command:
    if not isinstance(command, click.Group):
        return command
    return command.commands[operation.command.partition(" <")[0].split(" ")[-1]]
