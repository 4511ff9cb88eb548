"""Changes of what the console sets of programs and accounts: the next version, and TOML of it.

Apart from reading it, since importing tomlkit takes 40 ms, which most processes and commands need
not wait for.
"""

from __future__ import annotations

import time
import tomllib

import tomlkit

from smsgate.records import ConfigurationVersion
from smsgate.settings.console import ConsoleTables, in_document, lay_over, parse_tables

_MAX_NOTE_CHARACTERS = 500


def next_version(
    newest: ConfigurationVersion | None, tables: ConsoleTables, author: str, note: str = ""
) -> ConfigurationVersion:
    """Return the version after the newest one, in which the console sets these tables."""
    before = parse_tables(newest.content) if newest else {}
    changed = [one for one in sorted({*before, *tables}) if before.get(one) != tables.get(one)]
    return ConfigurationVersion(
        version=newest.version + 1 if newest else 1,
        content=tables_text(tables),
        changed=tuple(changed),
        author=author,
        saved_us=time.time_ns() // 1000,
        note=note.strip()[:_MAX_NOTE_CHARACTERS],
    )


def tables_text(tables: ConsoleTables) -> str:
    """Return the tables as TOML, in the order of their names; empty where there is none."""
    document: dict[str, dict[str, object]] = {}
    for table in sorted(tables):
        heading, _, name = table.partition(".")
        document.setdefault(heading, {})[name] = tables[table]
    return tomlkit.dumps(document).strip("\n") + "\n" if document else ""


def exported(text: str, tables: ConsoleTables) -> str:
    """Return the text of ``smsgate.toml`` with what the console sets in it, comments kept."""
    wanted, _ = lay_over(tomllib.loads(text), tables)
    try:
        written = _edited(text, tables)
    except ValueError:  # inline tables take none of these
        written = ""
    # Files that split their tables in unusual ways are written anew, without comments.
    return written if written and tomllib.loads(written) == wanted else tomlkit.dumps(wanted)


def _edited(text: str, tables: ConsoleTables) -> str:
    document = tomlkit.parse(text)
    for table, values in tables.items():
        heading, _, name = table.partition(".")
        if heading not in document:
            document[heading] = tomlkit.table(is_super_table=heading != "alerts")
        below = document[heading]
        if isinstance(value := in_document(table, values), str):
            below[name] = value
        elif name in below:
            below[name].update(values)
        else:
            made = tomlkit.table()
            made.update(values)
            made.add(tomlkit.nl())
            below[name] = made
    return tomlkit.dumps(document)
