"""The pages that change programs and their replies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from flask import Flask, redirect, render_template, request
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from smsgate.classifier.sets.keyword_sets import ANY_LANGUAGE
from smsgate.classifier.wording import languages_of
from smsgate.domain.errors import Unfit
from smsgate.domain.languages import NAMES, language_name
from smsgate.features.configuration_editor.change_console import (
    PROGRAMS,
    SETUP,
    ChangePages,
    base_in_form,
    editor_of,
    html,
)
from smsgate.features.configuration_editor.forms import (
    WORDINGS,
    by_field,
    previews,
    program_fields,
    read_fields,
    read_wordings,
    with_wordings,
)
from smsgate.features.configuration_editor.sources import ConfigurationChange, ConfigurationSources
from smsgate.pipeline.services import Services
from smsgate.settings import Program
from smsgate.settings.console import file_table
from smsgate.web.console.auth import needs

NEW_PROGRAM = f"{SETUP}/new-program"
_LANGUAGE_EXAMPLE = "en"


def register(console: Flask, services: Services) -> None:
    """Add the routes."""
    pages = _ProgramPages(services)
    admin = needs("admin")
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
    )
    for method, path, endpoint, view in routes:
        console.add_url_rule(path, endpoint, admin(view), methods=[method])


class _ProgramPages:
    def __init__(self, services: Services) -> None:
        self._changes = ChangePages(services)
        self._editor = editor_of(services)

    # --- programs ---------------------------------------------------------------------------------

    def show_program(self, name: str) -> str:
        """Show the form of a program."""
        sources = self._changes.sources_with_draft()
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
            draft = self._changes.sources_with_draft()
            values = draft.effective(f"programs.{name}") or {}
            return html(self._program_page(draft, name, values), 200)
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
        fields = program_fields(sources.names("accounts"), self._editor.own_sets())
        values, table = read_fields(fields, request.form), f"programs.{name or 'new'}"
        change = ConfigurationChange({table: sources.with_keys(table, values)}, base_in_form())
        draft = self._editor.check(change)
        keys = [one.key for one in fields]
        problems = by_field(draft.faults, table, ["id", *keys] if is_new else keys)
        if id_problem:
            problems["id"] = [id_problem]
        if not problems:
            return self._changes.check_page(change, f"{PROGRAMS}/{name}/edit" if not is_new else "")
        page = self._program_page(sources, "" if is_new else name, values, problems, new_name=name)
        return html(page, 422)

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
        fields = program_fields(sources.names("accounts"), self._editor.own_sets())
        return render_template(
            "configuration_program.html",
            name=name,
            title=(sources.effective(table) or {}).get("name", name),
            new_name=new_name,
            fields=fields,
            values={one.key: one.shown(values) for one in fields},
            problems=problems or {},
            base=base_in_form() if request.method == "POST" else sources.version,
            overrides=[one for one in self._changes.overrides() if one.key.startswith(f"{table}.")],
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
        return self._changes.check_page(self._editor.remove_program(name, successor), "")

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
            draft = self._changes.sources_with_draft()
            _, program = self._program(name)
            texts = _own_texts(draft, name, language)
            return html(self._replies_page(draft, program, language, texts), 200)
        sources, program = self._program(name)
        texts, table = read_wordings(request.form), f"programs.{name}"
        if "show" in request.form:  # without scripts a button shows the preview
            return html(self._replies_page(sources, program, language, texts), 200)
        replies = (sources.effective(table) or {}).get("replies", {})
        values = {"replies": with_wordings(replies, language, texts)}
        change = ConfigurationChange({table: sources.with_keys(table, values)}, base_in_form())
        faults = self._editor.check(change).faults
        problems = by_field(faults, f"{table}.replies.{language}", [kind for kind, _ in WORDINGS])
        if not problems:
            return self._changes.check_page(change, f"{PROGRAMS}/{name}/replies/{language}")
        return html(self._replies_page(sources, program, language, texts, problems), 422)

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
            base=base_in_form() if request.method == "POST" else sources.version,
            are_overridden="replies" in in_console and bool(in_file.get("replies")),
        )

    def _program(self, name: str) -> tuple[ConfigurationSources, Program]:
        program = self._editor.settings().programs.get(name)
        sources = self._editor.sources()
        if program is None or sources.effective(f"programs.{name}") is None:
            raise NotFound
        return sources, program


def _own_texts(sources: ConfigurationSources, name: str, language: str) -> dict[str, str]:
    replies = (sources.effective(f"programs.{name}") or {}).get("replies", {})
    texts = replies.get(language, {}) if isinstance(replies, dict) else {}
    return {kind: str(text) for kind, text in texts.items()} if isinstance(texts, dict) else {}


def _languages(program: Program, shown: str) -> list[tuple[str, str]]:
    """Return the languages that replies can be in, each with its name: the program's own first."""
    own = dict.fromkeys([*languages_of(program), shown])
    others = [code for code in NAMES if code not in own and code != ANY_LANGUAGE]
    return [(code, language_name(code)) for code in [*own, *sorted(others, key=language_name)]]
