"""From the forms of the page to what is asked for of a list."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from werkzeug.datastructures import ImmutableMultiDict

from smsgate.domain.errors import Unfit
from smsgate.features.lists.values import Asked

Form = ImmutableMultiDict[str, str]


def asked_of(form: Form) -> Asked:
    """What is asked for of a list that came in."""
    text: Callable[[str], str] = lambda name: form.get(name, "").strip()  # noqa: E731 - short
    return Asked(
        program=text("program"),
        state=text("state"),
        region=text("region"),
        column=form.get("column", ""),
        form=text("form") or "auto",
        types=form.get("types") == "yes",
    )


def exported_of(form: Form) -> Asked:
    """What is asked for of an export. Raises ``Unfit``."""
    return Asked(
        program=form.get("program", ""),
        form=form.get("form", "csv"),
        states=tuple(form.getlist("state")),
        since_us=_since_us(form.get("since", "").strip()),
    )


def _since_us(day: str) -> int:
    if not day:
        return 0
    try:
        return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() * 1_000_000)
    except ValueError as error:
        raise Unfit(f"{day!r} is no day: write it as 2026-11-24.") from error
