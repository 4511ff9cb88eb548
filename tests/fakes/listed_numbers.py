"""Numbers that come by a list."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from smsgate.domain.entry_parts import Consent
from smsgate.domain.messages import ALL, Decision, Entry, Intent
from smsgate.features.lists.imports import Importer
from smsgate.features.lists.list_file import ListRow
from smsgate.features.lists.rows import State
from smsgate.interface.parts import Parts
from smsgate.process.services import Services


def importer_of(services: Services) -> Importer:
    return Parts(services).bind(Importer, 0)()


def list_entry(
    program: str,
    state: State = "opted_out",
    actor: str = "",
    id: str = "",  # noqa: A002
    note: str = "",
    consent: Consent | None = None,
) -> Entry:
    """What the entries of a list have in common."""
    stops = Intent.OPT_OUT_ALL if program == ALL else Intent.OPT_OUT
    intent = stops if state == "opted_out" else Intent.OPT_IN
    return Entry(
        number="",
        program=program,
        decision=Decision(intent, rule="import", note=note),
        source="import",
        actor=actor,
        message_id=id,
        action="import",
        consent=consent,
    )


def rows_by_number(
    numbers: Iterable[str], since_us: Iterable[int] = (), sources: Iterable[str] = ()
) -> dict[str, ListRow]:
    """Rows that say of each number since when it stands so, and where the list has it from."""
    since, named = (
        dict(zip(numbers, since_us, strict=False)),
        dict(zip(numbers, sources, strict=False)),
    )
    return {
        one: ListRow(0, (), one, one, "", since_us=since.get(one, 0), source=named.get(one, ""))
        for one in numbers
    }


def import_numbers(
    services: Services,
    numbers: Iterable[str],
    asked: Entry,
    since_us: Iterable[int] = (),
    sources: Iterable[str] = (),
    **more: Any,
) -> list[str]:
    """Import numbers as a list would; gives what became of each."""
    rows = rows_by_number([*numbers], since_us, sources)
    done = importer_of(services).enter(rows, asked, **more)
    return [done[number] for number in rows]
