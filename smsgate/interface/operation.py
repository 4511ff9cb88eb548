"""What an operation is, and what it is called with."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from types import MappingProxyType
from typing import (
    IO,
    Annotated,
    Any,
    Concatenate,
    Generic,
    Literal,
    TypeAlias,
    TypeVar,
    get_args,
    get_type_hints,
)

import msgspec

from smsgate.api_keys import Caller, KeyScope
from smsgate.domain.errors import CursorRefused, Unfit
from smsgate.domain.phone import masked

Role: TypeAlias = Literal["viewer", "agent", "admin"]
"""What an operator may do; each may do what those before it may."""
Progress: TypeAlias = Callable[[str, int, int], None]
"""Is told what is being done, how much of it is done, and of how much (0: unknown)."""
Limit = Annotated[int, msgspec.Meta(ge=1, le=1_000, description="Rows in one page.")]
After = Annotated[
    str, msgspec.Meta(max_length=1_400, description="The `next` of an earlier page; empty: first.")
]
Actor = Annotated[
    str, msgspec.Meta(max_length=100, description="Who acts, where the key stands for several.")
]
_FIELD = re.compile(r"<(\w+)>")
_SCOPES: Mapping[Role, KeyScope] = {"viewer": "write", "agent": "admin", "admin": "admin"}
Request = TypeVar("Request")
Result = TypeVar("Result")
T = TypeVar("T")
_MAX_PLACE_DIGITS = 9
_MAX_TEXT_BYTES = 1 << 20
_EMPTY: tuple[object, ...] = (None, "", (), [])


@dataclass(frozen=True, slots=True)
class Context:
    """For whom an operation works, and whom it tells."""

    caller: Caller
    """A person with a role has a caller without limits on programs."""
    progress: Progress = lambda *_: None
    warn: Callable[[str], None] = lambda _: None
    """Is told what is wrong although the operation is done."""
    is_person: bool = False
    """Whether somebody at a terminal or in the console acts, by their own name."""
    address: str = ""
    """From where the console was used, for the audit log."""

    def actor(self, given: str = "") -> str:
        """Who acts, for the record: the person; or the key, and whom its program names.

        So a program cannot act under somebody else's name.
        """
        if self.is_person:
            return self.caller.name
        name = f"api:{self.caller.name}"
        return f"{name}/{given.strip()}" if given.strip() else name


class Upload:
    """A file that comes with a request; as a field of a request: its body."""

    def __init__(self, stream: IO[bytes], name: str = "", size: int | None = None) -> None:
        """``name`` is empty where nobody said; ``size`` is in bytes, None where unknown."""
        self.stream, self.name, self.size = stream, name, size

    def text(self) -> str:
        """The file's text. Raises ``Unfit`` where it is empty, over 1 MiB, or no UTF-8."""
        raw = self.stream.read(_MAX_TEXT_BYTES + 1)
        try:
            found = raw.decode("utf-8-sig") if len(raw) <= _MAX_TEXT_BYTES else ""
        except UnicodeDecodeError:
            found = ""
        if not found.strip():
            raise Unfit("The file is empty, over 1 MiB, or no UTF-8. To remove a text, revert it.")
        return found


@dataclass(frozen=True, slots=True)
class Download:
    """A result that is a file."""

    name: str
    media_type: str
    chunks: Iterable[bytes]


