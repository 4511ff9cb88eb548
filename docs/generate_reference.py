"""Generates the reference pages of the site, as Markdown, from the code of smsgate."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import click
from pydantic import TypeAdapter

from smsgate.cli.main import COMMANDS, cli, command_of
from smsgate.interface import openapi
from smsgate.providers import PROVIDERS
from smsgate.providers.fields import Field
from smsgate.settings import ACCOUNT_KEYS, TABLES, Account, ReplyKind, Retention
from smsgate.settings.read import VARIABLES
from smsgate.settings.rules import span_us
from smsgate.web.v1 import OPERATIONS, PREFIX

Schema = Mapping[str, Any]

SPANS = {span_us(text): text for text in ("90 days", "5 years", "forever")}
"""How the guide writes the defaults of ``[retention]``."""
GUIDE = Path(__file__).with_name("configuration.md")


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A Markdown table, and a blank line; nothing where there are no rows."""
    lines = [" | ".join(" ".join(cell.replace("|", "\\|").split()) for cell in row) for row in rows]
    if not lines:
        return ""
    ruled = [" | ".join(head), " | ".join("---" for _ in head), *lines]
    return "".join(f"| {line} |\n" for line in ruled) + "\n"


def code(value: object) -> str:
    """A value as code, as JSON and TOML both write it; nothing for None."""
    return "" if value is None else f"`{json.dumps(value, ensure_ascii=False)}`"


# --- the command line ---------------------------------------------------------------------------


def commands() -> str:
    """A section for each command, a subsection for each command below it."""
    context = click.Context(cli, info_name="smsgate")
    found = []
    for name in sorted(COMMANDS):
        found += _command(command_of(name), name, context, "##")
    return "".join(found)


def _command(
    command: click.Command, name: str, parent: click.Context, heading: str
) -> Iterator[str]:
    context = click.Context(command, info_name=name, parent=parent)
    yield f"{heading} `{context.command_path}`\n\n"
    yield _escaped(command.help or "") + "\n\n"
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            if found and not found.hidden:
                yield from _command(found, below, context, heading + "#")
        return
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    yield f"```text\n{usage}\n```\n\n"
    records = [
        record
        for parameter in command.params
        if (record := parameter.get_help_record(context)) and record[1]
    ]
    yield table(("option", "what it is"), [(f"`{one}`", _escaped(what)) for one, what in records])
    if command.epilog:
        example = command.epilog.removeprefix("Example: ")
        yield f"```sh\n{example}\n```\n\n"


def _escaped(text: str) -> str:
    """Text in which nothing but code in backticks is Markdown."""
    parts = re.split(r"(`[^`]*`)", text.replace("\b\n", ""))
    return "".join(
        part if part.startswith("`") else re.sub(r"([\\*_<>\[\]{}$])", r"\\\1", part)
        for part in parts
    )


# --- /v1 ----------------------------------------------------------------------------------------


def operations() -> str:
    """A section for each operation of ``/v1``, then one for each type."""
    document = openapi.document(OPERATIONS, PREFIX)
    found = []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            found += _operation(f"{method.upper()} {path}", operation)
    found.append("## Types\n\n")
    for name, schema in sorted(document["components"]["schemas"].items()):
        found.append(f"(type-{name.lower()})=\n### `{name}`\n\n{schema.get('description', '')}\n\n")
        required = schema.get("required", ())
        found.append(
            table(
                ("member", "type", "default", "what it is"),
                [
                    (f"`{member}`", *_value(one, required=member in required))
                    for member, one in schema.get("properties", {}).items()
                ],
            )
        )
    return "".join(found)


def _operation(title: str, operation: Schema) -> Iterator[str]:
    yield f"## `{title}`\n\n{operation['summary']}\n\n{operation['description']}\n\n"
    yield table(
        ("parameter", "in", "type", "default", "what it is"),
        [
            (
                f"`{one['name']}`",
                one["in"],
                *_value(
                    {"description": one.get("description", ""), **one["schema"]}, one["required"]
                ),
            )
            for one in operation["parameters"]
        ],
    )
    body = operation.get("requestBody", {}).get("content", {})
    for kind, content in body.items():
        yield f"Body, `{kind}`: {_type(content['schema'])}\n\n"
    yield table(
        ("status", "what it says", "body"),
        [
            (
                status,
                response["description"],
                ", ".join(
                    f"`{kind}`" + (f": {_type(content['schema'])}" if content.get("schema") else "")
                    for kind, content in response.get("content", {}).items()
                ),
            )
            for status, response in operation["responses"].items()
        ],
    )


def _value(schema: Schema, required: bool) -> tuple[str, str, str]:
    """Type, default and meaning of a member or a parameter."""
    default = "required" if required else code(schema.get("default"))
    return _type(schema), default, schema.get("description", "")


