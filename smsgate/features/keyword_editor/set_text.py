"""The text of a keyword set (TOML): read as rows of a form, and edited in place.

What was not changed stays as it was written, comments included. The text is split at its headings;
where that gives something else than was wanted (a heading inside a text of several lines), it is
written anew as a whole.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from smsgate.classifier.sets.keyword_sets import KeywordEntry, Language, read_set
from smsgate.domain.errors import Fault
from smsgate.features.keyword_editor.errors import KeywordSetUnfit

INTENTS = ("opt_out", "opt_out_all", "opt_in", "help", "review", "none")
MATCHES = ("whole", "polite", "lead")
RISKS = ("low", "medium", "high")
_ENTRIES = re.compile(r"\s*\[\[\s*entries\s*\]\]")
_HEADING = re.compile(r"\s*\[")
_BESIDE = re.compile(r"\s*(#|$)")
_WITHOUT = re.compile(r"^without\s*=.*\n?", re.MULTILINE)
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_LANGUAGE = re.compile(r"^language\s*=.*\n?", re.MULTILINE)


class KeywordRow(NamedTuple):
    """Keywords that share everything, as a form has them."""

    words: str
    intent: str
    match: str = "polite"
    risk: str = "low"
    note: str = ""
    place: int = -1
    """Index of its entry in the file; -1 for a new one."""


def empty_set(name: str) -> str:
    """Return a set that adds nothing to the shipped one yet."""
    return f"language = {_quoted(name)}\nextends = true\n"


def parse_set(content: str) -> Language:
    """Return the set. Raises ``KeywordSetUnfit`` with every fault."""
    faults: list[Fault] = []
    language = read_set(content, "this set", faults)
    if language is None:
        raise KeywordSetUnfit("\n".join(str(fault) for fault in faults))
    return language


def parse_rows(content: str) -> list[KeywordRow]:
    """Return the rows of a set. Raises ``KeywordSetUnfit``."""
    return [
        KeywordRow(entry.words, entry.intent, entry.match, entry.risk, entry.note, place)
        for place, entry in enumerate(parse_set(content).entries)
    ]


def edit_set(content: str, rows: Sequence[KeywordRow], without: str) -> str:
    """Return the set with these rows, and ``without`` those words of the shipped set.

    A row without words is removed. Raises ``KeywordSetUnfit``.
    """
    before = parse_set(content)
    rows = [row._replace(words=_listed(row.words)) for row in rows]
    wanted = msgspec.structs.replace(
        before,
        entries=tuple(_entry(row, before.entries) for row in rows if row.words),
        without=_listed(without),
    )
    if wanted == before:
        return content
    edited = _edited(content, rows, before, wanted)
    return edited if read_set(edited, "", []) == wanted else _written_anew(wanted)


def _entry(row: KeywordRow, before: Sequence[KeywordEntry]) -> KeywordEntry:
    values = {name: getattr(row, name) for name in ("words", "intent", "match", "risk", "note")}
    kept = before[row.place] if 0 <= row.place < len(before) else None
    try:
        return msgspec.convert(
            {**(msgspec.structs.asdict(kept) if kept else {}), **values}, KeywordEntry, strict=False
        )
    except msgspec.ValidationError as error:
        raise KeywordSetUnfit(f"{row.words}: {error}") from error


def _listed(text: str) -> str:
    """Return words on lines, or separated by commas, as the file has them."""
    return ", ".join(part for part in map(str.strip, re.split(r"[,\r\n]", text)) if part)


# --- edited in place ---------------------------------------------------------------------------


def _edited(content: str, rows: Sequence[KeywordRow], before: Language, wanted: Language) -> str:
    head, *blocks = _split(content)
    if wanted.without != before.without:
        line = f"without = {_quoted(wanted.without)}\n" if wanted.without else ""
        if _WITHOUT.search(head):
            head = _WITHOUT.sub(lambda _: line, head, count=1)
        else:
            head = _LANGUAGE.sub(lambda found: found.group() + line, head, count=1)
    by_place = {row.place: row for row in rows if row.place >= 0}
    parts = [head]
    entries = iter(enumerate(before.entries))
    for block in blocks:
        heading = next((line for line in _lines(block) if not _BESIDE.match(line)), "")
        place, old = next(entries, (-1, None)) if _ENTRIES.match(heading) else (-1, None)
        row = by_place.get(place)
        if old is None:
            parts.append(block)
        elif row is not None and row.words:
            entry = _entry(row, before.entries)
            comments = "".join(line for line in _lines(block) if line.lstrip().startswith("#"))
            changed = f"\n{comments}{_entry_text(entry).lstrip()}"
            parts.append(block if entry == old else changed)
    parts += [_entry_text(_entry(row, ())) for row in rows if row.place < 0 and row.words]
    text = ""
    for part in parts:
        text += part if not text or text.endswith("\n") else f"\n{part}"
    return text.strip("\n") + "\n"


def _split(content: str) -> list[str]:
    """Return the text before the first heading, then each heading with its comments and text."""
    parts = [""]
    waiting = ""
    for line in _lines(content):
        if _BESIDE.match(line):
            waiting += line
            continue
        if _HEADING.match(line):
            parts.append("")
        parts[-1] += waiting + line
        waiting = ""
    parts[-1] += waiting
    return parts


def _lines(text: str) -> Iterator[str]:
    """Yield lines with their ends; only those ends that TOML knows."""
    return (f"{line}\n" for line in text.removesuffix("\n").split("\n"))


# --- written anew ------------------------------------------------------------------------------


def _written_anew(language: Language) -> str:
    """Return a whole set, without comments."""
    table = msgspec.to_builtins(language)
    plain = {name: it for name, it in table.items() if isinstance(it, str | bool)}
    defaults = msgspec.to_builtins(Language(language=""))
    parts = [_pairs({name: it for name, it in plain.items() if it != defaults[name]})]
    named = ("other_spellings", "classes")
    parts += [f"\n[{name}]\n{_pairs(table[name])}" for name in named if table[name]]
    parts += [_entry_text(entry) for entry in language.entries]
    none = {"name": "", "firm": False, "note": ""}
    for phrase in table["phrases"]:
        values = {name: it for name, it in phrase.items() if it != none.get(name)}
        parts.append(f"\n[[phrases]]\n{_pairs(values)}")
    return "".join(parts)


def _entry_text(entry: KeywordEntry) -> str:
    defaults = msgspec.structs.asdict(KeywordEntry("none", ""))
    values = {
        name: value
        for name, value in msgspec.structs.asdict(entry).items()
        if name in ("intent", "words") or value != defaults[name]
    }
    return f"\n[[entries]]\n{_pairs(values)}"


def _pairs(table: dict[str, Any]) -> str:
    return "".join(
        f"{name if _BARE_KEY.fullmatch(name) else _quoted(name)} = {_value(value)}\n"
        for name, value in table.items()
    )


def _value(value: str | bool | Sequence[str]) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _quoted(value)
    return f"[{', '.join(map(_quoted, value))}]"


def _quoted(text: str) -> str:
    """Return a basic string of TOML: that of JSON, in which DEL may stand as it is."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
