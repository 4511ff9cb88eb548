"""The pages that change programs and their replies, and the versions of all changes."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence

from flask import Flask, flash, redirect, render_template, request
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from smsgate.classifier.sets.keyword_sets import ANY_LANGUAGE
from smsgate.classifier.wording import languages_of
from smsgate.domain.errors import (
    ConfigurationChanged,
    ConfigurationError,
    SmsGateError,
    Unfit,
)
from smsgate.domain.languages import NAMES, language_name
from smsgate.domain.line_diff import compare_texts
from smsgate.features.configuration_editor.forms import (
    WORDINGS,
    by_field,
    previews,
    program_fields,
    read_fields,
    read_wordings,
    sentence,
    with_wordings,
)
from smsgate.features.configuration_editor.service import PAGE_SIZE, ConfigurationEditor
from smsgate.features.configuration_editor.sources import ConfigurationChange, ConfigurationSources
from smsgate.pipeline.configuration_changes import tables_text
from smsgate.pipeline.configuration_rollout import apply_configuration
from smsgate.pipeline.services import Services
from smsgate.settings import ConsoleOverride, Program
from smsgate.settings.console import file_table, parse_tables
from smsgate.web.console.auth import actor, console_auth, current_session, needs

SETUP = "/console/setup"
CHANGES = f"{SETUP}/changes"
PROGRAMS = f"{SETUP}/programs"
NEW_PROGRAM = f"{SETUP}/new-program"
_LANGUAGE_EXAMPLE = "en"
_OWN_PASSWORD = "own_password"  # noqa: S105 - a field, apart from passwords of accounts and alerts


def register(console: Flask, services: Services) -> None:
    """Add the routes."""
    console.add_template_filter(sentence, "sentence")
    pages = _ConfigurationPages(services)
    viewer, admin = needs("viewer"), needs("admin")
    routes: tuple[tuple[str, str, str, Callable[..., str | Response]], ...] = (
        ("GET", f"{PROGRAMS}/<name>/edit", "edit_program", pages.show_program),
        ("POST", f"{PROGRAMS}/<name>/edit", "edit_program_check", pages.check_program),
        ("GET", NEW_PROGRAM, "new_program", pages.show_new_program),
        ("POST", NEW_PROGRAM, "new_program_check", pages.check_new_program),
        ("GET", f"{PROGRAMS}/<name>/replies", "choose_replies", pages.choose_replies),
        ("GET", f"{PROGRAMS}/<name>/replies/<language>", "edit_replies", pages.show_replies),
        (
            "POST",
            f"{PROGRAMS}/<name>/replies/<language>",
            "edit_replies_check",
            pages.check_replies,
        ),
        (
            "POST",
            f"{PROGRAMS}/<name>/replies/<language>/preview",
            "preview_replies",
            pages.preview_replies,
        ),
        ("POST", f"{PROGRAMS}/<name>/remove", "remove_program", pages.remove_program),
        ("POST", f"{CHANGES}/save", "save_configuration", pages.save),
        ("POST", f"{CHANGES}/<int:version>/undo", "undo_configuration", pages.undo),
        ("POST", f"{CHANGES}/revert", "revert_configuration", pages.revert),
    )
    for method, path, endpoint, view in routes:
        console.add_url_rule(path, endpoint, admin(view), methods=[method])
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


class _ConfigurationPages:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._editor = editor_of(services)

    # --- programs ---------------------------------------------------------------------------------

    def show_program(self, name: str) -> str:
        """Show the form of a program."""
        sources = self._sources_with_draft()
        values = sources.effective(f"programs.{name}")
        if values is None:
            raise NotFound
        return self._program_page(sources, name, values)

    def check_program(self, name: str) -> Response:
        """Show what the changed program would do, or what is wrong at each field."""
        sources = self._editor.sources()
        if sources.effective(f"programs.{name}") is None:
            raise NotFound
        if "content" in request.form:  # back from the page that shows the change
            draft = self._sources_with_draft()
            values = draft.effective(f"programs.{name}") or {}
            return _html(self._program_page(draft, name, values), 200)
        return self._check_fields(sources, name)

    def show_new_program(self) -> str:
        """Show the form of a new program."""
        sources = self._editor.sources()
        accounts = sources.names("accounts")
        values = {"account": request.args.get("account") or next(iter(accounts), "")}
        return self._program_page(sources, "", {**values, "keywords": ["*"]})

    def check_new_program(self) -> Response:
        """Show what a new program would do, or what is wrong at each field."""
        sources = self._editor.sources()
        name = request.form.get("id", "").strip()
        problem = ""
        if not name:
            problem = "is missing: give a short name, such as alerts"
        elif sources.effective(f"programs.{name}") is not None:
            problem = "is the name of another program: choose another one"
        return self._check_fields(sources, name, is_new=True, id_problem=problem)

    def _check_fields(
        self,
        sources: ConfigurationSources,
        name: str,
        *,
        is_new: bool = False,
        id_problem: str = "",
    ) -> Response:
        fields = program_fields(sources.names("accounts"))
        values, table = read_fields(fields, request.form), f"programs.{name or 'new'}"
        change = ConfigurationChange({table: sources.with_keys(table, values)}, _base())
        draft = self._editor.check(change)
        keys = [one.key for one in fields]
        problems = by_field(draft.faults, table, ["id", *keys] if is_new else keys)
        if id_problem:
            problems["id"] = [id_problem]
        if not problems:
            return self._check_page(change, f"{PROGRAMS}/{name}/edit" if not is_new else "")
        page = self._program_page(sources, "" if is_new else name, values, problems, new_name=name)
        return _html(page, 422)

    def _program_page(
        self,
        sources: ConfigurationSources,
        name: str,
        values: Mapping[str, object],
        problems: Mapping[str, Sequence[str]] | None = None,
        new_name: str = "",
    ) -> str:
        table = f"programs.{name}"
        in_console = sources.tables.get(table)
        fields = program_fields(sources.names("accounts"))
        return render_template(
            "configuration_program.html",
            name=name,
            title=(sources.effective(table) or {}).get("name", name),
            new_name=new_name,
            fields=fields,
            values={one.key: one.shown(values) for one in fields},
            problems=problems or {},
            base=_base() if request.method == "POST" else sources.version,
            overrides=[one for one in self._overrides() if one.key.startswith(f"{table}.")],
            is_changed=bool(name and in_console),
            is_only_here=bool(name) and file_table(sources.file, table) is None,
            others=[one for one in sources.names("programs") if one != name],
        )

    def remove_program(self, name: str) -> Response:
        """Show what the removal of a program would do."""
        successor = request.form.get("successor", "")
        sources = self._editor.sources()
        table = f"programs.{name}"
        if sources.effective(table) is None:
            raise NotFound
        if file_table(sources.file, table) is not None:
            raise Unfit(
                f"{name} is in smsgate.toml: remove it there, and run `smsgate config apply`."
            )
        return self._check_page(self._editor.remove_program(name, successor), "")

    # --- replies ----------------------------------------------------------------------------------

    def choose_replies(self, name: str) -> Response:
        """Lead to the replies of a language that was typed."""
        language = request.args.get("language", "").strip() or _LANGUAGE_EXAMPLE
        return redirect(f"{PROGRAMS}/{name}/replies/{language}", 303)

    def show_replies(self, name: str, language: str) -> str:
        """Show the form of a program's replies in a language."""
        sources, program = self._program(name)
        return self._replies_page(sources, program, language, _own_texts(sources, name, language))

    def check_replies(self, name: str, language: str) -> Response:
        """Show what changed replies would do, or what is wrong at each text."""
        if "content" in request.form:
            draft = self._sources_with_draft()
            _, program = self._program(name)
            texts = _own_texts(draft, name, language)
            return _html(self._replies_page(draft, program, language, texts), 200)
        sources, program = self._program(name)
        texts, table = read_wordings(request.form), f"programs.{name}"
        if "show" in request.form:  # without scripts a button shows the preview
            return _html(self._replies_page(sources, program, language, texts), 200)
        replies = (sources.effective(table) or {}).get("replies", {})
        values = {"replies": with_wordings(replies, language, texts)}
        change = ConfigurationChange({table: sources.with_keys(table, values)}, _base())
        faults = self._editor.check(change).faults
        problems = by_field(faults, f"{table}.replies.{language}", [kind for kind, _ in WORDINGS])
        if not problems:
            return self._check_page(change, f"{PROGRAMS}/{name}/replies/{language}")
        return _html(self._replies_page(sources, program, language, texts, problems), 422)

    def preview_replies(self, name: str, language: str) -> str:
        """Show the texts as a phone would, with their segments, while they are typed."""
        _, program = self._program(name)
        texts = read_wordings(request.form)
        return render_template(
            "part_wordings.html", language=language, wordings=previews(program, language, texts)
        )

    def _replies_page(
        self,
        sources: ConfigurationSources,
        program: Program,
        language: str,
        texts: Mapping[str, str],
        problems: Mapping[str, Sequence[str]] | None = None,
    ) -> str:
        in_file = file_table(sources.file, f"programs.{program.name}") or {}
        in_console = sources.tables.get(f"programs.{program.name}", {})
        return render_template(
            "configuration_replies.html",
            program=program,
            language=language,
            languages=_languages(program, language),
            wordings=previews(program, language, texts),
            problems=problems or {},
            base=_base() if request.method == "POST" else sources.version,
            are_overridden="replies" in in_console and bool(in_file.get("replies")),
        )

    def _program(self, name: str) -> tuple[ConfigurationSources, Program]:
        program = self._editor.settings().programs.get(name)
        sources = self._editor.sources()
        if program is None or sources.effective(f"programs.{name}") is None:
            raise NotFound
        return sources, program

    # --- what is saved ----------------------------------------------------------------------------

    def save(self) -> Response:
        """Save a change that was shown, and let every process use it."""
        change, note = _change_in_form(), request.form.get("note", "")
        problems: dict[str, list[str]] = {}
        if _needs_password(change):
            prove_into(problems)
        if problems:
            return self._check_page(
                change, _back(), "Nothing was saved.", 422, password_problems=problems
            )
        try:
            saved = self._editor.save(change, actor(), note)
        except (ConfigurationChanged, Unfit) as error:
            return self._check_page(change, _back(), str(error), error.status)
        except ConfigurationError:
            return self._check_page(change, _back(), "Nothing was saved.", 422)
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
        return self._check_page(change, "", note=note, warning=warning)

    def revert(self) -> Response:
        """Show what it would do to give up what the console changes of a table."""
        table = request.form.get("table", "")
        if table not in self._editor.sources().tables:
            raise NotFound
        return self._check_page(self._editor.revert(table), "", note="reverts to smsgate.toml")

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
            overrides=self._overrides(),
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

    def _check_page(
        self,
        change: ConfigurationChange,
        back: str,
        problem: str = "",
        status: int = 200,
        note: str = "",
        warning: str = "",
        password_problems: Mapping[str, Sequence[str]] | None = None,
    ) -> Response:
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
        return _html(page, status)

    def _overrides(self) -> Sequence[ConsoleOverride]:
        return self._editor.settings().overrides

    def _sources_with_draft(self) -> ConfigurationSources:
        """Return the sources with a change in them that is not saved, where the form has one."""
        sources = self._editor.sources()
        if "content" not in request.form:
            return sources
        return sources.with_change(_change_in_form())


