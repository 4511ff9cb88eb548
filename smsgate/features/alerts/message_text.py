"""The text of alerts: JSON for the webhook, an e-mail, a short text. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from smsgate.consent.composing import segments
from smsgate.pipeline.conditions import Condition

MAX_SEGMENTS = 2
"""Of the text of an alert."""
_STATES = {"begins": "alert", "ends": "resolved", "test": "test", "daily": "digest"}


@dataclass(frozen=True, slots=True)
class Notice:
    """One condition, and whether it begins or ends; or the digest of the day."""

    condition: Condition
    state: Literal["begins", "ends", "test", "daily"]

    @property
    def headline(self) -> str:
        """Subject and state, such as ``inbox alert``."""
        return f"{self.condition.subject} {_STATES[self.state]}"


TEST = Notice(
    Condition("SmsgateTest", "alerts", "ticket", "This is a test, no action is needed", ""), "test"
)


def webhook_json(notice: Notice) -> bytes:
    """The body for a webhook. Slack and similar services show ``text``."""
    condition = notice.condition
    remedy = f" → {condition.command}" if condition.command else ""
    problem = f"{condition.title}. {condition.text}".rstrip(". ")
    return msgspec.json.encode(
        {
            "text": f"smsgate: {condition.subject}: {problem}{remedy}",
            "alert": condition.name,
            "subject": condition.subject,
            "state": notice.state,
            "severity": condition.severity,
            "problem": problem,
            "remedy": condition.command,
        }
    )


def email_subject(notices: Sequence[Notice]) -> str:
    """The first notice by name, and how many others there are."""
    more = f" (and {len(notices) - 1} more)" if len(notices) > 1 else ""
    return f"smsgate: {notices[0].headline}{more}"


def email_body(notices: Sequence[Notice]) -> str:
    """Each notice with its remedy, present failures first; of a test nothing else."""
    paragraphs = []
    for notice in _by_urgency(notices):
        condition = notice.condition
        urgency = "failure" if condition.is_failure else "warning"
        detail = f" ({urgency})" if notice.state == "begins" else ""
        text = f"{condition.text}\n" if condition.text else ""
        remedy = f"To fix it: {condition.command}.\n" if condition.command else ""
        paragraphs.append(
            f"{_capitalize(notice.headline)}{detail}\n{condition.title}.\n{text}{remedy}"
        )
    if any(one.state in ("begins", "ends") for one in notices):
        names = ", ".join(dict.fromkeys(one.condition.name for one in notices))
        paragraphs.append(
            "For details, open Home in the console, or run `smsgate doctor`. In the "
            f"documentation of metrics: {names}.\n"
        )
    return "\n".join(paragraphs)


def sms_text(notices: Sequence[Notice]) -> str:
    """A text of two segments at most; notices that do not fit are counted."""
    lines = [_sms_line(one) for one in _by_urgency(notices)]
    for shown in range(len(lines), 0, -1):
        left = len(lines) - shown
        more = [f"+{left} more: smsgate doctor"] if left else []
        text = "\n".join([*lines[:shown], *more])
        if _fits(text):
            return text
    line = lines[0]
    while not _fits(f"{line}..."):
        line = line[: len(line) - 8]
    return f"{line}..."


def _capitalize(text: str) -> str:
    return text[:1].upper() + text[1:]


def _by_urgency(notices: Sequence[Notice]) -> list[Notice]:
    return sorted(notices, key=lambda one: (one.state == "ends", not one.condition.is_failure))


def _sms_line(notice: Notice) -> str:
    """One line in GSM 7-bit: other characters, and backticks, would double the price."""
    condition = notice.condition
    text = f"smsgate: {notice.headline}: {condition.title}"
    if notice.state == "begins" and condition.command:
        text += f" > {condition.command}"
    for foreign in segments.count(text).foreign:
        text = text.replace(foreign.character, foreign.instead or "?")
    return text.replace("`", "'")


def _fits(text: str) -> bool:
    return segments.count(text).segments <= MAX_SEGMENTS
