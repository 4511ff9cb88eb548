"""The pages that add and change an account: its keys, its secrets, the webhook to paste."""

from __future__ import annotations

import secrets as random_secrets
from collections.abc import Mapping, Sequence

from flask import Flask, flash, redirect, render_template, request
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from smsgate.domain.errors import StoreUnavailable, Unfit
from smsgate.features.configuration_editor.change_console import (
    SETUP,
    base_in_form,
    editor_of,
    put_in_force,
    save_form,
)
from smsgate.features.configuration_editor.errors import SecretRefused
from smsgate.features.configuration_editor.forms import (
    AccountForm,
    account_form,
    read_account,
)
from smsgate.features.configuration_editor.secret_files import variable_of
from smsgate.features.configuration_editor.sources import ConfigurationChange, ConfigurationSources
from smsgate.pipeline.services import Services
from smsgate.providers import PROVIDERS, usable
from smsgate.settings import Account
from smsgate.settings.console import file_table
from smsgate.web.console.auth import needs

ACCOUNTS = f"{SETUP}/accounts"
NEW_ACCOUNT = f"{SETUP}/new-account"
_SECRET_BYTES = 32
_KEPT_SECRETS = 2
"""Older secrets that stay valid beside a new one."""


def register(console: Flask, services: Services) -> None:
    """Add the routes."""
    pages = _AccountPages(services)
    admin = needs("admin")
    console.get(NEW_ACCOUNT, endpoint="new_account")(admin(pages.show_new))
    console.post(NEW_ACCOUNT, endpoint="add_account")(admin(pages.add))
    console.get(f"{ACCOUNTS}/<name>/edit", endpoint="edit_account")(admin(pages.show))
    console.post(f"{ACCOUNTS}/<name>/edit", endpoint="save_account")(admin(pages.save))
    console.get(f"{ACCOUNTS}/<name>/connect", endpoint="connect_account")(admin(pages.connect))
    console.get(f"{ACCOUNTS}/<name>/waiting", endpoint="account_waiting")(admin(pages.waiting))


