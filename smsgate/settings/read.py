"""Reads the environment and ``smsgate.toml`` into settings, and reports every fault."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from smsgate.domain.errors import Fault
from smsgate.settings import ACCOUNT_KEYS, TABLES, ReplyKind, Settings
from smsgate.settings.rules import nearest

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
HEADINGS = ("accounts", *dict.fromkeys(name.partition(".")[0] for name in TABLES))
PLACEHOLDER = re.compile(r"(?i:replace-me)|AC0{32}")
"""What the documentation shows in place of a secret or an id; nothing is set there yet."""
_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SENTENCES = {
    "string_type": "must be text in quotes",
    "tuple_type": 'must be a list, such as ["…", "…"]',
    "bool_type": "must be true or false",
    "int_parsing": "must be a whole number",
    "dataclass_type": "must be a table",
    "dict_type": "must be a table",
    "missing": "is missing: it has to be given",
    "too_short": "must name at least one",
    "string_too_short": "is empty: give a text",
}
"""By pydantic's type of error, where its own sentence is not plain enough."""
_SETTINGS = TypeAdapter(Settings)


def read_settings(
    environ: Mapping[str, str], *, secret_keys: Callable[[str], frozenset[str]]
) -> tuple[Settings, list[Fault]]:
    """Read the settings, and what is wrong with them.

    ``secret_keys(provider)`` gives the names of the account keys that hold secrets. What has a
    fault is left out or has its default: with faults, the settings are for reports alone.
    """
    reader = _Reader(environ, secret_keys)
    given = {key: text for key, name in VARIABLES.items() if (text := reader.variable(name))}
    if "+" in given.get("redis_url", "").partition("://")[0]:
        given.setdefault("queue_url", given["redis_url"])  # It is refused: RQ needs a plain Redis.
    document = reader.document(Path(given.get("config_dir", "config")) / FILE)
    tables = reader.tables(document, given.get("public_url", ""))
    settings = reader.settings({**given, **tables, "secret_files": tuple(reader.files)})
    return settings, sorted(reader.faults, key=lambda one: one.place != ENVIRONMENT)


