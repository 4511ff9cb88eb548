"""The pages that are generated from the code have all of it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

from docs.generate_reference import (
    commands,
    environment_variables,
    key_meanings,
    operations,
    settings,
    table_schemas,
)
from smsgate.cli.main import COMMANDS, command_of
from smsgate.providers import PROVIDERS
from smsgate.settings.read import HEADINGS
from smsgate.web.v1 import OPERATIONS

KEYS = [(name, key) for name, schema in table_schemas().items() for key in schema["properties"]]


def section(page: str, heading: str) -> str:
    """What a page has under a heading, up to the next of any level."""
    found = re.search(rf"(?ms)^##+ `{re.escape(heading)}`\n(.*?)(?=^##|\Z)", page)
    assert found, heading
    return found[1]


def walk(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    """A command and those below it, each with what one types to call it."""
    yield path, command
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            yield from walk(below, f"{path} {name}")


def test_every_command_has_a_section_with_its_options():
    page = commands()
    for name in COMMANDS:
        command = command_of(name)
        for path, one in walk(command, f"smsgate {name}"):
            text = section(page, path)
            for parameter in one.params:
                if isinstance(parameter, click.Option) and not parameter.hidden:
                    assert parameter.opts[0] in text, path


def test_every_operation_has_a_section_with_its_parameters():
    page = operations()
    for operation in OPERATIONS:
        path = re.sub(r"<(\w+)>", r"{\1}", operation.path)
        text = section(page, f"{operation.method} /v1{path}")
        in_query = operation.method != "POST" or operation.upload
        for name in (
            {*operation.fields} - {*operation.path_fields, operation.upload} if in_query else ()
        ):
            assert f"| `{name}` | query |" in text


def test_every_type_that_an_operation_links_to_has_a_section():
    page = operations()
    assert {*re.findall(r"\(#(type-\w+)\)", page)} <= {*re.findall(r"(?m)^\((type-\w+)\)=$", page)}


def test_every_key_has_a_row():
    page = settings()
    for table, key in KEYS:
        assert re.search(rf"(?m)^\| `{key}` \|", section(page, f"[{table}]")), (table, key)


def test_the_environment_has_every_variable_and_the_guide_explains_it():
    page, explained = settings(), key_meanings()
    variables = [name for name in environment_variables() if not name.endswith("_FILE")]
    assert {"REDIS_URL", "SMSGATE_CONFIG", "PORT", "SMSGATE_METRICS_KEYS"} <= {*variables}
    assert [one for one in variables if f"\n| `{one}` |" not in page] == []
    assert [one for one in variables if not explained.get(("Environment", one))] == []


def test_the_guide_explains_every_key():
    explained = key_meanings()
    assert [one for one in KEYS if not explained.get(one)] == []


def test_every_table_of_the_file_is_there():
    assert {name.partition(".")[0] for name, _ in KEYS} == {*HEADINGS}


def test_every_provider_has_its_keys():
    page = settings()
    for name, provider in PROVIDERS.items():
        text = section(page, f'provider = "{name}"')
        assert all(f"| `{one.name}` |" in text for one in provider.fields), name


def test_help_that_looks_like_markdown_is_shown_as_it_is():
    text = re.sub(r"(?s)```.*?```|`[^`]*`", "", commands())
    assert not re.search(r"(?<!\\)[<*_\[]", text)