def _type(schema: Schema) -> str:
    """A schema in a few words, with links to the types that it names."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#type-{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(code(one) for one in schema["enum"])
    kind = str(schema.get("format") or schema.get("type", "any"))
    if kind == "array":
        kind = f"list of {_type(schema['items'])}"
    if isinstance(schema.get("additionalProperties"), dict):
        kind = f"object of {_type(schema['additionalProperties'])}"
    return kind + _limits(schema)


def _limits(schema: Schema) -> str:
    words = {
        "minimum": "at least {:,}",
        "maximum": "at most {:,}",
        "minLength": "at least {:,} characters",
        "maxLength": "up to {:,} characters",
        "minItems": "at least {:,}",
        "maxItems": "up to {:,}",
    }
    given = {key: limit for key in words if (limit := schema.get(key)) not in (None, 1)}
    one = ", not empty" if 1 in (schema.get("minLength"), schema.get("minItems")) else ""
    return one + "".join(f", {words[key].format(limit)}" for key, limit in given.items())


# --- the configuration --------------------------------------------------------------------------


def settings() -> str:
    """The environment, each table of ``smsgate.toml``, and the keys of each provider's accounts.

    Keys, types, limits and defaults are the code's, what a key means is said by the guide.
    """
    meanings = key_meanings()
    variables = environment_variables()
    found = ["## Environment\n\n"]
    found.append(
        table(
            ("variable", "as a file", "what it is"),
            [
                (
                    f"`{name}`",
                    f"`{name}_FILE`" if f"{name}_FILE" in variables else "",
                    meanings.get(("Environment", name), ""),
                )
                for name in variables
                if not name.endswith("_FILE")
            ],
        )
    )
    for name, schema in table_schemas().items():
        found.append(f"## `[{name}]`\n\n")
        found.append(_keys(name, schema, meanings))
    found.append("## Keys of a provider's accounts\n\n")
    for name, provider in sorted(PROVIDERS.items()):
        found.append(f'### `provider = "{name}"`\n\nSee [its page](providers/{name}.md).\n\n')
        found.append(
            table(
                ("key", "needed", "secret", "what it must be"),
                [
                    (f"`{one.name}`", _needed(one), "yes" if one.secret else "", _escaped(one.what))
                    for one in provider.fields
                ],
            )
        )
    return "".join(found)


def environment_variables() -> tuple[str, ...]:
    """The variables that settings are read from, and ``NAME_FILE`` where there is one."""
    return (*VARIABLES.values(), *(f"{name}_FILE" for name in VARIABLES.values()))


def table_schemas() -> dict[str, Schema]:
    """By the name of a table of ``smsgate.toml`` what it may have, as a JSON Schema."""
    found = {name: TypeAdapter(table).json_schema() for name, table in TABLES.items()}
    for schema in found.values():
        schema["properties"].pop("(name)", None)
    for key, one in found["retention"]["properties"].items():
        one["default"] = SPANS[getattr(Retention(), f"{key}_us")]
        one["type"] = "string"
        one.pop("anyOf", None)
    account = TypeAdapter(Account).json_schema()
    ours = {key: one for key, one in account["properties"].items() if key in ACCOUNT_KEYS}
    wording = {"type": "string", "minLength": 1, "maxLength": 1600}
    return {
        "accounts.NAME": account | {"properties": ours},
        "programs.NAME.replies.LANGUAGE": {
            "properties": dict.fromkeys(get_args(ReplyKind), wording)
        },
        **found,
    }


def key_meanings() -> dict[tuple[str, str], str]:
    """What the guide says of each key, by its table."""
    found = {}
    for section in GUIDE.read_text("utf-8").split("\n## ")[1:]:
        heading, _, text = section.partition("\n")
        name = heading.strip("`[]")
        for keys, meaning in re.findall(r"(?m)^\| (`[^|]+`) \|(?:[^|]*\|)? ([^|]+) \|$", text):
            found |= {(name, key): meaning for key in re.findall(r"`(\w+)`", keys)}
    return found


def _keys(name: str, schema: Schema, meanings: Mapping[tuple[str, str], str]) -> str:
    required = schema.get("required", ())
    rows = []
    for key, one in schema["properties"].items():
        default = "required" if key in required else code(one.get("default")) or "none"
        rows.append((f"`{key}`", _toml_type(one), default, meanings.get((name, key), "")))
    return table(("key", "type", "default", "what it is"), rows)


def _toml_type(schema: Schema) -> str:
    """As ``_type``, in the words of TOML: a table is a section of its own, and nothing is null."""
    if "$ref" in schema or schema.get("type") == "object":
        return "table"
    if "anyOf" in schema:
        return " or ".join(_toml_type(one) for one in schema["anyOf"] if one != {"type": "null"})
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}{_limits(schema)}"
    return _type(schema)


def _needed(field: Field) -> str:
    if field.only_with:
        return f'with `{field.only_with[0]} = "{field.only_with[1]}"`'
    return "yes" if field.required else ""
