"""Reads the environment and ``smsgate.toml`` into settings, and reports every fault."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args

import msgspec
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from smsgate.domain.errors import Fault
from smsgate.settings import ACCOUNT_KEYS, TABLES, Account, ReplyKind, SavedReplies, Settings
from smsgate.settings.rules import nearest
from smsgate.settings.secret import Secret, weakness

FILE, ENVIRONMENT = "smsgate.toml", "environment"
"""Places of faults."""
UNSET = "names a variable that is not set: set it"
"""Said of a text with a ``${NAME}`` of which nothing is known."""
VARIABLES = {
    "config_dir": "SMSGATE_CONFIG",
    "data_dir": "SMSGATE_DATA_DIR",
    "redis_url": "REDIS_URL",
    "queue_url": "QUEUE_URL",
    "database_url": "DATABASE_URL",
    "public_url": "SMSGATE_PUBLIC_URL",
    "private_hosts": "SMSGATE_PRIVATE_HOSTS",
    "api_keys": "SMSGATE_API_KEYS",
    "secret_keys": "SMSGATE_SECRET_KEYS",
    "metrics_keys": "SMSGATE_METRICS_KEYS",
    "port": "PORT",
    "web_concurrency": "WEB_CONCURRENCY",
    "web_threads": "WEB_THREADS",
}
IN_FILES = ("redis_url", "queue_url", "database_url", "api_keys", "secret_keys", "metrics_keys")
HEADINGS = ("accounts", *dict.fromkeys(name.partition(".")[0] for name in TABLES))
PLACEHOLDER = re.compile(r"replace-me|AC0{32}")
"""What the documentation shows in place of a secret or an id; nothing is set there yet."""
_REFERENCE = re.compile(r"\$\{([^{}]*)(\}?)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SENTENCES = {
    "string_type": "must be text in quotes",
    "tuple_type": 'must be a list, such as ["…", "…"]',
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a smaller number",
    "dataclass_type": "must be a table",
    "dict_type": "must be a table",
    "missing": "is missing: it has to be given",
    "too_short": "must name at least one",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than_equal": "must be at most {le:g}",
    "string_too_short": "is empty: give a text",
    "string_too_long": "is longer than {max_length} characters",
}
"""By pydantic's type of error, where its own sentence is not plain enough."""
_SETTINGS, _SAVED_REPLIES = TypeAdapter(Settings), TypeAdapter(SavedReplies)


def read_settings(
    environ: Mapping[str, str], *, secret_keys: Callable[[str], frozenset[str]]
) -> tuple[Settings, list[Fault]]:
    """Read the settings, and what is wrong with them.

    ``secret_keys(provider)`` gives the names of the account keys that hold secrets. What has a
    fault is left out or has its default: with faults, the settings are for reports alone.
    """
    reader = _Reader(environ, secret_keys)
    variables = reader.variables()
    document = reader.document(Path(variables.get("config_dir", "config")) / FILE)
    tables = reader.tables(document, variables.get("public_url", ""))
    settings = reader.settings({**variables, **tables})
    settings = replace(
        settings,
        accounts=MappingProxyType({**settings.accounts, **reader.simulator()}),
        # Comments and the order of keys are no part of it.
        document=hashlib.sha256(msgspec.json.encode(document, order="deterministic")).hexdigest(),
        secret_files=tuple(reader.files),
    )
    return settings, sorted(reader.faults, key=lambda one: one.place != ENVIRONMENT)


def read_replies(
    text: str, contact: str, place: str
) -> tuple[Mapping[str, Mapping[str, str]], list[Fault]]:
    """Return the wording of replies by language and kind, and what is wrong with it.

    ``text`` is TOML with a table for each language; ``contact`` is the program's, ``place`` is
    told.
    """
    try:
        given = {"contact": contact, "replies": tomllib.loads(text)}
        return _SAVED_REPLIES.validate_python(given).replies, []
    except tomllib.TOMLDecodeError as error:
        return {}, [Fault(place, "replies", f"is no TOML: {error}")]
    except ValidationError as error:
        found = error.errors()
        return {}, [Fault(place, _key(one["loc"][1:]), _sentence(one)) for one in found]