class _AccountPages:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._editor = editor_of(services)

    def show_new(self) -> str:
        """Show the choice of a provider, and then the form of an account of it."""
        provider = request.args.get("provider", "")
        form = account_form(provider)
        if form is None:
            return render_template(
                "configuration_provider.html",
                providers=sorted(
                    ((name, one.title or one.label) for name, one in PROVIDERS.items()),
                    key=lambda one: (one[0] == "form", one[1].casefold()),
                ),
                problem=f"There is no provider {provider!r}." if provider else "",
            )
        return self._page(self._editor.sources(), form, "", {}, new_name=provider)

    def show(self, name: str) -> str:
        """Show the form of an account."""
        sources, form, values = self._found(name)
        return self._page(sources, form, name, values)

    def add(self) -> Response:
        """Add an account, or show what is wrong at each field."""
        form = account_form(request.form.get("provider", ""))
        if form is None:
            raise Unfit("Choose the provider first.")
        sources, name = self._editor.sources(), request.form.get("id", "").strip()
        problem = ""
        taken = {variable_of(one, ""): one for one in sources.names("accounts")}
        if not name:
            problem = "is missing: it is the last part of the webhook's address"
        elif variable_of(name, "") in taken:
            problem = f"is too close to that of {taken[variable_of(name, '')]}: choose another one"
        return self._save(sources, form, name, problem, is_new=True)

    def save(self, name: str) -> Response:
        """Save an account, or show what is wrong at each field."""
        sources, form, _ = self._found(name)
        return self._save(sources, form, name)

    def connect(self, name: str) -> str:
        """Show the address for the provider, and whether a text came."""
        account = self._editor.settings().accounts.get(name)
        if account is None:
            raise NotFound
        return self._connect_page(account)

    def waiting(self, name: str) -> str:
        """Show whether a text came; the page asks for it every two seconds."""
        return render_template("part_waiting.html", name=name, **self._requests(name))

    def _found(self, name: str) -> tuple[ConfigurationSources, AccountForm, dict[str, object]]:
        sources = self._editor.sources()
        values = sources.effective(f"accounts.{name}")
        form = account_form(str((values or {}).get("provider", "")))
        if values is None or form is None:
            raise NotFound
        return sources, form, values

    def _save(
        self,
        sources: ConfigurationSources,
        form: AccountForm,
        name: str,
        id_problem: str = "",
        *,
        is_new: bool = False,
    ) -> Response:
        table = f"accounts.{name or 'new'}"
        values = read_account(form, request.form)
        outside = self._set_outside(form, name)
        secrets, made = self._secrets(form, name, outside, is_new=is_new)
        wanted: dict[str, object] = {
            **({"provider": form.provider} if is_new else {}),
            **values,
            **{key: f"${{{variable_of(name, key)}}}" for key in [*secrets, *outside]},
        }
        change = ConfigurationChange({table: sources.with_keys(table, wanted)}, base_in_form())
        by_variable = {variable_of(name, key): value for key, value in secrets.items()}
        problems: dict[str, list[str]] = {"id": [id_problem]} if id_problem else {}
        for key in secrets:
            self._refuse_secret(name, key, problems)
        keys = ["id", *(one.key for one in form.fields)]
        saved, problems = save_form(self._editor, change, by_variable, problems, keys)
        if saved is None:
            shown = {**(sources.effective(table) or {}), **values}
            page = self._page(sources, form, "" if is_new else name, shown, problems, name)
            return Response(page, 422, content_type="text/html; charset=utf-8")
        applied = put_in_force(self._services)
        flash(f"Saved as version {saved.version}.", "good")
        if made:  # shown this once, so the answer is no redirect
            account = self._editor.settings().accounts[name]
            page = self._connect_page(account, applied, made)
            return Response(page, content_type="text/html; charset=utf-8")
        return redirect(f"{ACCOUNTS}/{name}/connect?applied={applied}", 303)

    def _set_outside(self, form: AccountForm, name: str) -> list[str]:
        """Return the secret keys without a value that the environment has one for.

        A file that an account of this name left behind is no reason to use it.
        """
        account = self._editor.settings().accounts.get(name)
        return [
            one.key
            for one in form.fields
            if one.kind == "secret"
            and not request.form.get(one.key, "").strip()
            and not (account is not None and account.values_of(one.key))
            and self._editor.secrets.is_in_environment(variable_of(name, one.key))
        ]

    def _secrets(
        self, form: AccountForm, name: str, outside: Sequence[str], *, is_new: bool
    ) -> tuple[dict[str, str], str]:
        """Return the secrets that were typed by key, and one that was made for the address."""
        found, made = {}, ""
        current = self._editor.settings().accounts.get(name)
        for one in form.fields:
            typed = request.form.get(one.key, "").strip(" ,") if one.kind == "secret" else ""
            if typed and "keep_old" in request.form and current is not None:
                older = [two for two in current.values_of(one.key) if two not in typed.split(",")]
                typed = ",".join([typed, *older[:_KEPT_SECRETS]])
            if typed:
                found[one.key] = typed
        ending = PROVIDERS[form.provider].path_secret_key(request.form)
        if is_new and ending and ending not in {*found, *outside}:
            found[ending] = made = random_secrets.token_urlsafe(_SECRET_BYTES)
        return found, made

    def _refuse_secret(self, name: str, key: str, problems: dict[str, list[str]]) -> None:
        try:
            self._editor.secrets.refuse(variable_of(name, key))
        except SecretRefused as error:
            problems.setdefault(key, []).append(str(error))

    def _page(
        self,
        sources: ConfigurationSources,
        form: AccountForm,
        name: str,
        values: Mapping[str, object],
        problems: Mapping[str, Sequence[str]] | None = None,
        new_name: str = "",
    ) -> str:
        settings = self._editor.settings()
        account, table = settings.accounts.get(name), f"accounts.{name}"
        hidden = {one.key for one in form.fields if one.kind == "secret"}
        shown = {one.key: one.shown(values) for one in form.fields if one.key not in hidden}
        ending = PROVIDERS[form.provider].path_secret_key(shown)
        return render_template(
            "configuration_account.html",
            form=form,
            provider=PROVIDERS[form.provider],
            name=name,
            new_name=new_name,
            values=shown,
            are_set={key for key in hidden if account is not None and account.values_of(key)},
            makes="" if name else ending,
            variables={key: variable_of(name or new_name, key) for key in hidden},
            problems=problems or {},
            base=sources.version,
            overrides=[one for one in settings.overrides if one.key.startswith(f"{table}.")],
            is_changed=bool(name) and table in sources.tables,
            is_only_here=bool(name) and file_table(sources.file, table) is None,
        )

    def _connect_page(self, account: Account, applied: str = "", secret: str = "") -> str:
        origin = account.public_url or request.host_url.rstrip("/")
        address = f"{origin}/webhooks/{account.name}"
        ends_in_secret = bool(PROVIDERS[account.provider].path_secret_key(account.options))
        if ends_in_secret:
            address += f"/{secret or 'SECRET'}"
        return render_template(
            "configuration_connect.html",
            account=account,
            name=account.name,
            provider=PROVIDERS[account.provider],
            usable=usable(account),
            address=address,
            ends_in_secret=ends_in_secret,
            secret=secret,
            applied=applied or request.args.get("applied", ""),
            senders=[
                sender
                for one in self._editor.settings().programs
                if one.account == account.name
                for sender in one.senders
            ],
            **self._requests(account.name),
        )

    def _requests(self, name: str) -> dict[str, object]:
        """Return when a text came by the account, and why that is unknown."""
        try:
            last = self._services.store.acceptance.last(name)
            refused = self._services.store.quarantine.newest(name)
        except StoreUnavailable as error:
            return {"came_us": 0, "refused": 0, "unknown": str(error)}
        came_us = max(last.newest_ms, last.older_ms) * 1000
        return {"came_us": came_us, "refused": sum(one.count for one in refused), "unknown": ""}
