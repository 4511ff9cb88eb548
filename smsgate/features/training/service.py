"""The guide for the team, read from its file."""

from __future__ import annotations

import functools
from hashlib import sha256
from importlib import resources

import msgspec


class GuideSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One part of the guide."""

    id: str
    title: str
    text: tuple[str, ...]
    points: tuple[str, ...]
    rules: tuple[str, ...]
    """Names of the legal rules behind it."""


class GuideDeadline(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long a sender may take in one place."""

    place: str
    within: str
    note: str
    rule: str


class _GuideFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    as_of: str
    """The day for which the rules were looked up."""
    rules: dict[str, str]
    sections: tuple[GuideSection, ...]
    deadlines: tuple[GuideDeadline, ...]


class Guide(_GuideFile, frozen=True, kw_only=True):
    """The guide."""

    version: str
    """A hash of the whole file."""


@functools.cache
def shipped_guide() -> Guide:
    """Return the guide of this smsgate."""
    return read_guide(resources.files(__package__).joinpath("guide.toml").read_bytes())


def read_guide(raw: bytes) -> Guide:
    """Return a guide from its TOML file."""
    found = msgspec.toml.decode(raw, type=_GuideFile)
    return Guide(version=sha256(raw).hexdigest()[:8], **msgspec.structs.asdict(found))
