"""The names of a request's fields: what came where a text is missing, and never a value.

Names may be anybody's, so only what looks like one is shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice

import msgspec

from smsgate.domain.messages import WebhookRequest
from smsgate.domain.signing import as_bytes, is_form

MASK = "•••"
_MAX_NAMES = 30
_MAX_DEPTH = 4
_MAX_MEMBERS = 2000
"""Members of a JSON body that are looked at for their names."""
# Three digits at most, so that no number passes for a name.
_NAME = re.compile(r"[A-Za-z_][A-Za-z_.-]{0,39}[0-9]{0,3}")


def field_names(request: WebhookRequest) -> tuple[str, ...]:
    """Return the names of a request's fields, sorted, and never a value.

    Of the query, and of the form or the JSON in the body; there dots lead into objects. Thirty
    at most; what does not look like a name is masked.
    """
    members = _json_paths(request.body)
    if members is None:
        posted = is_form(request.headers.get("content-type", ""))
        members = _form_names(request.body) if posted else iter(())
    found = {*_form_names(as_bytes(request.query)), *islice(members, _MAX_MEMBERS)}
    return tuple(sorted(found)[:_MAX_NAMES])


def shown_names(names: Iterable[str]) -> tuple[str, ...]:
    """Return each name once: as it is where it looks like one, else masked."""
    return tuple(dict.fromkeys(_shown(name) for name in names))


def _shown(name: str) -> str:
    return name if _NAME.fullmatch(name) else MASK


def _form_names(raw: bytes) -> Iterator[str]:
    """Of ``name=value`` alone: a body without ``=`` is no form but may be the text itself."""
    for piece in raw.split(b"&"):
        name, equals, _ = piece.partition(b"=")
        if equals:
            yield _shown(name.decode("latin-1"))


def _json_paths(body: bytes) -> Iterator[str] | None:
    """The names in a JSON object or list; None where the body is neither."""
    try:
        found: object = msgspec.json.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return _paths(found, "", _MAX_DEPTH) if isinstance(found, dict | list) else None


def _paths(value: object, outer: str, depth: int) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from _paths(one, outer, depth)
    elif isinstance(value, dict):
        for name, inner in value.items():
            path = f"{outer}{_shown(name)}"
            parts = inner if isinstance(inner, list) else [inner]
            objects = [one for one in parts if one and isinstance(one, dict)]
            if not objects or depth == 1:
                yield path
            for one in objects if depth > 1 else ():
                yield from _paths(one, f"{path}.", depth - 1)