class _Reader:
    """Puts variables into the document and checks it; collects the faults."""

    def __init__(
        self, environ: Mapping[str, str], secret_keys: Callable[[str], frozenset[str]]
    ) -> None:
        self._environ = environ
        self._secret_keys = secret_keys
        self._place = ""
        self.faults: dict[Fault, None] = {}
        """In their order; one variable may be read for several keys, and is reported once."""
        self.files: dict[Path, None] = {}
        """Those that ``NAME_FILE`` named."""

    def _fault(self, key: str, problem: str, place: str = "") -> None:
        self.faults[Fault(place or self._place, key, problem)] = None

    def _variable(self, name: str) -> str:
        return self._environ.get(name, "").strip()

    def _text(self, name: str) -> str:
        """A variable, or the content of the file that ``NAME_FILE`` names."""
        value, path = self._variable(name), self._variable(f"{name}_FILE")
        if value and path:
            self._fault(name, f"set either {name} or {name}_FILE, not both", ENVIRONMENT)
        if value or not path:
            return value
        self.files[Path(path)] = None
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            problem = f"{path} cannot be read ({why}): name a readable file"
            self._fault(f"{name}_FILE", problem, ENVIRONMENT)
            return ""

    def variables(self) -> dict[str, Any]:
        """The settings that variables give."""
        found = {
            key: self._text(name) if key in IN_FILES else self._variable(name)
            for key, name in VARIABLES.items()
        }
        if "+" in found["redis_url"].partition("://")[0] and not found["queue_url"]:
            problem = "RQ needs a Redis of its own where REDIS_URL names a cluster or Sentinels"
            self._fault("QUEUE_URL", f"is not set: {problem}", ENVIRONMENT)
        return {key: text for key, text in found.items() if text}

    def document(self, path: Path) -> dict[str, Any]:
        """The file as TOML; empty if it is none."""
        self._place = str(path)
        try:
            return tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            right = "SMSGATE_CONFIG names the folder that has it"
            self._fault(FILE, f"cannot be read ({error.strerror}): {right}")
        except ValueError as error:
            self._fault(FILE, f"is no TOML in UTF-8: {error}")
        return {}

    def tables(self, document: Mapping[str, Any], public_url: str) -> dict[str, Any]:
        """The document as ``Settings`` has it; ``public_url`` is that of accounts without one."""
        for key in [one for one in document if one not in HEADINGS]:
            self._fault(key, f"there is no such table: {nearest(key, HEADINGS)}")
        others = {key: document[key] for key in HEADINGS if key in document and key != "accounts"}
        tables: dict[str, Any] = self._expanded(others)
        for name, table in _tables(tables, "programs").items():
            table["(name)"] = name
            if isinstance(table.get("forward"), dict):
                table["forward"].setdefault("secret", "")  # it is needed unless as = "original"
        accounts = document.get("accounts", {})
        if isinstance(accounts, dict):
            accounts = accounts | {
                name: self._account(name, table, public_url)
                for name, table in _tables(document, "accounts").items()
            }
        return {"accounts": accounts, **tables}

    def _expand(self, text: str) -> tuple[str, str]:
        """The text with each ``${NAME}`` replaced, and what is wrong with it."""
        problems = []

        def value(found: re.Match[str]) -> str:
            name, end = found.groups()
            if not end or not _NAME.fullmatch(name):
                # Without quoting it: a password may have these characters, too.
                problems.append("has a ${…} that names no variable: write ${NAME}")
                return ""
            known = self._text(name)
            if not known:
                problems.append(UNSET)
            return known

        return _REFERENCE.sub(value, text).strip(), min(problems, default="")

    def _expanded(self, value: Any, key: str = "") -> Any:  # noqa: ANN401 - whatever TOML has
        if isinstance(value, dict):
            return {one: self._expanded(part, f"{key}.{one}") for one, part in value.items()}
        if isinstance(value, list):
            return [self._expanded(part, f"{key}.{one}") for one, part in enumerate(value)]
        text, problem = self._expand(value) if isinstance(value, str) else (value, "")
        if problem:
            said = f"{value.strip()!r} {problem}" if problem == UNSET else problem
            optional = ", or take the key out" if key.startswith(".alerts.") else ""
            self._fault(key.lstrip("."), said + optional)
        return value if problem else text

    def _account(self, name: str, table: Mapping[str, Any], public_url: str) -> dict[str, Any]:
        """The table of an account with the provider's own keys in their places."""
        ours = {key: value for key, value in table.items() if key in ACCOUNT_KEYS}
        ours = self._expanded(ours, f"accounts.{name}")
        told = {fault.key for fault in self.faults}
        ours = {key: one for key, one in ours.items() if f"accounts.{name}.{key}" not in told}
        ours["public_url"] = ours.get("public_url") or public_url
        secret = self._secret_keys(str(ours.get("provider")))
        unset, options, secrets = dict[str, str](), dict[str, Any](), dict[str, Any]()
        for key, value in table.items():
            if key in ACCOUNT_KEYS:
                continue
            text, problem = self._expand(value) if isinstance(value, str) else (value, "")
            if problem == UNSET:
                unset[key] = value.strip()
            elif problem:
                self._fault(f"accounts.{name}.{key}", problem)
            elif PLACEHOLDER.fullmatch(str(text)):
                unset[key], text = f"{value} = {text}", ""
            (secrets if key in secret else options)[key] = text
        return {**ours, "name": name, "options": options, "secrets": secrets, "unset": unset}

    def settings(self, given: dict[str, Any]) -> Settings:
        """The settings; what has a fault is left out."""
        names = {key: [*_tables(given, key)] for key in ("accounts", "programs")}
        found: list[ErrorDetails] = []
        while True:
            try:
                return _SETTINGS.validate_python(given, context={**names, "claims": {}})
            except ValidationError as error:
                is_first, found = not found, error.errors()
            if is_first:
                self._tell(found)
            for one in found:
                _take_out(given, one["loc"])

    def _tell(self, found: Sequence[ErrorDetails]) -> None:
        told = [f"{one.key}." for one in self.faults]
        for one in found:
            key = f"{_key(one['loc'])}."
            # A list whose entries are wrong is also too short for pydantic.
            is_known = any(other.startswith(key) for other in told)
            if not is_known and one["type"] != "default_factory_not_called":
                told.append(key)
                place = ENVIRONMENT if one["loc"][0] in VARIABLES else ""
                self._fault(key[:-1], _sentence(one), place)

    def simulator(self) -> dict[str, Account]:
        """The account that ``smsgate dev`` asks for by two variables; elsewhere none.

        It is Twilio in all but the address, so that what is tried in ``dev`` is what runs later.
        """
        token, url = (self._variable(f"SMSGATE_SIMULATOR_{part}") for part in ("TOKEN", "URL"))
        if not (token and url):
            if token or url:
                problem = "needs SMSGATE_SIMULATOR_TOKEN as well as the URL"
                self._fault("SMSGATE_SIMULATOR_URL", problem, ENVIRONMENT)
            return {}
        if problem := weakness([token]):
            self._fault("SMSGATE_SIMULATOR_TOKEN", problem, ENVIRONMENT)
        sid = "AC" + hashlib.sha256(f"account of {token}".encode()).hexdigest()[:32]
        account = Account(
            name="simulator",
            provider="twilio",
            options={"account_sid": sid},
            secrets={"auth_token": (Secret(token),)},
            public_url=url.rstrip("/").removesuffix("/simulator"),
            api_url=url.rstrip("/"),
            simulated=True,
        )
        return {account.name: account}


