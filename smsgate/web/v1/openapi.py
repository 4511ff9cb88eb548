"""The OpenAPI 3.1 document of ``/v1``, made from the table of operations and its types."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from smsgate import __version__
from smsgate.web.problems import PROBLEM, Problem
from smsgate.web.v1.operations import JSON, Operation

_PARAMETER = re.compile(r"<(\w+)>")
_REF = "#/components/schemas/{name}"
_PATH: Mapping[str, Mapping[str, Any]] = {
    "number": {"description": "E.164, such as +14155550123.", "example": "+14155550123"},
    "scope": {"description": "`all`, or the name of a program.", "example": "all"},
    "list": {"description": "The id of an import.", "example": "import-3f9c"},
    "job": {"description": "The id that the upload of a list gave.", "example": "5f0c9a"},
    "program": {"description": "The name of a program.", "example": "alerts"},
}
_PROBLEMS = {
    401: "No key, or none that opens.",
    403: "The key's scope is too small, or it is limited to other programs.",
    422: "Understood, but not what the call takes; `detail` says what would be right.",
    429: "The key calls too often, or its address gave too many wrong keys; `Retry-After` says for "
    "how long to wait.",
    503: "The store or the records cannot tell; `Retry-After` says when to try again.",
}
_LIMITED = "With a key that is limited to programs: about those alone."
_UNLIMITED = "Not for a key that is limited to programs."
_OF_FILES = {411: "The body has no Content-Length.", 413: "The list is over 1 GiB."}
_FILE = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
_OF_BODIES = {
    400: "The body is no JSON.",
    413: "The body is over 1 MiB.",
    415: "The body is not said to be JSON.",
}


def document(operations: Sequence[Operation], prefix: str) -> dict[str, Any]:
    """The whole document."""
    schemas = _Schemas(operations)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        path = prefix + _PARAMETER.sub(r"{\1}", operation.path)
        paths.setdefault(path, {})[operation.method.lower()] = _described(operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "smsgate",
            "version": __version__,
            "summary": "May I text this number?",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A key that `smsgate keys make` made, for every program or "
                    "limited to some.",
                }
            },
        },
    }


class _Schemas:
    """JSON Schemas of all types of the operations."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        types = [Problem, *_types(operations)]
        found, self.components = msgspec.json.schema_components(types, ref_template=_REF)
        self._found = [*zip(types, found, strict=True)]

    def of(self, wanted: object) -> dict[str, Any]:
        """The schema of one type."""
        return next(schema for kind, schema in self._found if kind == wanted)

    def fields(self, shape: type[msgspec.Struct]) -> tuple[Mapping[str, Any], Sequence[str]]:
        """The schemas of a struct's fields, and which of them are required."""
        found = self.components[shape.__name__]
        return found["properties"], found.get("required", ())


def _types(operations: Iterable[Operation]) -> list[Any]:
    found: list[Any] = []
    for operation in operations:
        for one in (*operation.answers.values(), operation.body, operation.query):
            if one is not None and one not in found:
                found.append(one)
    return found


def _described(operation: Operation, schemas: _Schemas) -> dict[str, Any]:
    of_body = _OF_BODIES if operation.body is not None else {}
    of_file = _OF_FILES if operation.takes_file else {}
    problems = {**_PROBLEMS, **of_body, **of_file, **operation.also}
    told: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": f"{(operation.run.__doc__ or '').strip()} Needs `{operation.scope}`. "
        + (_LIMITED if operation.by_program else _UNLIMITED),
        "parameters": [*_in_path(operation), *_in_query(operation, schemas)],
        "responses": {
            **{
                str(status): _answer(operation, kind, schemas)
                for status, kind in sorted(operation.answers.items())
            },
            **{str(status): _problem(why, schemas) for status, why in sorted(problems.items())},
        },
    }
    if operation.body is not None:
        content = {JSON: {"schema": schemas.of(operation.body)}}
        told["requestBody"] = {"required": True, "content": content}
    if operation.takes_file:
        told["requestBody"] = {"required": True, "content": _FILE}
    return told


def _answer(operation: Operation, kind: object, schemas: _Schemas) -> dict[str, Any]:
    content = {operation.answer_type: {"schema": schemas.of(kind)}}
    return {"description": "Done.", "content": content}


def _problem(why: str, schemas: _Schemas) -> dict[str, Any]:
    return {"description": why, "content": {PROBLEM: {"schema": schemas.of(Problem)}}}


def _in_path(operation: Operation) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}, **_PATH[name]}
        for name in _PARAMETER.findall(operation.path)
    ]


def _in_query(operation: Operation, schemas: _Schemas) -> list[dict[str, Any]]:
    if operation.query is None:
        return []
    fields, required = schemas.fields(operation.query)
    return [
        {"name": name, "in": "query", "required": name in required, "schema": dict(schema)}
        for name, schema in fields.items()
    ]
