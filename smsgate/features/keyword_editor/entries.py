"""A keyword set as a form has it: rows to add, change and take away, in a file that stays itself.

What was not changed stays as it was written, comments included. The file is parted at its
headings; where that would say something else than was wanted (a heading inside a text of several
lines), it is written anew as a whole.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from smsgate.classifier.sets.keyword_sets import KeywordEntry, Language, read_set
from smsgate.domain.errors import Fault, KeywordSetUnfit

INTENTS = ("opt_out", "opt_out_all", "opt_in", "help", "review", "none")
MATCHES = ("whole", "polite", "lead")
RISKS = ("low", "medium", "high")
_ENTRIES = re.compile(r"\s*\[\[\s*entries\s*\]\]")
_HEADING = re.compile(r"\s*\[")
_BESIDE = re.compile(r"\s*(#|$)")
_WITHOUT = re.compile(r"^without\s*=.*\n?", re.MULTILINE)
_LANGUAGE = re.compile(r"^language\s*=.*\n?", re.MULTILINE)


class Row(NamedTuple):
    """Keywords that share everything, as a form has them."""

    words: str
    intent: str
    match: str = "polite"
    risk: str = "low"
    note: str = ""
    place: int = -1
    """Of the entry in the file that it was, from 0 on; -1 for a new one."""


def begun(name: str) -> str:
    """A set that adds nothing to the shipped one yet."""
    return f"language = {_quoted(name)}\nextends = true\n"


def read(content: str) -> Language:
    """A set. Raises ``KeywordSetUnfit`` where it is none, with every fault."""
    faults: list[Fault] = []
    language = read_set(content, "this set", faults)
    if language is None:
        raise KeywordSetUnfit("\n".join(str(fault) for fault in faults))
    return language


def rows_of(content: str) -> list[Row]:
    """The rows of a set. Raises ``KeywordSetUnfit``."""
    return [
        Row(entry.words, entry.intent, entry.match, entry.risk, entry.note, place)
        for place, entry in enumerate(read(content).entries)
    ]


def changed(content: str, rows: Sequence[Row], without: str) -> str:
    """The set with these rows, and with those words of the shipped set left out.

    A row without words is taken away. Raises ``KeywordSetUnfit``.
    """
    before = read(content)
    rows = [row._replace(words=_listed(row.words)) for row in rows]
    wanted = msgspec.structs.replace(
        before,
        entries=tuple(_entry(row, before.entries) for row in rows if row.words),
        without=_listed(without),
    )
    if wanted == before:
        return content
    edited = _edited(content, rows, before, wanted)
    return edited if _says(edited, wanted) else _written(wanted)


def _entry(row: Row, before: Sequence[KeywordEntry]) -> KeywordEntry:
    told = {name: getattr(row, name) for name in ("words", "intent", "match", "risk", "note")}
    kept = before[row.place] if 0 <= row.place < len(before) else None
    try:
        return msgspec.convert(
            {**(msgspec.structs.asdict(kept) if kept else {}), **told}, KeywordEntry, strict=False
        )
    except msgspec.ValidationError as error:
        raise KeywordSetUnfit(f"{row.words}: {error}") from error


def _says(content: str, wanted: Language) -> bool:
    return read_set(content, "", []) == wanted


def _listed(text: str) -> str:
    """Words one a line, or parted by commas, as the file has them."""
    return ", ".join(part for part in map(str.strip, re.split(r"[,\r\n]", text)) if part)


# --- in the file as it was written -----------------------------------------------------------


def _edited(content: str, rows: Sequence[Row], before: Language, wanted: Language) -> str:
    head, *blocks = _parted(content)
    if wanted.without != before.without:
        head = _with_without(head, wanted.without)
    of_place = {row.place: row for row in rows if row.place >= 0}
    found: list[str] = []
    places = iter(range(len(before.entries)))
    for block in blocks:
        if _is_entry(block):
            place = next(places, -1)
            row = of_place.get(place)
            entry = _entry(row, before.entries) if row is not None and row.words else None
            found += _block(block, before.entries[place], entry) if place >= 0 else [block]
        else:
            found.append(block)
    new = [_entry(row, ()) for row in rows if row.place < 0 and row.words]
    return _joined([head, *found, *map(_entry_text, new)])


def _block(block: str, before: KeywordEntry, entry: KeywordEntry | None) -> Iterator[str]:
    if entry is None:
        return
    if entry == before:
        yield block
        return
    beside = "".join(line for line in _lines(block) if line.lstrip().startswith("#"))
    yield f"\n{beside}{_entry_text(entry).lstrip()}"


def _parted(content: str) -> list[str]:
    """What stands before the first heading, then each heading with what belongs to it.

    Comments right above a heading belong to it.
    """
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
    """With their ends; only those ends that TOML knows."""
    return (f"{line}\n" for line in text.removesuffix("\n").split("\n"))


def _is_entry(block: str) -> bool:
    heading = next((line for line in _lines(block) if not _BESIDE.match(line)), "")
    return _ENTRIES.match(heading) is not None


def _with_without(head: str, without: str) -> str:
    line = f"without = {_quoted(without)}\n" if without else ""
    if _WITHOUT.search(head):
        return _WITHOUT.sub(lambda _: line, head, count=1)
    return _LANGUAGE.sub(lambda found: found.group() + line, head, count=1)


def _joined(parts: Iterable[str]) -> str:
    text = ""
    for part in parts:
        text += part if not text or text.endswith("\n") else f"\n{part}"
    return text.strip("\n") + "\n"


# --- anew ------------------------------------------------------------------------------------


def _written(language: Language) -> str:
    """A whole set, without comments."""
    table = msgspec.to_builtins(language)
    plain = {name: it for name, it in table.items() if isinstance(it, str | bool)}
    defaults = msgspec.to_builtins(Language(language=""))
    parts = [_pairs({name: it for name, it in plain.items() if it != defaults[name]})]
    named = ("other_spellings", "classes")
    parts += [f"\n[{name}]\n{_pairs(table[name])}" for name in named if table[name]]
    parts += [_entry_text(entry) for entry in language.entries]
    none = {"name": "", "firm": False, "note": ""}
    for phrase in table["phrases"]:
        said = {name: it for name, it in phrase.items() if it != none.get(name)}
        parts.append(f"\n[[phrases]]\n{_pairs(said)}")
    return "".join(parts)


def _entry_text(entry: KeywordEntry) -> str:
    defaults = msgspec.structs.asdict(KeywordEntry("none", ""))
    told = {
        name: value
        for name, value in msgspec.structs.asdict(entry).items()
        if name in ("intent", "words") or value != defaults[name]
    }
    return f"\n[[entries]]\n{_pairs(told)}"


def _pairs(table: dict[str, Any]) -> str:
    return "".join(f"{_key(name)} = {_value(value)}\n" for name, value in table.items())


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _quoted(name)


def _value(value: str | bool | Sequence[str]) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _quoted(value)
    return f"[{', '.join(map(_quoted, value))}]"


def _quoted(text: str) -> str:
    """A basic string of TOML: that of JSON, in which DEL may stand as it is."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