def _tables(document: Mapping[str, Any], heading: str) -> dict[str, dict[str, Any]]:
    """The tables below a heading, without what is none."""
    found = document.get(heading)
    found = found if isinstance(found, dict) else {}
    return {name: table for name, table in found.items() if isinstance(table, dict)}


def _take_out(table: dict[str, Any], path: Sequence[int | str]) -> None:
    """Take out the value at a path; where there is none, the table that lacks it."""
    key, *rest = path
    inner = table.get(str(key))
    if isinstance(inner, dict) and rest and (len(rest) > 1 or rest[0] in inner):
        _take_out(inner, rest)
    else:
        table.pop(str(key), None)


def _key(loc: Sequence[int | str]) -> str:
    """A place as the operator wrote it."""
    if loc[0] in VARIABLES:
        return VARIABLES[str(loc[0])]
    if loc[0] == "accounts" and loc[2:3] in (("options",), ("secrets",)):
        loc = (*loc[:2], *loc[3:])  # The provider's own keys stand beside the others.
    return ".".join(str(part) for part in loc if part != "[key]")


def keys_of(table: type) -> list[str]:
    """Return the keys that a table of the file may have."""
    properties = TypeAdapter(table).json_schema()["properties"]
    return [key for key in properties if key != "(name)"]


def _sentence(error: ErrorDetails) -> str:
    kind, loc = error["type"], [str(part) for part in error["loc"]]
    if kind == "unexpected_keyword_argument":
        name = ".".join([loc[0], "NAME", *loc[2:-1]] if loc[0] == "programs" else loc[:-1])
        return f"there is no such key: {nearest(loc[-1], keys_of(TABLES[name]))}"
    if kind == "literal_error" and loc[-1] == "[key]":
        return f"there is no such key: {nearest(loc[-2], get_args(ReplyKind))}"
    if kind in _SENTENCES:
        return _SENTENCES[kind].format(**error.get("ctx", {}))
    return error["msg"].removeprefix("Value error, ").replace("Input should", "must")
