"""The guide, read from its file."""

from __future__ import annotations

import functools
from hashlib import sha256
from importlib import resources

import msgspec


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One part of the guide."""

    id: str
    title: str
    text: tuple[str, ...]
    points: tuple[str, ...]
    rules: tuple[str, ...]
    """Names of the rules that it comes from."""


class Deadline(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long a sender may take in one place."""

    place: str
    within: str
    note: str
    rule: str


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One question about a text or a request."""

    id: str
    text: str
    """What somebody texted, wrote or said."""
    ask: str
    right: str
    """Which of the choices."""
    why: str
    rule: str
    choices: dict[str, str]


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    as_of: str
    rules: dict[str, str]
    sections: tuple[Section, ...]
    deadlines: tuple[Deadline, ...]
    questions: tuple[Question, ...]


class Guide(msgspec.Struct, frozen=True):
    """The guide and its questions."""

    version: str
    """Changes with anything in it."""
    as_of: str
    """The day for which the rules were looked up."""
    rules: dict[str, str]
    sections: tuple[Section, ...]
    deadlines: tuple[Deadline, ...]
    questions: tuple[Question, ...]


@functools.cache
def the_guide() -> Guide:
    """The guide of this smsgate."""
    raw = resources.files("smsgate.features.training").joinpath("guide.toml").read_bytes()
    return read_guide(raw)


def read_guide(raw: bytes) -> Guide:
    """A guide as its file has it."""
    found = msgspec.toml.decode(raw, type=_File)
    return Guide(version=sha256(raw).hexdigest()[:8], **msgspec.structs.asdict(found))