def _own_texts(sources: ConfigurationSources, name: str, language: str) -> dict[str, str]:
    replies = (sources.effective(f"programs.{name}") or {}).get("replies", {})
    texts = replies.get(language, {}) if isinstance(replies, dict) else {}
    return {kind: str(text) for kind, text in texts.items()} if isinstance(texts, dict) else {}


def _languages(program: Program, shown: str) -> list[tuple[str, str]]:
    """Return the languages that replies can be in, each with its name: the program's own first."""
    own = dict.fromkeys([*languages_of(program), shown])
    others = [code for code in NAMES if code not in own and code != ANY_LANGUAGE]
    return [(code, language_name(code)) for code in [*own, *sorted(others, key=language_name)]]


def _change_in_form() -> ConfigurationChange:
    """Return the change that a page has shown. Raises ``Unfit``."""
    try:
        tables = parse_tables(request.form.get("content", "").replace("\r\n", "\n"))
    except ValueError as error:
        raise Unfit("The form arrived incomplete: load the page again.") from error
    removed: dict[str, Mapping[str, object] | None] = dict.fromkeys(request.form.getlist("removed"))
    return ConfigurationChange({**removed, **tables}, _base())


def _needs_password(change: ConfigurationChange) -> bool:
    """Whether it changes what has a form that asks for the password: an account, or alerts."""
    return any(not table.startswith("programs.") for table in change.tables)


def _back() -> str:
    """Return the form's path to continue editing; only a path of these pages."""
    path = request.form.get("back", "")
    return path if path.startswith(f"{PROGRAMS}/") else ""


def _base() -> int:
    return max(0, request.form.get("base", 0, type=int))


def _html(page: str, status: int) -> Response:
    return Response(page, status, content_type="text/html; charset=utf-8")
