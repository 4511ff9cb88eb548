"""The pages on which changes are shown, saved and undone, and the versions of all changes."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from flask import Flask, flash, redirect, render_template, request
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from smsgate.domain.errors import ConfigurationChanged, ConfigurationError, SmsGateError, Unfit
from smsgate.domain.line_diff import compare_texts
from smsgate.features.configuration_editor.errors import SecretRefused
from smsgate.features.configuration_editor.forms import by_field, sentence
from smsgate.features.configuration_editor.service import (
    PAGE_SIZE,
    ConfigurationEditor,
    conflict_text,
)
from smsgate.features.configuration_editor.sources import ConfigurationChange, ConfigurationSources
from smsgate.pipeline.configuration_changes import tables_text
from smsgate.pipeline.configuration_rollout import apply_configuration
from smsgate.pipeline.services import Services
from smsgate.records.configuration_versions import ConfigurationVersion
from smsgate.settings import ConsoleOverride
from smsgate.settings.console import parse_tables
from smsgate.web.console.auth import actor, console_auth, current_session, needs

SETUP = "/console/setup"
CHANGES = f"{SETUP}/changes"
PROGRAMS = f"{SETUP}/programs"
_OWN_PASSWORD = "own_password"  # noqa: S105 - a field, apart from passwords of accounts and alerts


def register(console: Flask, services: Services) -> None:
    """Add the routes."""
    console.add_template_filter(sentence, "sentence")
    pages = ChangePages(services)
    viewer, admin = needs("viewer"), needs("admin")
    for path, endpoint, view in (
        (f"{CHANGES}/save", "save_configuration", pages.save),
        (f"{CHANGES}/<int:version>/undo", "undo_configuration", pages.undo),
        (f"{CHANGES}/revert", "revert_configuration", pages.revert),
    ):
        console.post(path, endpoint=endpoint)(admin(view))
    console.get(CHANGES, endpoint="configuration_changes")(viewer(pages.show_changes))
    console.get(f"{CHANGES}/<int:version>", endpoint="configuration_version")(
        viewer(pages.show_version)
    )


def editor_of(services: Services) -> ConfigurationEditor:
    """Return the editor of this process."""
    return ConfigurationEditor(services, os.environ)  # noqa: TID251 - what it was started with


def put_in_force(services: Services) -> str:
    """Let every process take over what was saved; return the id of the rollout.

    Empty where that failed, which is then said on the next page.
    """
    try:
        return apply_configuration(os.environ, services.store, actor()).id  # noqa: TID251 - likewise
    except SmsGateError as error:
        flash(f"It is saved, and not applied yet: {error}", "bad")
        return ""


def prove_into(problems: dict[str, list[str]]) -> None:
    """Ask for the password as other pages do, with what is wrong at the field that has it."""
    if current_session().proved:
        return
    try:
        console_auth().sign_in.prove(
            current_session(), request.form.get(_OWN_PASSWORD, ""), console_auth().visitor()
        )
    except SmsGateError as error:
        problems[_OWN_PASSWORD] = [str(error)]


def save_form(
    editor: ConfigurationEditor,
    change: ConfigurationChange,
    secrets: Mapping[str, str],
    problems: dict[str, list[str]],
    keys: Sequence[str],
) -> tuple[ConfigurationVersion | None, dict[str, list[str]]]:
    """Save what a form with secrets (by variable) changes of one table, unless it has problems.

    ``problems`` are those of what was typed. Returns the version, or None with all problems by key.
    """
    prove_into(problems)
    (table,) = change.tables
    draft = editor.check(change, secrets)
    problems = {**by_field(draft.faults, table, keys), **problems}
    if draft.conflict:
        problems.setdefault("", []).append(conflict_text(draft.conflict))
    if problems:
        return None, problems
    try:
        return editor.save(change, actor(), secrets=secrets), {}
    except (ConfigurationChanged, ConfigurationError, Unfit, SecretRefused) as error:
        return None, {"": [str(error)]}


class ChangePages:
    """What becomes of a change, whichever form it comes from."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._editor = editor_of(services)

    def save(self) -> Response:
        """Save a change that was shown, and let every process use it."""
        change, note = _change_in_form(), request.form.get("note", "")
        problems: dict[str, list[str]] = {}
        if _needs_password(change):
            prove_into(problems)
        if problems:
            return self.check_page(
                change, _back(), "Nothing was saved.", 422, password_problems=problems
            )
        try:
            saved = self._editor.save(change, actor(), note)
        except (ConfigurationChanged, Unfit) as error:
            return self.check_page(change, _back(), str(error), error.status)
        except ConfigurationError:
            return self.check_page(change, _back(), "Nothing was saved.", 422)
        applied = put_in_force(self._services)
        flash(f"Saved as version {saved.version}.", "good")
        return redirect(f"{CHANGES}/{saved.version}?applied={applied}", 303)

    def undo(self, version: int) -> Response:
        """Show what it would do to undo a version."""
        change = self._editor.undo(version)
        newer = [
            str(one.version)
            for table in change.tables
            for one in self._editor.history(table=table)
            if one.version > version
        ]
        note = f"undoes version {version}"
        warning = ""
        if newer:
            found = ", ".join(sorted(set(newer), key=int))
            warning = f"This also undoes what later versions changed of it: {found}."
        return self.check_page(change, "", note=note, warning=warning)

    def revert(self) -> Response:
        """Show what it would do to give up what the console changes of a table."""
        table = request.form.get("table", "")
        if table not in self._editor.sources().tables:
            raise NotFound
        return self.check_page(self._editor.revert(table), "", note="reverts to smsgate.toml")

    def show_changes(self) -> str:
        """Show the versions, newest first; with ``table`` those of one program or account."""
        table = request.args.get("table", "")
        history = self._editor.history(request.args.get("before", type=int), table)
        more = len(history) == PAGE_SIZE and history[-1].version > 1
        return render_template(
            "configuration_changes.html",
            history=history,
            table=table,
            older=history[-1].version if more else 0,
            overrides=self.overrides(),
            tables=sorted(self._editor.sources().tables),
        )

    def show_version(self, version: int) -> str:
        """Show one version, and what it changed."""
        found = self._editor.version(version)
        before = self._editor.version(max(version - 1, 0))
        sources = self._editor.sources()
        return render_template(
            "configuration_version.html",
            version=found,
            lines=compare_texts(before.content, found.content),
            existing=[table for table in found.changed if sources.effective(table) is not None],
            applied=request.args.get("applied", ""),
        )

    def check_page(
        self,
        change: ConfigurationChange,
        back: str,
        problem: str = "",
        status: int = 200,
        note: str = "",
        warning: str = "",
        password_problems: Mapping[str, Sequence[str]] | None = None,
    ) -> Response:
        """Show what a change would do, with the buttons to save it or to go ``back``."""
        draft = self._editor.check(change)
        page = render_template(
            "configuration_check.html",
            draft=draft,
            tables=sorted(change.tables),
            removed=[table for table, values in change.tables.items() if not values],
            content=tables_text({name: one for name, one in change.tables.items() if one}),
            warnings=[*([warning] if warning else []), *draft.warnings],
            problem=problem,
            needs_password=_needs_password(change),
            password_problems=password_problems or {},
            back=back,
            note=request.form.get("note", note),
        )
        return html(page, status)

    def overrides(self) -> Sequence[ConsoleOverride]:
        """Return where the console and the file differ."""
        return self._editor.settings().overrides

    def sources_with_draft(self) -> ConfigurationSources:
        """Return the sources with a change in them that is not saved, where the form has one."""
        sources = self._editor.sources()
        if "content" not in request.form:
            return sources
        return sources.with_change(_change_in_form())


def _change_in_form() -> ConfigurationChange:
    """Return the change that a page has shown. Raises ``Unfit``."""
    try:
        tables = parse_tables(request.form.get("content", "").replace("\r\n", "\n"))
    except ValueError as error:
        raise Unfit("The form arrived incomplete: load the page again.") from error
    removed: dict[str, Mapping[str, object] | None] = dict.fromkeys(request.form.getlist("removed"))
    return ConfigurationChange({**removed, **tables}, base_in_form())


def _needs_password(change: ConfigurationChange) -> bool:
    """Whether it changes what has a form that asks for the password: an account, or alerts."""
    return any(not table.startswith("programs.") for table in change.tables)


def _back() -> str:
    """Return the form's path to continue editing; only a path of these pages."""
    path = request.form.get("back", "")
    return path if path.startswith(f"{PROGRAMS}/") else ""


def base_in_form() -> int:
    """The version that the author of the form in this request saw."""
    return max(0, request.form.get("base", 0, type=int))


def html(page: str, status: int) -> Response:
    """A page with its status."""
    return Response(page, status, content_type="text/html; charset=utf-8")
