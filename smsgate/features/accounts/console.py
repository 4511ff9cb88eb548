"""Setup pages of the console: programs and accounts as configured, and the doctor."""

from __future__ import annotations

import re
from contextlib import suppress
from urllib.parse import urlsplit

import tomlkit
from flask import Flask, render_template, request
from werkzeug.exceptions import NotFound

from smsgate.classifier.wording import languages_of
from smsgate.content import CurrentContent
from smsgate.domain.errors import StoreUnavailable, Unfit
from smsgate.features.accounts.doctor import Doctor, ends_in_secret, webhook_of
from smsgate.metrics.snapshot import KINDS
from smsgate.providers import PROVIDERS, usable
from smsgate.providers.fields import Field
from smsgate.settings import Account
from smsgate.store.account_requests import RefusedRequest
from smsgate.web.console.auth import needs

SETUP = "/console/setup"
ACCOUNTS = "/console/setup/accounts"
ADD = f"{SETUP}/add"
_CAUSES = {
    "url": "The provider calls, and signs, another address than smsgate takes for its own: a proxy "
    "changed scheme or host, or a slash or a port is different. Set SMSGATE_PUBLIC_URL, or the "
    "account's public_url, to the address that fits, or give the provider ours.",
    "account": "Two accounts' addresses or secrets were swapped: give the provider this account's "
    "address, or swap the secrets back.",
    "clock": "This host's clock is wrong, or a proxy held the request up: set the clock, by NTP.",
    "text": "A genuine request had no text where its format promises one. It was refused: the text "
    "may have been STOP. Compare the names of the fields that came with the format on the page of "
    "this provider, or with the account's text_field.",
    "": "Most likely a stranger's forgery: any public address gets them. If the provider's own "
    "texts do not arrive, it is the secret, or something changes the body on the way.",
}
"""By ``RefusedRequest.cause`` what it means, and what helps."""


def register(console: Flask, doctor: Doctor, content: CurrentContent) -> None:
    """Add the routes."""
    pages = SetupPages(doctor, content)
    see, act = needs("viewer"), needs("admin")
    console.get(SETUP)(see(pages.setup))
    console.get(f"{SETUP}/programs/<name>")(see(pages.program))
    console.get(f"{SETUP}/doctor")(see(pages.doctor))
    console.get(ADD, endpoint="setup_add")(see(pages.add))
    console.get(f"{ACCOUNTS}/<name>")(see(pages.account))
    console.post(f"{ACCOUNTS}/<name>/check")(act(pages.check_account))


class SetupPages:
    """The pages below ``/console/setup``, but for the API keys."""

    def __init__(self, doctor: Doctor, content: CurrentContent) -> None:
        self._doctor, self._settings, self._store = doctor, doctor.settings, doctor.store
        self._content = content

    def setup(self) -> str:
        """Every program and every account."""
        return render_template(
            "setup.html",
            programs=[(one, len(languages_of(one))) for one in self._content.value.programs],
            accounts=[
                (one, _provider_title(one), usable(one)) for one in self._settings.accounts.values()
            ],
            receivers=[
                (program, key, _origin(receiver.url))
                for program in self._settings.programs
                for key, receiver in (("feed", program.feed), ("forward", program.forward))
                if receiver is not None
            ],
        )

    def program(self, name: str) -> str:
        """One program."""
        content = self._content.value
        found = content.programs.get(name)
        if found is None:
            raise NotFound
        edited = name in content.saved.replies
        return render_template(
            "setup_program.html",
            program=found,
            owner="console" if edited else "file" if found.replies else "shipped",
            feed=_origin(found.feed.url) if found.feed else "",
            forward=_origin(found.forward.url) if found.forward else "",
            links=bool(self._settings.secret_keys and self._settings.public_url),
        )

    def doctor(self) -> str:
        """The results of all checks, the worst first."""
        try:
            processes = self._store.heartbeats.snapshot()
        except StoreUnavailable:
            processes = None
        found = self._doctor.check_everything()
        return render_template(
            "setup_doctor.html", findings=found, kinds=KINDS, processes=processes
        )

    def add(self) -> str:
        """The lines of smsgate.toml for a new account, or for a program."""
        provider, problem = request.args.get("provider", ""), ""
        lines, name = "", request.args.get("name", "").strip() or provider
        try:
            if provider:
                lines = account_lines(name, provider)
        except Unfit as error:
            problem = str(error)
        return render_template(
            "setup_add.html",
            providers=sorted(
                ((key, one.title or one.label) for key, one in PROVIDERS.items()),
                key=lambda one: (one[0] == "form", one[1].casefold()),
            ),
            provider=provider,
            name=name,
            lines=lines,
            problem=problem,
        )

    def account(self, name: str, *, ask: bool = False) -> str:
        """One account with the results of its checks; its provider is asked if it may ``ask``."""
        account = self._settings.accounts.get(name)
        if account is None:
            raise NotFound
        refused = list[RefusedRequest]()
        with suppress(StoreUnavailable):  # a result of the checks says it
            refused = self._store.quarantine.newest(account.name)
        return render_template(
            "setup_account.html",
            account=account,
            provider=_provider_title(account),
            usable=usable(account),
            webhook=webhook_of(account),
            ends_in_secret=ends_in_secret(account),
            keys=keys_of(account),
            findings=[*self._doctor.check_account(name, ask=ask)],
            is_asked=ask,
            causes=_CAUSES,
            refused=refused,
        )

    def check_account(self, name: str) -> str:
        """The same with what its provider says, as ``smsgate doctor ACCOUNT`` has it."""
        return self.account(name, ask=True)


def keys_of(account: Account) -> list[tuple[Field, bool, int, str]]:
    """Each field that the account's provider reads, with what the configuration has of it.

    Whether it must be set; how many values it has, since of a secret there may be several; and the
    value, which is never shown of a secret.
    """
    found = []
    for field in PROVIDERS[account.provider].fields:
        option = account.options.get(field.name, "")
        count = len(account.values_of(field.name)) if field.secret else int(bool(option))
        is_required = field.is_required(account.options)
        found.append((field, is_required, count, "" if field.secret else option))
    return found


def account_lines(name: str, provider: str) -> str:
    """Return the lines of ``smsgate.toml`` for an account, with the keys that it must have.

    Secrets are named by variables. Raises ``Unfit`` where there is no such provider.
    """
    if provider not in PROVIDERS:
        raise Unfit(f"There is no provider {provider!r}: choose one of {', '.join(PROVIDERS)}.")
    document, table = tomlkit.document(), tomlkit.table()
    table["provider"] = provider
    for field in PROVIDERS[provider].fields:
        if field.is_required({}):
            variable = re.sub(r"[^A-Z0-9_]", "_", f"{name}_{field.name}".upper())
            table[field.name] = f"${{{variable}}}" if field.secret else ""
            table[field.name].comment(field.what)
    document["accounts"] = tomlkit.table(is_super_table=True)
    document["accounts"][name] = table
    return tomlkit.dumps(document)


def _provider_title(account: Account) -> str:
    provider, preset = PROVIDERS[account.provider], account.options.get("preset", "")
    return (provider.title or provider.label) + (f", preset {preset}" if preset else "")


def _origin(url: str) -> str:
    """Scheme and host of a URL: what follows may be a secret."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname or ''}{port}/…"
