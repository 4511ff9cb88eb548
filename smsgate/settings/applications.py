"""Secrets, and the operator's own applications, to which a program's messages go on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Secret:
    """A text that must not be shown; printed, it is ``<secret>``."""

    value: str

    def __repr__(self) -> str:
        """Nothing of the value."""
        return "<secret>"

    __str__ = __repr__


@dataclass(frozen=True, slots=True)
class Feed:
    """Where a program's changes of consent are sent (``consent.changed``)."""

    url: str = field(repr=False)
    secrets: tuple[Secret, ...]
    """``whsec_…``, newest first; a call is signed with each of them."""
    allow_private: bool = False
    """Whether the address may be one that is not on the public internet."""


@dataclass(frozen=True, slots=True)
class Application:
    """The operator's own application, to which a program's messages go on."""

    url: str = field(repr=False)
    secrets: tuple[Secret, ...] = ()
    """Newest first. Of ours: ``whsec_…``, a call is signed with each of them. Of the provider's:
    the token to sign with, where it is not the account's own."""
    messages: Literal["all", "no_keywords"] = "no_keywords"
    original: bool = False
    """Whether it gets the provider's own request, signed anew, instead of our normal form."""
    allow_private: bool = False
    """Whether the address may be one that is not on the public internet."""
