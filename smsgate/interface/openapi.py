"""The OpenAPI 3.1 document of ``/v1``, made from the operations and their types."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from smsgate import __version__
from smsgate.interface.endpoints import JSON, PROBLEM, Problem
from smsgate.interface.operation import Download, Operation

_PROBLEMS = {
    401: "No key, or none that opens.",
    403: "The key's scope is too small, or it is limited to other programs.",
    422: "Understood, but not what the call takes; `detail` says what would be right.",
    429: "The key calls too often, or its address gave too many wrong keys; `Retry-After` says for "
    "how long to wait.",
    503: "The store or the records cannot tell; `Retry-After` says when to try again.",
}
_OF_FILES = {411: "The body has no Content-Length.", 413: "The list is over 1 GiB."}
_OF_BODIES = {
    400: "The body is no JSON.",
    413: "The body is over 1 MiB.",
    415: "The body is not said to be JSON.",
}
_OF_CHANGES = {409: "A call with this `Idempotency-Key` is still being answered."}
_IDEMPOTENCY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Yours, best a UUID: a second call with it within 24 hours changes nothing and "
    "gets the first one's answer.",
    "schema": {"type": "string", "maxLength": 200},
}


def document(operations: Sequence[Operation[Any, Any]], prefix: str) -> dict[str, Any]:
    """The whole document."""
    components: dict[str, Any] = {}

    def schema_of(kind: Any) -> dict[str, Any]:  # noqa: ANN401 - a type
        """Its schema, whose parts become components."""
        place = "#/components/schemas/{name}"
        (found,), parts = msgspec.json.schema_components([kind], ref_template=place)
        components.update(parts)
        return found

    paths: dict[str, dict[str, Any]] = {}
    for one in operations:
        path = prefix + re.sub(r"<(\w+)>", r"{\1}", one.path)
        paths.setdefault(path, {})[one.method.lower()] = _described(one, schema_of)
    key = {
        "type": "http",
        "scheme": "bearer",
        "description": "A key that `smsgate keys make` made, for every program or limited to some.",
    }
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
        "components": {"schemas": components, "securitySchemes": {"key": key}},
    }


def _body(one: Operation[Any, Any]) -> Any:  # noqa: ANN401 - a type
    """The type of the body: the request without what stands in the path."""
    if not one.path_fields:
        return one.request
    fields = [
        (name, field.type, *(() if field.required else (msgspec.field(default=field.default),)))
        for name, field in one.fields.items()
        if name not in one.path_fields
    ]
    about = {"__doc__": one.request.__doc__}
    return msgspec.defstruct(
        one.request.__name__, fields, namespace=about, forbid_unknown_fields=True, kw_only=True
    )


def _described(
    one: Operation[Any, Any], schema_of: Callable[[Any], dict[str, Any]]
) -> dict[str, Any]:
    answer = {"schema": schema_of(str if one.result is Download else one.result)}
    told: dict[str, Any] = {
        "operationId": one.name,
        "summary": one.summary.rstrip("."),
        "description": f"{' '.join((one.run.__doc__ or '').split())} Needs `{one.scope}`. "
        + (
            "With a key that is limited to programs: about those alone."
            if one.by_program
            else "Not for a key that is limited to programs."
        ),
    }
    if one.has_json:
        told["requestBody"] = {
            "required": True,
            "content": {JSON: {"schema": schema_of(_body(one))}},
        }
    elif one.upload:
        file = {"schema": {"type": "string", "format": "binary"}}
        told["requestBody"] = {"required": True, "content": {"application/octet-stream": file}}
    names = one.path_fields if one.has_json else [name for name in one.fields if name != one.upload]
    told["parameters"] = [_parameter(one, name, schema_of(one.fields[name].type)) for name in names]
    problems = {
        **_PROBLEMS,
        **(_OF_BODIES if one.has_json else {}),
        **(_OF_FILES if one.upload else {}),
        **(_OF_CHANGES if one.is_kept else {}),
        **one.problems,
    }
    if one.is_kept:
        told["parameters"].append(_IDEMPOTENCY)
    shown = {PROBLEM: {"schema": schema_of(Problem)}}
    done = {"description": "Done.", "content": {one.media_type: answer}}
    told["responses"] = {str(one.status): done} | {
        str(status): {"description": why, "content": shown}
        for status, why in sorted(problems.items())
    }
    return told


def _parameter(one: Operation[Any, Any], name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    field, in_path = one.fields[name], name in one.path_fields
    default = {} if field.default is msgspec.NODEFAULT else {"default": field.default}
    return {
        "name": name,
        "in": "path" if in_path else "query",
        "required": in_path or field.required,
        "schema": {**schema, **default},
        **({"example": one.example[name]} if name in one.example else {}),
    }
