"""The OpenAPI 3.1 document of ``/v1``, made from the operations and their types."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import msgspec

from smsgate import __version__
from smsgate.interface.operation import Download, Operation
from smsgate.interface.requests import JSON, PROBLEM, Problem
from smsgate.interface.values import request_without

_PARAMETER = re.compile(r"<(\w+)>")
_REF = "#/components/schemas/{name}"
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
_IDEMPOTENCY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Yours, best a UUID: a second call with it within 24 hours changes nothing and "
    "gets the first one's answer.",
    "schema": {"type": "string", "maxLength": 200},
}
_OF_CHANGES = {409: "A call with this `Idempotency-Key` is still being answered."}


def document(operations: Sequence[Operation[Any, Any]], prefix: str) -> dict[str, Any]:
    """The whole document."""
    schemas = _Schemas(operations)
    paths: dict[str, dict[str, Any]] = {}
    for one in operations:
        path = prefix + _PARAMETER.sub(r"{\1}", one.path)
        paths.setdefault(path, {})[one.method.lower()] = _described(one, schemas)
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

    def __init__(self, operations: Sequence[Operation[Any, Any]]) -> None:
        types = [Problem, *_types(operations)]
        found, self.components = msgspec.json.schema_components(types, ref_template=_REF)
        self._found = [*zip(types, found, strict=True)]

    def of(self, wanted: object) -> dict[str, Any]:
        """The schema of one type."""
        return next(schema for kind, schema in self._found if kind == wanted)


def _types(operations: Iterable[Operation[Any, Any]]) -> list[Any]:
    """What is answered, bodies, and each field of a request by itself."""
    found: list[Any] = []
    for one in operations:
        answers = [str if kind is Download else kind for kind in one.statuses().values()]
        fields = [field.type for name, field in _plain_fields(one).items() if name != one.body]
        for kind in (*answers, _body(one), *fields):
            if kind is not None and kind not in found:
                found.append(kind)
    return found


def _plain_fields(one: Operation[Any, Any]) -> Mapping[str, msgspec.structs.FieldInfo]:
    return {name: field for name, field in one.fields.items() if name != one.upload}


def _body(one: Operation[Any, Any]) -> Any:  # noqa: ANN401 - any type
    """The type of the JSON body; None without one."""
    if one.body:
        return one.body_schema or one.fields[one.body].type
    rest = {*one.fields} - {*one.path_fields}
    if one.method != "POST" or one.upload or not rest:
        return None
    if not one.path_fields:
        return one.request
    return _rest_of(one)


@cache
def _rest_of(one: Operation[Any, Any]) -> type:
    return request_without(one, one.path_fields)


def _described(one: Operation[Any, Any], schemas: _Schemas) -> dict[str, Any]:
    body = _body(one)
    problems = {
        **_PROBLEMS,
        **(_OF_BODIES if body is not None else {}),
        **(_OF_FILES if one.upload else {}),
        **(_OF_CHANGES if one.is_kept else {}),
        **one.problems,
    }
    told: dict[str, Any] = {
        "operationId": one.name,
        "summary": one.summary.rstrip("."),
        "description": f"{_plain(one.run.__doc__)} Needs `{one.scope}`. "
        + (_LIMITED if one.by_program else _UNLIMITED),
        "parameters": _parameters(one, schemas),
        "responses": {
            **{
                str(status): _answer(one, kind, schemas)
                for status, kind in sorted(one.statuses().items())
            },
            **{str(status): _problem(why, schemas) for status, why in sorted(problems.items())},
        },
    }
    if body is not None:
        told["requestBody"] = {"required": True, "content": {JSON: {"schema": schemas.of(body)}}}
    if one.upload:
        told["requestBody"] = {"required": True, "content": _FILE}
    return told


def _plain(docstring: str | None) -> str:
    return " ".join((docstring or "").split())


def _answer(one: Operation[Any, Any], kind: object, schemas: _Schemas) -> dict[str, Any]:
    schema = schemas.of(str if kind is Download else kind)
    return {"description": "Done.", "content": {one.media_type: {"schema": schema}}}


def _problem(why: str, schemas: _Schemas) -> dict[str, Any]:
    return {"description": why, "content": {PROBLEM: {"schema": schemas.of(Problem)}}}


def _parameters(one: Operation[Any, Any], schemas: _Schemas) -> list[dict[str, Any]]:
    in_body = _body(one) is not None
    found = []
    for name, field in _plain_fields(one).items():
        in_path = name in one.path_fields
        if in_body and not in_path:
            continue
        parameter: dict[str, Any] = {
            "name": name,
            "in": "path" if in_path else "query",
            "required": in_path or field.required,
            "schema": _with_default(schemas.of(field.type), field),
        }
        if name in one.example:
            parameter["example"] = one.example[name]
        found.append(parameter)
    return [*found, _IDEMPOTENCY] if one.is_kept else found


def _with_default(schema: Mapping[str, Any], field: msgspec.structs.FieldInfo) -> dict[str, Any]:
    if field.default is msgspec.NODEFAULT:
        return dict(schema)
    return {**schema, "default": field.default}
