"""What a program is to those who only read and answer texts; ``smsgate.settings`` has the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class ProgramProfile:
    """A program as far as texts to it are read and answered; ``docs/configuration.md`` has more."""

    name: str
    """In the configuration."""
    title: str
    """How its texts name it."""
    kind: str = "marketing"
    """``marketing`` or ``service``."""
    region: str = ""
    """Its country, in capitals."""
    contact: str = ""
    """Whom replies name."""
    keywords: tuple[str, ...]
    """Its sets; ``*`` is all."""
    formerly: tuple[str, ...] = ()
    """Its former names."""
    opt_out_words: tuple[str, ...] = ()
    """What its texts print to stop."""
    templates: tuple[str, ...] = ()
    """Its texts."""
    replies: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Own wordings by language and kind."""
