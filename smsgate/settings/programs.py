"""``[programs.NAME]`` tables, with their feeds and applications, into programs."""

from __future__ import annotations

import base64
import binascii
import re
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from types import MappingProxyType
from urllib.parse import urlsplit

from pydantic import TypeAdapter, ValidationError

from smsgate.domain.errors import Fault, InvalidNumber
from smsgate.domain.phone import e164, is_region
from smsgate.settings.applications import Application, Feed
from smsgate.settings.environment import UNSET, Environment, TableReader, split_secrets
from smsgate.settings.shape import (
    FeedTable,
    ForwardTable,
    Language,
    ProgramName,
    ProgramTable,
    RepliesTable,
    complaints,
    nearest,
)
from smsgate.settings.values import ANY_SENDER, Program, Programs

_FEED_EXAMPLE = "https://crm.example.com/consent"
_SECRET = "whsec_"  # noqa: S105 - how every such secret begins
_RIGHT_SECRET = f"write {_SECRET} and 24 to 64 random bytes in base64"
_BYTES = range(24, 65)
"""How long a key may be: standardwebhooks.com, "Signature scheme"."""


def feed_of(table: FeedTable | None) -> Feed | None:
    """The feed of a program, if it has one."""
    if table is None:
        return None
    return Feed(table.url.strip(), split_secrets(table.secret), table.allow_private)


def feed_problems(table: FeedTable | None) -> list[tuple[str, str]]:
    """Key and problem of each fault in the table."""
    if table is None:
        return []
    found = [("url", address_problem(table.url.strip(), table.allow_private, _FEED_EXAMPLE))]
    if not all(is_webhook_secret(one.value) for one in split_secrets(table.secret)):
        found.append(("secret", f"is no secret of Standard Webhooks: {_RIGHT_SECRET}"))
    return [(key, problem) for key, problem in found if problem]


