"""Operations as pages of the console: a list with filters, paging, CSV and actions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, tzinfo
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, ParamSpec, Protocol, TypeVar, get_origin
from urllib.parse import parse_qsl, urlencode

import msgspec
from flask import (
    Flask,
    Response,
    abort,
    flash,
    redirect,
    render_template,
    request,
    stream_with_context,
)
from werkzeug.wrappers import Response as Answer

from smsgate.domain.errors import SmsGateError, Unfit
from smsgate.files import csv_line
from smsgate.interface.list_page import Action, ListPage
from smsgate.interface.operation import Context, Operation, Role
from smsgate.interface.parts import Parts
from smsgate.interface.values import (
    DAYS,
    ZONE,
    Input,
    filter_values,
    input_of,
    plain_type,
    read_values,
)
from smsgate.settings import Settings

TEMPLATES = Path(__file__).with_name("templates")
PAGE_SIZE = 50
MAX_ACTIONS = 900
"""Rows that one request acts on: their ids fit, with the filters, into a form of 64 KiB."""
_CSV_PAGE = 1_000
_DIGITS = re.compile(r"\d[\d ().-]*(\d{4})")
"""Of a number, which logs show by its last digits."""
_PAGING = frozenset({"after", "limit", "actor"})
P = ParamSpec("P")
R = TypeVar("R")


class ConsoleAccess(Protocol):
    """What the console knows of who is signed in."""

    def needs(
        self, role: Role, *, again: bool = False
    ) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Let only operators of at least that role use a view, who sign in again if ``again``."""

    def may(self, role: Role) -> bool:
        """Whether they have at least that role."""

    def context(self) -> Context:
        """What they use operations with."""

    def operator_zone(self) -> tzinfo:
        """The time zone that they chose; else UTC."""

    def record_action(self, what: str, note: str = "") -> None:
        """Put what they did into the audit log."""


def register(
    console: Flask,
    pages: Sequence[ListPage],
    parts: Parts,
    settings: Settings,
    access: ConsoleAccess,
) -> None:
    """Add the routes of the pages."""
    for page in pages:
        _Routes(page, parts, settings, access).register(console)