ColumnKind: TypeAlias = Literal[
    "hidden", "language", "name", "number", "problem", "program", "programs", "text", "time",
    "words",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Column:
    """How people see a field of a list's rows; ``Annotated`` with it where name and type differ."""

    title: str = ""
    """The heading."""
    kind: ColumnKind | None = None
    """How pages show values."""
    field: str = ""


_KINDS: Mapping[str, ColumnKind] = {
    "language": "language",
    "number": "number",
    "problem": "problem",
    "program": "program",
    "programs": "programs",
}
"""By the name of a field, where nothing else is said."""
HIDDEN = Column(kind="hidden")
"""Of a field that programs and files get, and people do not."""


class RowPage(msgspec.Struct, Generic[T], frozen=True):
    """Rows of a list: all of them, or one page."""

    items: list[T]
    total: int | None = None
    """Of all pages; null where they are not counted."""
    next: str | None = None
    """For ``after``; null at the end."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Operation(Generic[Request, Result]):
    """One thing that can be asked of smsgate; made by ``@operation``."""

    run: Callable[..., Result]
    """Takes context, request, and the parts of the process that it names by type."""
    request: type[Request]
    result: Any
    """Its type, or a union of types."""
    method: str
    """Of ``/v1``; empty where it is not offered there."""
    path: str
    """Below ``/v1``, as Flask writes it: ``/numbers/<number>``."""
    command: str
    """``replies retry <id>``; empty where it is no command."""
    role: Role
    """The least role that may use it in the console."""
    scope: KeyScope
    """The least scope of a key that may use it in ``/v1``."""
    example: Mapping[str, object]
    """Values of the request: shown in help and OpenAPI."""
    status: int = 200
    """Of the answer in ``/v1``."""
    problems: Mapping[int, str] = field(default_factory=dict)
    """By status, those that not every operation has."""
    by_program: bool = False
    """Whether a key that is limited to programs may call it: ``run`` then keeps to those."""
    audit: str = ""
    """What the audit log says that somebody did; empty where an event of the ledger says it."""
    asks_again: bool = False
    """Whether the console wants a sign-in of the last ten minutes, and asks for one if need be."""
    shown_once: str = ""
    """A field of the result that is not kept, such as a key."""
    done: str = ""
    """A sentence for people, with fields of request and result in braces."""
    text: Callable[[Any], str] | None = None
    """The same from the result alone, where it takes more than a sentence."""
    exit_code: Callable[[Any], int] = lambda _: 0
    """Of the command, by the result."""
    empty: str = ""
    """Of a list: what people read where it has no rows. Rows are in the result's first field."""
    media_type: str = "application/json"
    """Of the answer in ``/v1``."""

    @property
    def name(self) -> str:
        """Of the function: unique, and the OpenAPI's ``operationId``."""
        return self.run.__name__

    @property
    def summary(self) -> str:
        """One line for people."""
        return (self.run.__doc__ or "").strip().split("\n\n")[0].replace("\n    ", " ")

    @cached_property
    def path_fields(self) -> tuple[str, ...]:
        """Fields of the request that stand in the path."""
        return tuple(_FIELD.findall(self.path))

    @cached_property
    def arguments(self) -> tuple[str, ...]:
        """Fields of the request that are arguments of the command."""
        return tuple(_FIELD.findall(self.command))

    @cached_property
    def fields(self) -> Mapping[str, msgspec.structs.FieldInfo]:
        """The request's fields by name."""
        return {one.name: one for one in msgspec.structs.fields(self.request)}  # type: ignore[arg-type]

    @cached_property
    def upload(self) -> str:
        """The field of the request that is an ``Upload``; empty without one."""
        return next((name for name, one in self.fields.items() if one.type is Upload), "")

    @cached_property
    def has_json(self) -> bool:
        """Whether its request comes as a JSON body; else all of it is path and query."""
        rest = {*self.fields} - {*self.path_fields}
        return self.method == "POST" and not self.upload and bool(rest)

    @cached_property
    def rows(self) -> str:
        """The field of a list's result that has the rows."""
        return msgspec.structs.fields(self.result)[0].name

    @cached_property
    def row_type(self) -> type:
        """The type of a list's rows."""
        found: type = get_args(msgspec.structs.fields(self.result)[0].type)[0]
        return found

    def columns(self, rows: Sequence[object]) -> list[Column]:
        """What people see of a list: the columns in which some row has a value."""
        every = map(_column_of, msgspec.structs.fields(self.row_type))
        return [
            one
            for one in every
            if one.kind != "hidden" and any(getattr(row, one.field) not in _EMPTY for row in rows)
        ]

    @property
    def is_kept(self) -> bool:
        """Whether its answer is remembered by an ``Idempotency-Key``.

        Not of an upload, which changes nothing yet, and not of what is shown once.
        """
        return self.method not in ("", "GET") and not self.upload and not self.shown_once

    def note(self, request: Request) -> str:
        """What an action was about, for the audit log: the fields that name its object.

        A phone number is masked.
        """
        named = self.path_fields or self.arguments
        values = [
            masked(getattr(request, name)) if name == "number" and named else getattr(request, name)
            for name in named or self.fields
            if name != self.upload
        ]
        return ", ".join(
            str(one) for one in values if named or (one and isinstance(one, str | datetime))
        )

    def sentence(self, request: Request, result: Result) -> str:
        """What was done, for a person; empty where the result says it."""
        values = {**_fields_of(result), **_fields_of(request)}
        return self.done.format(**values) if self.done else ""


def operation(
    endpoint: str = "",
    *,
    role: Role,
    example: Mapping[str, object] = MappingProxyType({}),
    command: str = "",
    scope: KeyScope | None = None,
    **rest: Any,  # noqa: ANN401 - the other fields of Operation, which checks them
) -> Callable[[Callable[Concatenate[Context, Request, ...], Result]], Operation[Request, Result]]:
    """Make a function an operation. ``endpoint`` is method and path: ``GET /replies``.

    Without a ``scope`` a viewer's operation wants a key of the scope ``write``, any other one a
    key of the scope ``admin``. ``rest``: see ``Operation``.
    """
    method, _, path = endpoint.partition(" ")

    def made(
        run: Callable[Concatenate[Context, Request, ...], Result],
    ) -> Operation[Request, Result]:
        hints = get_type_hints(run, include_extras=True)
        return Operation(
            run=run,
            request=[*hints.values()][1],
            result=hints["return"],
            method=method,
            path=path,
            command=command,
            role=role,
            scope=scope or _SCOPES[role],
            example=example,
            **rest,
        )

    return made


def offset_of(after: str) -> int:
    """How many rows come before a page that ``after`` asks for. Raises ``CursorRefused``."""
    if after and not (after.isascii() and after.isdigit() and len(after) < _MAX_PLACE_DIGITS):
        raise CursorRefused("`after` is not the `next` of a page of this list.")
    return int(after or 0)


def page_of(rows: Sequence[T], after: str, limit: int) -> tuple[list[T], str | None]:
    """One page of a list that is in memory, and the ``after`` of the next one.

    Raises ``CursorRefused``.
    """
    first = offset_of(after)
    following = first + limit
    return [*rows[first:following]], str(following) if following < len(rows) else None


def _column_of(field: msgspec.structs.FieldInfo) -> Column:
    kind, name, given = field.type, field.name, Column()
    if hasattr(kind, "__metadata__"):
        kind, *notes = get_args(kind)
        given = next((one for one in notes if isinstance(one, Column)), given)
    is_time = datetime in (kind, *get_args(kind))
    title = given.title or name.replace("_", " ").capitalize()
    return Column(title, given.kind or ("time" if is_time else _KINDS.get(name, "text")), name)


def _fields_of(value: object) -> Mapping[str, object]:
    names = getattr(value, "__struct_fields__", ())
    return {name: getattr(value, name) for name in names}