@dataclass
class _Reader:
    """Puts variables into the document and checks it; collects the faults."""

    environ: Mapping[str, str]
    secret_keys: Callable[[str], frozenset[str]]
    place: str = ""
    faults: dict[Fault, None] = field(default_factory=dict)
    """In their order; one variable may be read for several keys, and is reported once."""
    files: dict[Path, None] = field(default_factory=dict)
    """Those that ``NAME_FILE`` named."""

    def _fault(self, key: str, problem: str, place: str = "") -> None:
        self.faults[Fault(place or self.place, key, problem)] = None

    def variable(self, name: str) -> str:
        """A variable, or the content of the file that ``NAME_FILE`` names."""
        value, path = (self.environ.get(one, "").strip() for one in (name, f"{name}_FILE"))
        if value and path:
            self._fault(name, f"set either {name} or {name}_FILE, not both", ENVIRONMENT)
        if value or not path:
            return value
        self.files[Path(path)] = None
        return self._read(Path(path), f"{name}_FILE", "name a readable file", ENVIRONMENT).strip()

    def _read(self, path: Path, key: str, right: str, place: str = "") -> str:
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            self._fault(key, f"{path} cannot be read ({why}): {right}", place)
            return ""

    def document(self, path: Path) -> dict[str, Any]:
        """The file as TOML; empty if it is none."""
        self.place = str(path)
        try:
            return tomllib.loads(self._read(path, FILE, "SMSGATE_CONFIG names its folder"))
        except ValueError as error:
            self._fault(FILE, f"is no TOML: {error}")
            return {}

    def tables(self, document: Mapping[str, Any], public_url: str) -> dict[str, Any]:
        """The document as ``Settings`` has it; ``public_url`` is that of accounts without one."""
        for key in [one for one in document if one not in HEADINGS]:
            self._fault(key, f"there is no such table: {nearest(key, HEADINGS)}")
        found = {key: copy(document[key]) for key in HEADINGS if key in document}
        for name, table in _tables(found, "accounts").items():
            found["accounts"][name] = self._account(name, table, public_url)
        found |= {key: self._expanded(found[key], key) for key in found if key != "accounts"}
        for name, table in _tables(found, "programs").items():
            table["(name)"] = name
            if isinstance(table.get("forward"), dict):
                table["forward"].setdefault("secret", "")  # it is needed unless as = "original"
        return found

    def _expand(self, text: str) -> tuple[str, str]:
        """The text with each ``${NAME}`` replaced, or empty with what is wrong with it."""
        known = {name: self.variable(name) for name in _REFERENCE.findall(text)}
        if "${" in _REFERENCE.sub("", text):
            # Without quoting it: a password may have these characters, too.
            return "", "has a ${…} that names no variable: write ${NAME}"
        if not all(known.values()):
            return "", UNSET
        return _REFERENCE.sub(lambda found: known[found[1]], text).strip(), ""

    def _expanded(self, value: Any, key: str) -> Any:  # noqa: ANN401 - whatever TOML has
        if isinstance(value, dict):
            return {one: self._expanded(part, f"{key}.{one}") for one, part in value.items()}
        if isinstance(value, list):
            return [self._expanded(part, f"{key}.{one}") for one, part in enumerate(value)]
        text, problem = self._expand(value) if isinstance(value, str) else (value, "")
        if problem:
            said = f"{value.strip()!r} {problem}" if problem == UNSET else problem
            self._fault(key, said + (", or take the key out" if key.startswith("alerts.") else ""))
        return value if problem and not key.startswith("accounts.") else text

    def _account(self, name: str, table: Mapping[str, Any], public_url: str) -> dict[str, Any]:
        """The table of an account with the provider's own keys in their places."""
        ours = {key: value for key, value in table.items() if key in ACCOUNT_KEYS}
        ours = self._expanded(ours, f"accounts.{name}")
        ours["public_url"] = ours.get("public_url") or public_url
        secret = self.secret_keys(str(ours.get("provider")))
        unset, options, secrets = dict[str, str](), dict[str, Any](), dict[str, Any]()
        for key in [one for one in table if one not in ACCOUNT_KEYS]:
            value = table[key]
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
        while True:
            try:
                return _SETTINGS.validate_python(given, context={**names, "claims": {}})
            except ValidationError as error:
                for one in error.errors():
                    self._tell(one)
                    _take_out(given, one["loc"])

    def _tell(self, error: ErrorDetails) -> None:
        fault = fault_of(error, ENVIRONMENT if error["loc"][0] in VARIABLES else self.place)
        # A list whose entries are wrong is also too short for pydantic.
        is_known = any(f"{one.key}.".startswith(f"{fault.key}.") for one in self.faults)
        if not is_known and error["type"] != "default_factory_not_called":
            self.faults[fault] = None


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


def keys_of(table: type) -> list[str]:
    """Return the keys that a table of the file may have."""
    return [key for key in TypeAdapter(table).json_schema()["properties"] if key != "(name)"]


def fault_of(error: ErrorDetails, place: str) -> Fault:
    """Return a complaint of pydantic as a fault, with the key as the operator wrote it."""
    kind, loc = error["type"], [str(part) for part in error["loc"]]
    problem = re.sub("^(Input|String) should", "must", error["msg"].removeprefix("Value error, "))
    if kind == "unexpected_keyword_argument":
        name = ".".join([loc[0], "NAME", *loc[2:-1]] if loc[0] == "programs" else loc[:-1])
        problem = f"there is no such key: {nearest(loc[-1], keys_of(TABLES[name]))}"
    elif kind == "literal_error" and loc[-1] == "[key]":
        problem = f"there is no such key: {nearest(loc[-2], get_args(ReplyKind))}"
    if loc[0] == "accounts" and loc[2:3] in (["options"], ["secrets"]):
        del loc[2]  # The provider's own keys stand beside the others.
    key = VARIABLES.get(loc[0]) or ".".join(part for part in loc if part != "[key]")
    return Fault(place, key, _SENTENCES.get(kind, problem))
