"""What the classifier must know of a program: whose texts are answered, and by which words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


class ProgramProfile(Protocol):
    """A program as far as texts to it are read and answered; ``docs/configuration.md`` has more."""

    @property
    def name(self) -> str:
        """Its name in the configuration."""

    @property
    def title(self) -> str:
        """How its texts name it."""

    @property
    def kind(self) -> str:
        """``marketing`` or ``service``."""

    @property
    def region(self) -> str:
        """Its country, in capitals."""

    @property
    def contact(self) -> str:
        """Whom replies name."""

    @property
    def keywords(self) -> Sequence[str]:
        """Its sets; ``*`` is all."""

    @property
    def formerly(self) -> Sequence[str]:
        """Its former names."""

    @property
    def opt_out_words(self) -> Sequence[str]:
        """What its texts print to stop."""

    @property
    def templates(self) -> Sequence[str]:
        """Its texts."""

    @property
    def replies(self) -> Mapping[str, Mapping[str, str]]:
        """Own wordings by language and kind."""


@dataclass(frozen=True)
class Plain:
    """A program that nobody has configured: every language, no texts of its own."""

    name: str = "program"
    title: str = ""
    kind: str = "marketing"
    region: str = ""
    contact: str = ""
    keywords: tuple[str, ...] = ("*",)
    formerly: tuple[str, ...] = ()
    opt_out_words: tuple[str, ...] = ()
    templates: tuple[str, ...] = ()
    replies: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


EVERYBODY = Plain()
