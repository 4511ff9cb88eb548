"""What an entry carries beside a text: a consent, the basis of a restore, a message to forward."""

from __future__ import annotations

import msgspec


class OriginalRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """The parts of a provider's request that are needed to sign it again for another address."""

    method: str
    """``POST`` or ``GET``."""
    content_type: str
    form: bytes
    """The body; of a ``GET`` the raw query."""


class ForwardContent(msgspec.Struct, frozen=True, omit_defaults=True):
    """A text to forward to the program's application, with what its entry lacks."""

    media: tuple[str, ...] = ()
    flag: str = ""
    """What the provider itself took the text for: ``opt_out``, ``opt_in``, ``help`` or nothing."""
    posted: OriginalRequest | None = None
    """Only where the application wants the provider's own request."""


class Consent(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a person agreed to, and how: the record that 47 CFR 64.1200(f)(9) asks for."""

    words: str
    """The words that were shown or said when the consent was given."""
    medium: str
    """``web``, ``paper``, ``voice``, ``text`` …"""
    source: str = ""
    """Where exactly: the page, the form, the file."""
    given_us: int = 0


class SetMembership(msgspec.Struct, frozen=True, omit_defaults=True):
    """In which sets a number was when a person decided about it; see ``ConsentState``."""

    everywhere: bool = False
    opted_out: tuple[str, ...] = ()
    exceptions: tuple[str, ...] = ()
    consents: tuple[str, ...] = ()


class Restore(msgspec.Struct, frozen=True, omit_defaults=True):
    """What allows a person other than the subscriber to lift an opt-out."""

    basis: str
    """``consent`` (a newer one, which the entry carries), ``mistake`` (the opt-out was entered by
    us) or ``evidence`` (which an admin names)."""
    evidence: str = ""
    """Of basis ``evidence``: what shows that the subscriber wants texts."""
    opt_out: str = ""
    """Id of the event of the opt-out that is lifted: the first that holds; empty where none does,
    or none is known."""
    seen: str = ""
    """Inbox id up to which the number's history was known when this was allowed."""


class ListUndo(msgspec.Struct, frozen=True, omit_defaults=True):
    """Of an ``undo_import``: what has to be so for its numbers to be put back."""

    membership_after: SetMembership
    """The memberships of each since the list; they must not have changed."""
    seen: str = ""
    """Inbox id up to which the histories of the numbers were known when this was asked for."""
