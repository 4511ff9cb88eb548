"""``[programs.NAME]`` tables into programs, and what must hold between them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType

from pydantic import TypeAdapter, ValidationError

from smsgate.domain.errors import Fault, InvalidNumber
from smsgate.domain.phone import e164, is_region
from smsgate.settings.applications import application_of, application_problems
from smsgate.settings.environment import UNSET, Environment
from smsgate.settings.feeds import feed_of, feed_problems
from smsgate.settings.shape import ProgramName, ProgramTable, complaints, nearest
from smsgate.settings.values import ANY_SENDER, Program

_NAME = TypeAdapter(ProgramName)
_RESERVED = "all"  # As a scope it means every program.
_SHORT_CODE = re.compile(r"[0-9]{3,8}")
_PLACEHOLDER = re.compile(r"\{(?:program|contact)\}")
_OPTIONAL = re.compile(r"\[[^\]]*\]")
_BRACE = re.compile(r"[{}]")
_NUMBER = re.compile(r"[+0-9(][0-9 ()./-]*")


class ProgramReader:
    """Reads the program tables of one file; ``faults`` grows as it goes."""

    def __init__(self, environment: Environment, place: str, accounts: Collection[str]) -> None:
        """Start without faults; ``accounts`` are the names that a program may name."""
        self._environment = environment
        self._place = place
        self._accounts = accounts
        self.faults: list[Fault] = []

    def read(self, name: str, table: object) -> Program | None:
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
            replies=MappingProxyType(
                {
                    language: MappingProxyType(texts.model_dump(exclude_none=True))
                    for language, texts in shape.replies.items()
                }
            ),
            formerly=tuple(shape.formerly),
            printed=tuple(shape.printed),
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

    def check_together(self, programs: Iterable[Program]) -> None:
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
        text, known = self._environment.expand(value, lambda problem: self._fault(name, problem))
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
        for language, texts in shape.replies.items():
            for kind, text in texts.model_dump(exclude_none=True).items():
                problem = _wording_problem(text, shape.contact)
                if problem:
                    self._fault(f"{name}.replies.{language}.{kind}", problem)

    def _senders(self, name: str, shape: ProgramTable) -> tuple[str, ...]:
        senders: dict[str, None] = {}
        for sender in shape.senders:
            try:
                senders[_sender(sender, shape.region)] = None
            except InvalidNumber as error:
                self._fault(f"{name}.senders", str(error))
        return tuple(senders)

    def _fault(self, key: str, problem: str) -> None:
        self.faults.append(Fault(self._place, f"programs.{key}", problem))


def _sender(text: str, region: str) -> str:
    """A number in E.164, for that is how providers name it; other senders as they are."""
    if text == ANY_SENDER or _SHORT_CODE.fullmatch(text) or not _NUMBER.fullmatch(text):
        return text
    return e164(text, region if is_region(region) else "")


def _wording_problem(text: str, contact: str) -> str:
    """What is wrong with a wording; ``""`` where nothing is.

    What stands in square brackets is left out of a reply where the program has no contact.
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