class _Routes:
    """The views of one page."""

    def __init__(
        self, page: ListPage, parts: Parts, settings: Settings, access: ConsoleAccess
    ) -> None:
        self._page, self._parts, self._access = page, parts, access
        self._programs = [*settings.programs]
        self._run_list = parts.bind(page.operation.run, 2)
        self._notices = parts.bind(page.notices, 1)

    def register(self, console: Flask) -> None:
        page, name = self._page, self._page.operation.name
        shown = self._access.needs(page.operation.role)(self.show)
        console.add_url_rule(page.path, name, shown)
        for action in [*page.actions, *([page.create] if page.create else [])]:
            operation = action.operation
            allowed = self._access.needs(operation.role, again=operation.asks_again)
            path = f"{page.path}/{action.name}"
            view = allowed(partial(self._act, action))
            console.add_url_rule(path, f"{name}_{action.name}", view, methods=["POST"])

    def show(self, secret: str = "") -> str | Response:
        """Show one page of a list, or all of it as CSV. ``secret``: what is shown this once."""
        page, wanted, problem, wrong_field = self._page, self._wanted(request.args), "", ""
        after, result, notices = request.args.get("after", ""), None, list[tuple[str, str]]()
        if "csv" in request.args:
            return self._csv(wanted)
        try:
            result = self._read(wanted, after, PAGE_SIZE)
            notices += self._notices(result)
        except SmsGateError as error:
            problem, wrong_field = str(error), error.field
        inputs = self._inputs(page.operation, [name for name in wanted if name != ZONE])
        rows = () if result is None else self._rows(result)
        offered = [one for one in page.actions if one.state in ("", wanted.get("state"))]
        may = [one for one in offered if self._access.may(one.operation.role)]
        return render_template(
            "list_page.html",
            page=page,
            problem=problem,
            notices=notices,
            rows=rows,
            columns=[one for one in page.operation.columns(rows) if one.field != "id"],
            total=getattr(result, "total", None),
            following=getattr(result, "next", None),
            after=after,
            values=wanted,
            inputs=[
                replace(one, error=problem) if one.name == wrong_field else one for one in inputs
            ],
            is_filtered=any(wanted[one.name] for one in inputs),
            actions=[(one, self._asked_inputs(one)) for one in may],
            create_inputs=self._asked_inputs(page.create) if page.create else (),
            secret=secret,
            row_key=self._row_key,
            query=lambda **more: url_query({**wanted, **more}),
            max_actions=MAX_ACTIONS,
        )

    def _act(self, action: Action) -> Answer:
        """Do it to the rows that were chosen, or to all that fit the filters."""
        operation = action.operation
        wanted = self._wanted(dict(parse_qsl(request.form.get("filters", ""))))
        chosen = self._chosen(action, wanted)
        if not chosen:
            raise Unfit("Select at least one row.")
        if action.is_danger and request.form.get("all"):  # it is about these rows alone
            page = render_template(
                "sure_page.html",
                page=self._page,
                action=action,
                rows=[msgspec.json.encode(one).decode() for one in chosen],
                query=url_query(wanted),
            )
            return Response(page)
        done, problems, sentence, secret = list[object](), list[str](), "", ""
        context = replace(self._access.context(), warn=problems.append)
        try:
            for asked, result in self._run(action, chosen, context):
                done.append(asked)
                if operation.shown_once:
                    secret = str(getattr(result, operation.shown_once))
                    sentence = operation.sentence(asked, result)
        finally:
            self._parts.log(operation, context, done)
        for problem in [*dict.fromkeys(problems)][:3]:
            flash(problem, "warn")
        if done:
            rows = f"{len(done):,} {'row' if len(done) == 1 else 'rows'}"
            flash(sentence or f"{action.done}: {rows}.", "good")
        if secret:  # shown this once, so the answer is no redirect
            return Response(str(self.show(secret)))
        query = url_query(wanted)
        return redirect(self._page.path + (f"?{query}" if query else ""), 303)

    def _run(
        self, action: Action, chosen: Sequence[Mapping[str, object]], context: Context
    ) -> Iterator[tuple[object, object]]:
        """Do it to rows; gives the requests that were done, and their results.

        A row of several that cannot be done is told of. Raises what the operation raises for one.
        """
        operation, is_one = action.operation, len(chosen) == 1
        given = {name: _typed(action, name) for name in self._asked(action)}
        if action.many and not is_one:
            every = [read_values(operation, {**given, **keys}) for keys in chosen]
            done = self._parts.bind(action.many, 2)(context, every)
            if missing := len(every) - len(done):
                context.warn(f"No longer in this list, and not changed: {missing:,}.")
            yield from ((asked, None) for asked in done)
            return
        run = self._parts.bind(operation.run, 2)
        for keys in chosen:
            try:
                asked = read_values(operation, {**given, **keys})
                yield asked, run(context, asked)
            except SmsGateError as error:
                if is_one:
                    raise
                context.warn(str(error))

    def _chosen(self, action: Action, wanted: Mapping[str, str]) -> list[Mapping[str, object]]:
        if action is self._page.create:
            return [{}]
        if request.form.get("all"):
            names = action.keys(self._page.operation.row_type)
            rows = islice(self._all(wanted), MAX_ACTIONS)
            return [{name: getattr(row, name) for name in names} for row in rows]
        texts = [*dict.fromkeys(request.form.getlist("row"))]
        if len(texts) > MAX_ACTIONS:
            raise Unfit(f"Select at most {MAX_ACTIONS:,} rows.")
        try:
            return [msgspec.json.decode(one, type=dict[str, object]) for one in texts]
        except msgspec.DecodeError:
            raise Unfit("Select rows by the boxes beside them.") from None

    def _wanted(self, given: Mapping[str, str]) -> dict[str, str]:
        """The filters of the page, and the zone of their days."""
        names = [name for name in self._page.operation.fields if name not in _PAGING]
        found = {name: given.get(name, "")[:1_000] for name in names}
        return {**found, ZONE: given.get(ZONE, "")} if {*names} & {*DAYS} else found

    def _asked(self, action: Action) -> list[str]:
        """Fields of an action's form: those that no row has; all of what makes a new row."""
        is_new = action is self._page.create
        known = {*_PAGING} if is_new else {*_PAGING, *action.keys(self._page.operation.row_type)}
        return [name for name in action.operation.fields if name not in known]

    def _asked_inputs(self, action: Action) -> list[Input]:
        return self._inputs(action.operation, self._asked(action))

    def _inputs(self, operation: Operation[Any, Any], names: Sequence[str]) -> list[Input]:
        return [input_of(operation.fields[name], self._programs) for name in names]

    def _read(self, wanted: Mapping[str, str], after: str, limit: int) -> Any:  # noqa: ANN401
        """What the operation answers. Raises what it raises, and ``Unfit``."""
        paging = {"after": after, "limit": limit}
        values: dict[str, object] = {
            **filter_values(wanted, self._access.operator_zone()),
            **{name: paging[name] for name in paging if name in self._page.operation.fields},
        }
        asked = read_values(self._page.operation, values)
        return self._run_list(self._access.context(), asked)

    def _rows(self, result: object) -> Sequence[Any]:
        rows: Sequence[Any] = getattr(result, self._page.operation.rows)
        return rows

    def _all(self, wanted: Mapping[str, str]) -> Iterator[Any]:
        """Every row that fits the filters, page by page."""
        after: str | None = ""
        while after is not None:
            result = self._read(wanted, after, _CSV_PAGE)
            yield from self._rows(result)
            after = getattr(result, "next", None)

    def _csv(self, wanted: Mapping[str, str]) -> Response:
        if not self._access.may("agent"):
            abort(403, "This needs the role 'agent': a file leaves the console.")
        self._read(wanted, "", 1)  # what cannot be read is an error, and no file
        shown = {name: _DIGITS.sub(r"\1", text) for name, text in wanted.items()}
        note = url_query(shown) or "all of it"
        self._access.record_action(f"exported {self._page.title.lower()}", note)
        names = [one.name for one in msgspec.structs.fields(self._page.operation.row_type)]

        def lines() -> Iterator[str]:
            yield csv_line(names)
            for row in self._all(wanted):
                yield csv_line(_cell(getattr(row, name)) for name in names)

        name = self._page.path.rpartition("/")[2]
        headers = {"Content-Disposition": f"attachment; filename={name}.csv"}
        return Response(stream_with_context(lines()), mimetype="text/csv", headers=headers)

    def _row_key(self, action: Action, row: object) -> str:
        names = action.keys(self._page.operation.row_type)
        return msgspec.json.encode({name: getattr(row, name) for name in names}).decode()


def url_query(values: Mapping[str, str]) -> str:
    """A query of values; empty ones are left out."""
    return urlencode({name: one for name, one in values.items() if one})


def _typed(action: Action, name: str) -> object:
    """What the form has for a field of the action's request."""
    kind, _ = plain_type(action.operation.fields[name].type)
    if get_origin(kind) is list:
        return request.form.getlist(name)
    return name in request.form if kind is bool else request.form.get(name, "")


def _cell(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else value
