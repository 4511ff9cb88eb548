"""What is written of conditions: as JSON for programs, as an e-mail, as a short text. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from smsgate.consent.composing import segments
from smsgate.pipeline.conditions import Condition

SEGMENTS = 2
"""How long a text of an alert may be."""
_MORE = "`smsgate doctor` says more."
_STATES = {"begins": "begins", "ends": "is over", "test": "is a test"}


@dataclass(frozen=True, slots=True)
class Notice:
    """One condition and what is to be said of it."""

    condition: Condition
    state: Literal["begins", "ends", "test"]


TEST = Notice(
    Condition("SmsgateTest", "alerts", False, "this is a test; nothing is amiss", ""), "test"
)


def as_json(notice: Notice) -> bytes:
    """For a webhook; ``text`` is what Slack and its kin show."""
    one = notice.condition
    mend = f" → {one.mend}" if one.mend else ""
    return msgspec.json.encode(
        {
            "text": f"smsgate: {one.subject}: {one.said}{mend}",
            "alert": one.name,
            "subject": one.subject,
            "state": notice.state,
            "severity": "page" if one.fault else "ticket",
            "said": one.said,
            "mend": one.mend,
        }
    )


def subject(notices: Sequence[Notice]) -> str:
    """Of an e-mail: the first by name, and how many others there are."""
    first = notices[0]
    more = f" (and {len(notices) - 1} more)" if len(notices) > 1 else ""
    return f"smsgate: {first.condition.subject} {_STATES[first.state]}{more}"


def body(notices: Sequence[Notice]) -> str:
    """Of an e-mail: each condition with what mends it, what fails now first."""
    return "\n\n".join(_paragraph(one) for one in _sorted(notices)) + f"\n\n{_MORE}\n"


def short(notices: Sequence[Notice]) -> str:
    """For a text of two segments at most: what does not fit is counted."""
    lines = [_line(one) for one in _sorted(notices)]
    for shown in range(len(lines), 0, -1):
        left = len(lines) - shown
        more = [f"+{left} more: smsgate doctor"] if left else []
        text = "\n".join([*lines[:shown], *more])
        if _fits(text):
            return text
    return _cut(lines[0])


def _sorted(notices: Sequence[Notice]) -> list[Notice]:
    return sorted(notices, key=lambda one: (one.state == "ends", not one.condition.fault))


def _paragraph(notice: Notice) -> str:
    one = notice.condition
    urgency = "fails now" if one.fault else "warning"
    head = f"{one.subject} {_STATES[notice.state]}"
    head += f" ({urgency}, {one.name})" if notice.state == "begins" else f" ({one.name})"
    mend = f"\n  What mends it: {one.mend}" if one.mend else ""
    return f"{head}\n  {one.said}{mend}"


def _line(notice: Notice) -> str:
    """In GSM 7-bit where it can be; backticks and typography would double the price."""
    one = notice.condition
    text = f"smsgate: {one.subject} {_STATES[notice.state]}: {one.said}"
    if notice.state == "begins" and one.mend:
        text += f" > {one.mend}"
    for foreign in segments.count(text).foreign:
        text = text.replace(foreign.character, foreign.instead or "?")
    return text.replace("`", "'")


def _fits(text: str) -> bool:
    return segments.count(text).segments <= SEGMENTS


def _cut(line: str) -> str:
    while not _fits(f"{line}..."):
        line = line[: len(line) - 8]
    return f"{line}..."
