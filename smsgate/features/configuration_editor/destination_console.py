"""The forms of the destinations of alerts: a webhook, a mailbox, numbers to text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from flask import Flask, flash, redirect, render_template, request
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from smsgate.features.configuration_editor.change_console import (
    SETUP,
    base_in_form,
    editor_of,
    put_in_force,
    save_form,
)
from smsgate.features.configuration_editor.errors import SecretRefused
from smsgate.features.configuration_editor.forms import FormField, read_fields
from smsgate.features.configuration_editor.secret_files import variable_of_table
from smsgate.features.configuration_editor.sources import ConfigurationChange, ConfigurationSources
from smsgate.pipeline.services import Services
from smsgate.settings.alerts import PORTS
from smsgate.settings.console import file_table
from smsgate.web.console.auth import needs

ALERTS = f"{SETUP}/alerts"
_TLS = (
    ("starttls", "STARTTLS, on port 587"),
    ("tls", "TLS from the start, on port 465"),
    ("none", "None, on port 25"),
)


@dataclass(frozen=True, slots=True)
class DestinationForm:
    """The form of one kind of destination."""

    table: str
    title: str
    fields: Sequence[FormField]

    @property
    def variables(self) -> dict[str, str]:
        """By secret key the variable that holds it."""
        secrets = [one.key for one in self.fields if one.kind == "secret"]
        return {key: variable_of_table(self.table, key) for key in secrets}


@dataclass
class _TypedDestination:
    """What was typed into a form, and what is wrong with it."""

    values: dict[str, object]
    """By key, with references to variables in place of secrets."""
    secrets: dict[str, str] = field(default_factory=dict)
    """By variable."""
    problems: dict[str, list[str]] = field(default_factory=dict)


_FORMS = {
    "webhook": DestinationForm(
        "alerts.webhook",
        "webhook",
        (
            FormField(
                "url",
                "URL",
                "secret",
                "Gets each alert as JSON, with a text that Slack and similar services show.",
                required=True,
            ),
        ),
    ),
    "email": DestinationForm(
        "alerts.email",
        "e-mail",
        (
            FormField("to", "To", "lines", "E-mail addresses, one on each line.", required=True),
            FormField("from", "From", help="An e-mail address, without a name.", required=True),
            FormField("host", "Mail server", help="Such as mail.example.com.", required=True),
            FormField("tls", "Encryption", "choice", choices=_TLS, default="starttls"),
            FormField("port", "Port", help="If empty, that of the encryption."),
            FormField("user", "User"),
            FormField("password", "Password", "secret"),
        ),
    ),
    "text": DestinationForm(
        "alerts.text",
        "text message",
        (
            FormField("to", "To", "lines", "Phone numbers, one on each line.", required=True),
            FormField("account", "Account", "choice", required=True),
            FormField(
                "from", "From", help="A sender of the account, such as +14155550100.", required=True
            ),
        ),
    ),
}
"""By the name of the destination in ``[alerts]``."""


def register(console: Flask, services: Services) -> None:
    """Add the routes."""
    pages = _DestinationPages(services)
    admin = needs("admin")
    console.get(f"{ALERTS}/<kind>/edit", endpoint="edit_destination")(admin(pages.show))
    console.post(f"{ALERTS}/<kind>/edit", endpoint="save_destination")(admin(pages.save))


class _DestinationPages:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._editor = editor_of(services)

    def show(self, kind: str) -> str:
        """Show the form of a destination."""
        sources = self._editor.sources()
        form = self._form(kind, sources)
        return self._page(sources, form, sources.effective(form.table) or {})

    def save(self, kind: str) -> Response:
        """Save a destination, or show what is wrong at each field."""
        sources = self._editor.sources()
        form = self._form(kind, sources)
        typed, before = self._read(form, sources), sources.effective(form.table) or {}
        change = ConfigurationChange(
            {form.table: sources.with_keys(form.table, typed.values)}, base_in_form()
        )
        keys = [one.key for one in form.fields]
        saved, problems = save_form(self._editor, change, typed.secrets, typed.problems, keys)
        if saved is None:
            page = self._page(sources, form, {**before, **typed.values}, problems)
            return Response(page, 422, content_type="text/html; charset=utf-8")
        flash(f"Saved as version {saved.version}.", "good")
        return redirect(f"{ALERTS}?applied={put_in_force(self._services)}", 303)

    def _form(self, kind: str, sources: ConfigurationSources) -> DestinationForm:
        if kind not in _FORMS:
            raise NotFound
        form = _FORMS[kind]
        accounts = tuple((name, name) for name in sources.names("accounts"))
        fields = [
            replace(one, choices=accounts) if one.key == "account" else one for one in form.fields
        ]
        return replace(form, fields=fields)

    def _read(self, form: DestinationForm, sources: ConfigurationSources) -> _TypedDestination:
        before = sources.effective(form.table) or {}
        plain = [one for one in form.fields if one.kind != "secret"]
        typed = _TypedDestination(read_fields(plain, request.form))
        for one in plain:
            if one.required and not typed.values[one.key]:
                typed.problems[one.key] = ["Required."]
        if "port" in typed.values:
            _read_port(typed, before)
        for key, variable in form.variables.items():
            secret = request.form.get(key, "").strip()
            is_outside = self._editor.secrets.is_in_environment(variable)
            if secret:
                typed.secrets[variable] = secret
                try:
                    self._editor.secrets.refuse(variable)
                except SecretRefused as error:
                    typed.problems[key] = [str(error)]
            if secret or (is_outside and not before.get(key)):
                typed.values[key] = f"${{{variable}}}"
            elif key == "url" and not before.get(key):
                typed.problems[key] = ["Required."]
        if "user" in typed.values and not typed.values["user"] and "password" not in typed.values:
            typed.values["password"] = ""
        return typed

    def _page(
        self,
        sources: ConfigurationSources,
        form: DestinationForm,
        values: Mapping[str, object],
        problems: Mapping[str, Sequence[str]] | None = None,
    ) -> str:
        settings = self._editor.settings()
        return render_template(
            "configuration_destination.html",
            form=form,
            path=f"{ALERTS}/{form.table.partition('.')[2]}/edit",
            is_new=sources.effective(form.table) is None,
            is_in_file=file_table(sources.file, form.table) is not None,
            is_changed=form.table in sources.tables,
            values={one.key: one.shown(values) for one in form.fields if one.kind != "secret"},
            are_set={
                key for key in form.variables if (sources.effective(form.table) or {}).get(key)
            },
            problems=problems or {},
            base=sources.version,
            overrides=[one for one in settings.overrides if one.key.startswith(f"{form.table}.")],
        )


def _read_port(typed: _TypedDestination, before: Mapping[str, object]) -> None:
    """Make the port a number; an empty one is that of the encryption."""
    port = str(typed.values["port"])
    if port.isascii() and port.isdigit():
        typed.values["port"] = min(int(port[:9]), 10**6)
    elif port:
        typed.problems["port"] = ["must be a number from 1 to 65535"]
    elif "port" in before:
        typed.values["port"] = PORTS.get(str(typed.values["tls"]), 0)
    else:
        del typed.values["port"]