def address_problem(url: str, allow_private: bool, example: str) -> str:
    """What is wrong with an address that is called with numbers in the body; ``""``: nothing is."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return f"is no web address: write it as {example}"
    sound = url.isascii() and url.isprintable() and " " not in url and port != 0
    if parts.scheme not in ("http", "https") or not parts.hostname or not sound:
        return f"is no web address: write it as {example}"
    if parts.scheme == "http" and not allow_private:
        return "must be https: numbers would go over the internet for everybody to read"
    if "@" in parts.netloc or parts.fragment:
        return "must have neither user nor fragment: calls are signed with the secret"
    return ""


def is_webhook_secret(secret: str) -> bool:
    """Whether it is a secret of Standard Webhooks."""
    encoded = secret.removeprefix(_SECRET)
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        return False
    return secret.startswith(_SECRET) and len(key) in _BYTES


ORIGINAL = "original"
_APPLICATION_EXAMPLE = "https://app.example.com/sms"
_TOKEN = re.compile(r"[!-~]+")


def application_of(table: ForwardTable | None) -> Application | None:
    """The application of a program, if it has one."""
    if table is None:
        return None
    return Application(
        url=table.url.strip(),
        secrets=split_secrets(table.secret),
        messages=table.messages,
        original=table.as_ == ORIGINAL,
        allow_private=table.allow_private,
    )


def application_problems(table: ForwardTable | None) -> list[tuple[str, str]]:
    """Key and problem of each fault in the table."""
    if table is None:
        return []
    found = [
        ("url", address_problem(table.url.strip(), table.allow_private, _APPLICATION_EXAMPLE)),
        ("secret", _secret_problem(table)),
    ]
    return [(key, problem) for key, problem in found if problem]


def _secret_problem(table: ForwardTable) -> str:
    secrets = [one.value for one in split_secrets(table.secret)]
    if table.as_ == ORIGINAL:
        fit = all(_TOKEN.fullmatch(one) for one in secrets)
        return "" if fit else "is no token: it must be without blanks"
    if not secrets:
        return f"is missing: calls are signed with it; {_RIGHT_SECRET}"
    fit = all(is_webhook_secret(one) for one in secrets)
    return "" if fit else f"is no secret of Standard Webhooks: {_RIGHT_SECRET}"


_NAME = TypeAdapter(ProgramName)
_REPLIES = TypeAdapter(dict[Language, RepliesTable])
_RESERVED = "all"  # As a scope it means every program.
_SHORT_CODE = re.compile(r"[0-9]{3,8}")
_PLACEHOLDER = re.compile(r"\{(?:program|contact)\}")
_OPTIONAL = re.compile(r"\[[^\]]*\]")
_BRACE = re.compile(r"[{}]")
_NUMBER = re.compile(r"[+0-9(][0-9 ()./-]*")


class ProgramReader(TableReader):
    """Reads the program tables of one file."""

    heading = "programs"

    def __init__(
        self, environment: Environment, place: str, faults: list[Fault], accounts: Collection[str]
    ) -> None:
        """``accounts`` are the names that a program may name."""
        super().__init__(environment, place, faults)
        self._accounts = accounts

    def read_all(self, tables: Mapping[str, object]) -> Programs:
        """Return the programs, in the order of the file."""
        read = [self._read(name, table) for name, table in tables.items()]
        programs = [program for program in read if program]
        self._check_together(programs)
        return Programs(programs)

    def _read(self, name: str, table: object) -> Program | None:
        """Return one program, or nothing where the table cannot be used at all."""
        if not self._name_is_fit(name):
            return None
        shape = self._shape(name, self._expanded(name, table))
        if shape is None:
            return None
        self._check(name, shape)
        return Program(
            name=name,
            title=shape.name,
            account=shape.account,
            senders=self._senders(name, shape),
            keywords=tuple(shape.keywords),
            kind=shape.kind,
            scope=shape.scope,
            region=shape.region,
            confirm=shape.confirm,
            replies=_replies(shape.replies),
            formerly=tuple(shape.formerly),
            opt_out_words=tuple(shape.opt_out_words),
            templates=tuple(shape.templates),
            contact=shape.contact,
            require_consent=shape.require_consent,
            double_opt_in=shape.double_opt_in,
            feed=feed_of(shape.feed),
            forward=application_of(shape.forward),
        )

    def _shape(self, name: str, table: object) -> ProgramTable | None:
        """The table as it should be; what has a fault is left out, so that the rest is checked."""
        try:
            return ProgramTable.model_validate(table)
        except ValidationError as error:
            for key, problem in complaints(error, tuple(ProgramTable.model_fields)):
                self._fault(f"{name}.{key}" if key else name, problem)
            faulty = {str(found["loc"][0]) for found in error.errors() if found["loc"]}
        if not isinstance(table, dict):
            return None
        sound = {key: value for key, value in table.items() if key not in faulty}
        stand_in = {"name": name, "account": next(iter(self._accounts), ""), "senders": ["-"]}
        try:
            return ProgramTable.model_validate({"keywords": ["und"], **stand_in, **sound})
        except ValidationError:
            return None

    def _check_together(self, programs: Iterable[Program]) -> None:
        """Report senders that two programs of one account claim, and old names that live on."""
        senders: dict[tuple[str, str], str] = {}
        past: dict[str, str] = {}
        known = {program.name: program for program in programs}
        for program in known.values():
            for sender in program.senders:
                first = senders.setdefault((program.account, sender), program.name)
                self._claimed_once(f"{program.name}.senders", sender, first, program.name)
            for old in program.formerly:
                first = past.setdefault(old, program.name)
                self._claimed_once(f"{program.name}.formerly", old, first, program.name)
                if old in known:
                    self._fault(f"{program.name}.formerly", f"{old!r} is still a program here")

    def _claimed_once(self, key: str, claimed: str, first: str, second: str) -> None:
        if first != second:
            problem = f"{claimed!r} belongs to programs.{first} already: leave it in one of them"
            self._fault(key, problem)

    def _name_is_fit(self, name: str) -> bool:
        try:
            _NAME.validate_python(name)
        except ValidationError:
            self._fault(name, "is no fit name: use a-z, 0-9, - and _, such as alerts")
            return False
        if name == _RESERVED:
            self._fault(name, "stands for every program as a scope: choose another name")
        return name != _RESERVED

    def _expanded(self, name: str, value: object) -> object:
        """Expand every text below a table; here an unset variable is a fault."""
        if isinstance(value, dict):
            return {key: self._expanded(f"{name}.{key}", part) for key, part in value.items()}
        if isinstance(value, list):
            return [self._expanded(name, part) for part in value]
        if not isinstance(value, str):
            return value
        text, known = self._expand(name, value)
        if not known:
            self._fault(name, f"{value!r} {UNSET}")
            return value  # An empty text would be reported a second time.
        return text

    def _check(self, name: str, shape: ProgramTable) -> None:
        if shape.account not in self._accounts:
            right = nearest(shape.account, [*self._accounts])
            self._fault(f"{name}.account", f"there is no account {shape.account!r}: {right}")
        if shape.region and not is_region(shape.region):
            self._fault(f"{name}.region", "is no region: write two capital letters, such as US")
        for key, problem in feed_problems(shape.feed):
            self._fault(f"{name}.feed.{key}", problem)
        for key, problem in application_problems(shape.forward):
            self._fault(f"{name}.forward.{key}", problem)
        for key, problem in wording_problems(shape.replies, shape.contact):
            self._fault(f"{name}.replies.{key}", problem)

    def _senders(self, name: str, shape: ProgramTable) -> tuple[str, ...]:
        senders: dict[str, None] = {}
        for sender in shape.senders:
            try:
                senders[_sender(sender, shape.region)] = None
            except InvalidNumber as error:
                self._fault(f"{name}.senders", str(error))
        return tuple(senders)


def _sender(text: str, region: str) -> str:
    """A number in E.164, for that is how providers name it; other senders as they are."""
    if text == ANY_SENDER or _SHORT_CODE.fullmatch(text) or not _NUMBER.fullmatch(text):
        return text
    return e164(text, region if is_region(region) else "")


def read_replies(
    text: str, contact: str, place: str
) -> tuple[Mapping[str, Mapping[str, str]], list[Fault]]:
    """Return the wording of replies by language and kind, and what is wrong with it.

    ``text`` is TOML with a table for each language; ``contact`` is the program's, ``place`` is
    told.
    """
    try:
        shape = _REPLIES.validate_python(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        return {}, [Fault(place, "replies", f"is no TOML: {error}")]
    except ValidationError as error:
        found = complaints(error, tuple(RepliesTable.model_fields))
        return {}, [Fault(place, key, problem) for key, problem in found]
    problems = wording_problems(shape, contact)
    return _replies(shape), [Fault(place, key, problem) for key, problem in problems]


def wording_problems(
    replies: Mapping[str, RepliesTable], contact: str
) -> Iterator[tuple[str, str]]:
    """Yield key (``en.opt_out``) and problem of each wording that will not do."""
    for language, texts in replies.items():
        for kind, text in texts.model_dump(exclude_none=True).items():
            if problem := wording_problem(text, contact):
                yield f"{language}.{kind}", problem


def _replies(shape: Mapping[str, RepliesTable]) -> Mapping[str, Mapping[str, str]]:
    return MappingProxyType(
        {
            language: MappingProxyType(texts.model_dump(exclude_none=True))
            for language, texts in shape.items()
        }
    )


def wording_problem(text: str, contact: str) -> str:
    """What is wrong with a wording; ``""`` where nothing is.

    Text in square brackets is left out of a reply where the program has no contact.
    """
    if _BRACE.search(_PLACEHOLDER.sub("", text)):
        return "has braces: they are for {program} and {contact} alone"
    if not contact and "{contact}" in _OPTIONAL.sub("", text):
        return "uses {contact}, but the program has no contact: give one"
    return ""


def tables(document: Mapping[str, object], key: str) -> Mapping[str, object]:
    """Return the tables below a heading; none where the heading is missing."""
    found = document.get(key, {})
    return found if isinstance(found, dict) else {}
