"""``[accounts.NAME]`` tables into accounts, and the account that only the simulator has."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from pydantic import TypeAdapter, ValidationError

from smsgate.settings.applications import Secret
from smsgate.settings.environment import (
    UNSET,
    Environment,
    TableReader,
    split_secrets,
    weakness,
    web_url_problem,
)
from smsgate.settings.shape import AccountName, AccountTable, complaints
from smsgate.settings.values import Account

SIMULATOR = "simulator"
_NAME = TypeAdapter(AccountName)
PLACEHOLDER = re.compile(r"replace-me|AC0{32}")
"""What the documentation shows in place of a secret or an id; nothing is set there yet."""
SecretKeys = Callable[[str], frozenset[str]]
"""By provider the names of the keys that hold secrets."""
_OURS = ("provider", "public_url", "api_url")
"""Keys that are the same for every provider, and no credentials."""


class AccountReader(TableReader):
    """Reads the account tables of one file."""

    heading = "accounts"

    def read_all(
        self, tables: Mapping[str, object], public_url: str, secret_keys: SecretKeys
    ) -> dict[str, Account]:
        """Return the accounts by name, with that of the simulator where there is one."""
        found = [self._read(name, one, public_url, secret_keys) for name, one in tables.items()]
        found.append(simulator(self._environment))
        return {account.name: account for account in found if account}

    def _read(
        self, name: str, table: object, public_url: str, secret_keys: SecretKeys
    ) -> Account | None:
        """Return one account, or nothing where the table cannot be used at all."""
        if not self._name_is_fit(name):
            return None
        try:
            shape = AccountTable.model_validate(table)
        except ValidationError as error:
            for key, problem in complaints(error, ()):
                self._fault(f"{name}.{key}" if key else name, problem)
            return None
        texts = shape.model_dump(exclude={"rate", "silent_hours", "opt_out_list"})
        unset: dict[str, str] = {}
        values = {key: self._expanded(name, key, text, unset) for key, text in texts.items()}
        ours = {key: unset.pop(key) for key in _OURS if key in unset}
        for key, text in ours.items():
            self._fault(f"{name}.{key}", f"{text!r} {UNSET}")
        provider = values.pop("provider")
        if not provider:
            if "provider" not in ours:
                problem = "is empty: name the kind of provider, such as twilio"
                self._fault(f"{name}.provider", problem)
            return None
        secret = secret_keys(provider)
        return Account(
            name=name,
            provider=provider,
            public_url=self._url(name, "public_url", values) or public_url,
            api_url=self._url(name, "api_url", values),
            rate=shape.rate,
            silent_hours=shape.silent_hours,
            opt_out_list=shape.opt_out_list,
            unset=MappingProxyType(unset),
            options=MappingProxyType({k: v for k, v in values.items() if k not in secret}),
            secrets=MappingProxyType(
                {k: split_secrets(v) for k, v in values.items() if k in secret}
            ),
        )

    def _name_is_fit(self, name: str) -> bool:
        try:
            _NAME.validate_python(name)
        except ValidationError:
            self._fault(name, "is no fit name: use a-z, 0-9, - and _, for it stands in a URL")
            return False
        if name == SIMULATOR:
            self._fault(name, "this name is kept for `smsgate dev`: choose another")
            return False
        return True

    def _expanded(self, name: str, key: str, text: str, unset: dict[str, str]) -> str:
        """The text with its variables; a text with one that is not set goes to ``unset``."""
        value, known = self._expand(f"{name}.{key}", text)
        value = value.strip()
        if PLACEHOLDER.fullmatch(value):
            unset[key] = f"{text} = {value}"
            return ""
        if not known:
            unset[key] = text
        return value

    def _url(self, name: str, key: str, values: dict[str, str]) -> str:
        text = values.pop(key)
        problem = web_url_problem(text)
        if problem:
            self._fault(f"{name}.{key}", problem)
            return ""
        return text.rstrip("/")


def simulator(environment: Environment) -> Account | None:
    """Return the account that ``smsgate dev`` asks for by two variables; elsewhere nothing.

    It is Twilio in all but the address, so that what is tried in ``dev`` is what runs later.
    """
    token, url = (environment.plain(f"SMSGATE_SIMULATOR_{part}") for part in ("TOKEN", "URL"))
    if not (token or url):
        return None
    problem = "" if token and url else "needs SMSGATE_SIMULATOR_TOKEN as well as the URL"
    problem = problem or web_url_problem(url)
    if problem:
        environment.fault("SMSGATE_SIMULATOR_URL", problem)
        return None
    if weak := weakness([token]):
        environment.fault("SMSGATE_SIMULATOR_TOKEN", weak)
    sid = "AC" + hashlib.sha256(f"account of {token}".encode()).hexdigest()[:32]
    return Account(
        name=SIMULATOR,
        provider="twilio",
        options=MappingProxyType({"account_sid": sid}),
        secrets=MappingProxyType({"auth_token": (Secret(token),)}),
        public_url=url.rstrip("/").removesuffix("/simulator"),
        api_url=url.rstrip("/"),
        simulated=True,
    )
