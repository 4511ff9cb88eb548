"""``[retention]``: how long what is kept of which kind stays."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from smsgate.domain.errors import Fault

_SPAN = re.compile(r"(\d{1,4}) (day|week|month|year)s?")
_DAYS = {"day": 1.0, "week": 7.0, "month": 365.2425 / 12, "year": 365.2425}
_RIGHT = 'write it as "90 days", "5 years" or "forever"'

_PERIOD = (
    'ordinary texts are kept for a period: write it as "90 days" or "2 years", or leave the key '
    "out to keep them no longer than the store does"
)
CONVERSATIONS = "conversations"
"""Key that keeps ordinary texts; without it they are not kept."""

KINDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "opt_out": ("opt_out", "opt_out_all", "import", "import_file", "import_undone"),
        "opt_in": ("opt_in", "restored"),
        "consent": ("consent",),
        "lock": ("lock", "unlock"),
        "review": ("review", "reviewed", "reopened"),
        "help": ("help",),
        "reply": ("reply", "receipt"),
        "unrouted": ("unrouted",),
        "ordinary": ("text", "forward", "app"),
    }
)
"""By key the kinds of events that it is about; ``others`` is about the rest."""
EVIDENCE = tuple(
    kind
    for key in ("opt_out", "opt_in", "consent", "lock", "review", "reply")
    for kind in KINDS[key]
)
"""Kinds whose texts are evidence themselves, and stay as long as the event."""
DEFAULTS: Mapping[str, str] = MappingProxyType(
    {
        "texts": "90 days",
        **dict.fromkeys(KINDS, "5 years"),
        "lock": "forever",
        "ordinary": "90 days",
        "others": "5 years",
    }
)
"""Evidence of consent and opt-out: five years (47 CFR 64.1200(d)(6), 16 CFR 310.5, German UWG 7a);
raw texts that asked for nothing, and what passed between subscribers and applications: short. A
suppression never ends, nor what it rests on."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long events stay, in microseconds; None is for ever."""

    texts_us: int | None
    """Texts of events whose text is no evidence."""
    kinds_us: Mapping[str, int | None] = field(default_factory=dict)
    """By key of ``KINDS``, and ``others``."""
    conversations_us: int = 0
    """How long ordinary texts are kept beyond the sample log; 0 where they are not."""


def read_retention(table: Mapping[str, object], place: str) -> tuple[Retention, list[Fault]]:
    """The retention of a configuration with defaults for what it leaves out, and its faults."""
    faults, spans = [], {}
    for key in table:
        if key not in (*DEFAULTS, CONVERSATIONS):
            known = ", ".join((*sorted(DEFAULTS), CONVERSATIONS))
            problem = f"there is no such key: known are {known}"
            faults.append(Fault(place, f"retention.{key}", problem))
    for key, default in DEFAULTS.items():
        try:
            spans[key] = span_us(table.get(key, default))
        except ValueError:
            faults.append(Fault(place, f"retention.{key}", _RIGHT))
            spans[key] = span_us(default)
    conversations_us = 0
    if CONVERSATIONS in table:
        try:
            conversations_us = span_us(table[CONVERSATIONS]) or 0
        except ValueError:
            faults.append(Fault(place, f"retention.{CONVERSATIONS}", _PERIOD))
        if table[CONVERSATIONS] == "forever":
            faults.append(Fault(place, f"retention.{CONVERSATIONS}", _PERIOD))
    texts_us = spans.pop("texts")
    return Retention(texts_us, MappingProxyType(spans), conversations_us), faults


def span_us(text: object) -> int | None:
    """``"5 years"`` in microseconds; None for ``"forever"``. Raises ``ValueError``."""
    if text == "forever":
        return None
    found = _SPAN.fullmatch(text) if isinstance(text, str) else None
    if found is None or found[1].strip("0") == "":
        raise ValueError(text)
    return int(int(found[1]) * _DAYS[found[2]] * 86_400_000_000)


BY_DEFAULT = read_retention({}, "")[0]
