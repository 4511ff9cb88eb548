"""The shape of a list: CSV of some delimiter, JSON lines, or a number a line; and its columns.

Exports of other services are known by their headers. Sources: Twilio's bulk upsert of consents
(``contact_id``, ``status``, ``date_of_consent``) and its message resource (``to``, ``error_code``,
``date_sent``; the console's log of messages has the same names without underscores) with error
21610; Telnyx ``GET /v2/messaging_optouts`` (``to`` receives, ``from`` sends); Plivo's message
records with error 200; AWS ``DescribeOptedOutNumbers``. Headers of downloads from the consoles of
Telnyx and Plivo are not published; those of their APIs are.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from smsgate.features.lists.errors import ColumnUnclear, ListUnreadable

_decode = msgspec.json.Decoder(dict[str, object]).decode
_BROKEN = (msgspec.DecodeError, UnicodeEncodeError, RecursionError)


def json_row(raw: str) -> dict[str, object] | None:
    """The object in a line; None if the line has no readable one.

    That is what is no JSON or no object, half a surrogate pair, and thousands of objects inside
    each other.
    """
    try:
        return _decode(raw)
    except _BROKEN:
        return None


def json_cell(value: object) -> str:
    """A value as the cell of a table; of objects and lists nothing but that they are."""
    if isinstance(value, dict | list):
        return "{…}" if isinstance(value, dict) else "[…]"
    return "" if value is None else str(value)


def with_values(raw: str, added: dict[str, str]) -> str:
    """The object with values more; one that cannot be read stays as it is."""
    row = json_row(raw)
    if row is None:
        return raw
    try:
        return msgspec.json.encode(row | added).decode()
    except RecursionError:
        return raw


_PLAIN = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class KnownExport:
    """A known kind of file. Names of columns are as ``plain`` gives them."""

    name: str
    needs: frozenset[str]
    """Columns by which it is known."""
    number: str
    since: str = ""
    state: str = ""
    states: Mapping[str, str] = field(default_factory=dict)
    """What a state of theirs means: ``opted_out``, ``subscribed``, or nothing for us (empty)."""
    international: bool = False
    """Whether numbers have their country, but no plus."""


_OURS = {"opted_out": "opted_out", "locked": "opted_out", "subscribed": "subscribed"}
_TWILIO = {"opt-out": "opted_out", "opt-in": "subscribed", "re-opt-in": "subscribed"}
EXPORTS = (
    KnownExport("smsgate", frozenset({"number", "state", "since", "source"}), "number", "since",
           "state", _OURS),
    KnownExport("twilio consents", frozenset({"contactid", "status", "senderid"}), "contactid",
           "dateofconsent", "status", _TWILIO),
    KnownExport("twilio messages", frozenset({"to", "errorcode", "sid"}), "to", "datesent",
           "errorcode", {"21610": "opted_out", "": "", "*": ""}),
    KnownExport("twilio message log", frozenset({"to", "errorcode", "sid", "sentdate"}), "to",
           "sentdate", "errorcode", {"21610": "opted_out", "": "", "*": ""}),
    KnownExport("telnyx", frozenset({"to", "from", "messagingprofileid"}), "to", "createdat"),
    KnownExport("plivo", frozenset({"tonumber", "messageuuid", "errorcode"}), "tonumber",
           "messagetime", "errorcode", {"200": "opted_out", "": "", "*": ""}, international=True),
    KnownExport("aws", frozenset({"optedoutnumber"}), "optedoutnumber", "optedouttimestamp"),
)  # fmt: skip
ANY_OTHER = "*"
"""Key of ``states`` for what is not in it: rows that say something else, such as another error."""
NUMBERS = (
    "number", "phone", "phonenumber", "phonenumbers", "mobile", "mobilenumber", "mobilephone",
    "cell", "cellphone", "cellnumber", "msisdn", "e164", "contactnumber", "tel", "telephone",
    "sms", "smsnumber", "subscriber", "recipient", "to", "contactid",
    "telefonnummer", "telefon", "rufnummer", "handynummer", "handy", "mobilnummer",
    "téléphone", "numérodetéléphone", "mobiltelefon", "teléfono", "móvil", "celular", "telefone",
    "telemóvel", "telefono", "cellulare", "telefoon", "telefoonnummer", "телефон", "номертелефона",
    "手机号", "手机号码", "电话", "電話", "電話番号", "전화번호", "هاتف",
)  # fmt: skip
"""Headers under which lists have their numbers, best first."""


def plain(header: str) -> str:
    """A header without case, blanks and punctuation: ``Phone number`` is ``phonenumber``."""
    return _PLAIN.sub("", header).casefold()


def known_export_of(headers: Collection[str]) -> KnownExport | None:
    """The known export with such headers (as ``plain`` gives them): the one that needs most."""
    found = [one for one in EXPORTS if one.needs <= {*headers}]
    return max(found, key=lambda one: len(one.needs), default=None)


FORMATS = ("auto", "csv", "tsv", "ndjson", "lines")
_DELIMITERS = ",\t;|"
_SAMPLE = 50
_MAX_NAMES = 12

Place = int | str
"""A column of CSV by its place, a key of JSON by its name."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How the records of a file are made, and where in them stands what."""

    kind: str
    """``csv``, ``ndjson`` or ``lines``."""
    number: Place = 0
    since: Place | None = None
    state: Place | None = None
    program: Place | None = None
    source: Place | None = None
    delimiter: str = ","
    newline: str = "\n"
    header: tuple[str, ...] = ()
    """Names of the columns; none where the first record is a row."""
    export: KnownExport | None = None

    @property
    def name(self) -> str:
        """The recognised format of the file."""
        if self.export:
            return f"{self.export.name} ({self.kind})"
        return {"csv": f"csv, {self.delimiter!r} between columns"}.get(self.kind, self.kind)


@dataclass(frozen=True, slots=True)
class ColumnChoice:
    """Columns that somebody chose beside that of the numbers, named as that one; empty: none."""

    since: str = ""
    state: str = ""
    program: str = ""
    source: str = ""


NO_COLUMNS = ColumnChoice()
DATES = (
    "optoutdate", "optedoutat", "optedoutdate", "unsubscribedat", "unsubscribedate", "since",
    "date", "timestamp", "createdat", "consentdate", "updatedat", "datum", "abmeldedatum", "fecha",
    "data", "datedésinscription", "дата", "日期", "日付",
)  # fmt: skip
STATES = (
    "state", "status", "optstatus", "smsstatus", "subscriptionstatus", "consentstatus", "statut",
    "estado", "stato", "статус", "状态",
)  # fmt: skip
PROGRAMS = (
    "program", "programme", "list", "listname", "campaign", "audience", "programm", "programa",
    "programma", "liste", "lista", "kampagne", "campagne", "campaña", "программа", "项目",
)  # fmt: skip
SOURCES = (
    "source", "consentsource", "optoutsource", "origin", "externalsource", "importedfrom",
    "platform", "system", "quelle", "herkunft", "origine", "fuente", "origen", "fonte", "origem",
    "bron", "источник", "来源",
)  # fmt: skip
"""Headers under which lists have when, what, for which program and from where, best first."""


def guess_column(names: Sequence[str], known: Sequence[str]) -> int | None:
    """The place of the best known header among those of a file."""
    found = [plain(one) for one in names]
    return next((found.index(name) for name in known if name in found), None)


def with_columns(shape: Shape, head: str, choice: ColumnChoice) -> Shape:
    """The shape with the columns that were chosen. Raises ``ListUnreadable``."""
    if choice == NO_COLUMNS:
        return shape
    if shape.kind == "lines":
        raise ListUnreadable("a file with one number per line has no other columns")
    if shape.kind == "csv":
        rows = _sample(head, shape.newline, shape.delimiter)
        width = max(map(len, rows), default=1)

        def place(column: str) -> Place | None:
            return place_of(column, shape.header, width) if column else None
    else:
        keys = {key for line in head.split(shape.newline)[:_SAMPLE] for key in json_row(line) or ()}

        def place(column: str) -> Place | None:
            if column and column not in keys:
                raise ListUnreadable(f"there is no key {printable(column)!r}")
            return column or None

    since, state, program, source = map(
        place, (choice.since, choice.state, choice.program, choice.source)
    )
    return replace(
        shape,
        since=shape.since if since is None else since,
        state=shape.state if state is None else state,
        program=program,
        source=source,
        # What a known export says of its own states is nothing for another column.
        export=shape.export if state in (None, shape.state) else None,
    )


def shape_of(head: str, form: str = "auto", column: str = "") -> Shape:
    """The shape of a file that begins so.

    ``form`` is one of ``FORMATS``; ``column`` names the column of the numbers, by its header or
    its place from 1 on. Raises ``ListUnreadable`` where there is no such column, or where the
    file does not show which it is.
    """
    newline = "\n" if "\n" in head or "\r" not in head else "\r"
    first = head.lstrip()[:1]
    if form == "ndjson" or (form == "auto" and first == "{"):
        return _json(head, newline, column)
    if form == "auto" and first == "[":
        raise ListUnreadable(
            "this is one JSON document: give one object a line, such as by `jq -c '.[]'`"
        )
    if form == "lines":
        return Shape("lines", newline=newline)
    delimiter = "\t" if form == "tsv" else _delimiter(head, newline)
    if form == "auto" and not delimiter:
        return _one_column(head, newline, column)
    return _csv(head, newline, delimiter or ",", column)


def looks_like_number(cell: str) -> bool:
    """Whether a cell may be meant as a phone number."""
    digits = sum(one.isdigit() for one in cell)
    return digits >= 7 and not any(one.isalpha() for one in cell)


def _delimiter(head: str, newline: str) -> str:
    """The delimiter that the first line has most often outside quotes; none where it has none."""
    line = head.partition(newline)[0]
    bare = "".join(line.split('"')[::2])
    best = max(_DELIMITERS, key=bare.count)
    return best if best in bare else ""


def _one_column(head: str, newline: str, column: str) -> Shape:
    line = head.partition(newline)[0].strip().strip('"')
    header = () if looks_like_number(line) or not line else (line,)
    if '"' in head:
        return Shape("csv", place_of(column, header, 1), newline=newline, header=header)
    place_of(column, header, 1)
    return Shape("lines", newline=newline, header=header)


def _csv(head: str, newline: str, delimiter: str, column: str) -> Shape:
    rows = _sample(head, newline, delimiter)
    if not rows:
        return Shape("csv", newline=newline, delimiter=delimiter)
    header = () if any(map(looks_like_number, rows[0])) else tuple(rows[0])
    width = max(map(len, rows))
    names = [plain(one) for one in header]
    export = known_export_of(names) if not column else None
    if export is not None:
        return Shape(
            kind="csv",
            number=names.index(export.number),
            since=names.index(export.since) if export.since in names else None,
            state=names.index(export.state) if export.state in names else None,
            delimiter=delimiter,
            newline=newline,
            header=header,
            export=export,
        )
    number = place_of(column, header, width)
    if not column and width > 1:
        number = _found(names, rows[1:] if header else rows, header)
    return Shape("csv", number, delimiter=delimiter, newline=newline, header=header)


def _sample(head: str, newline: str, delimiter: str) -> list[list[str]]:
    """The first records; the last one of the head may be cut, so it is left out."""
    lines = head.split(newline)
    lines = [f"{line}\n" for line in (lines[:-1] if len(lines) > 1 else lines)]
    rows: list[list[str]] = []
    try:
        for row in csv.reader(lines, delimiter=delimiter):
            rows.append(row)
            if len(rows) > _SAMPLE:
                break
    except csv.Error:
        pass  # its line is named when it is read
    return [row for row in rows if row]


def place_of(column: str, header: Sequence[str], width: int) -> int:
    """The place of the column that was named, or the first one. Raises ``ListUnreadable``."""
    if not column:
        return 0
    for form in (str, plain):
        names = [form(one) for one in header]
        if form(column) in names:
            return names.index(form(column))
    if column.isdecimal() and 0 < int(column) <= width:
        return int(column) - 1
    raise ListUnreadable(f"there is no column {column!r}; {_columns(header, width)}")


def choices(header: Sequence[str], width: int) -> list[str]:
    """What names each column of a CSV file: its place, from 1 on, unless a header is such a one."""
    named: dict[str, int] = {}
    for form in (plain, str):  # as ``place_of`` has it: what is written exactly so counts more
        named |= {form(one): at for at, one in reversed([*enumerate(header)])}
    places = [str(at + 1) for at in range(width)]
    return [
        place if at >= len(header) or named.get(place, at) == at else header[at]
        for at, place in enumerate(places)
    ]


def _found(names: Sequence[str], rows: Iterable[Sequence[str]], header: Sequence[str]) -> int:
    """The column of the numbers: by its header, or the only one with numbers in it."""
    for name in NUMBERS:
        if name in names:
            return names.index(name)
    full: dict[int, int] = {}
    for row in rows:
        for at, cell in enumerate(row):
            full[at] = full.get(at, 0) + (1 if looks_like_number(cell) else 0)
    most = max(full.values(), default=0)
    likely = [at for at, count in full.items() if count and count * 2 > most]
    if len(likely) == 1:
        return likely[0]
    problem = "no column has numbers" if not likely else "several columns look like numbers"
    raise ColumnUnclear(
        f"{problem}: say which with --column; {_columns(header, len(full))}",
        choices(header, len(full)),
    )


def _columns(header: Sequence[str], width: int) -> str:
    if not header:
        return f"there are {width}, without names: name one by its place, from 1 on"
    names = ", ".join(repr(printable(one)) for one in header[:_MAX_NAMES])
    return f"there are: {names}" + (" …" if len(header) > _MAX_NAMES else "")


def _json(head: str, newline: str, column: str) -> Shape:
    keys: dict[str, str] = {}
    for line in head.split(newline)[:_SAMPLE]:
        keys.update((plain(key), key) for key in json_row(line) or ())
    export = known_export_of(keys) if not column else None
    if export is not None:
        since, state = keys.get(export.since), keys.get(export.state)
        return Shape("ndjson", keys[export.number], since, state, newline=newline, export=export)
    if column and plain(column) in keys:
        return Shape("ndjson", keys[plain(column)], newline=newline)
    found = [keys[name] for name in NUMBERS if name in keys]
    if column or not found:
        problem = f"there is no key {column!r}" if column else "no key is known to hold numbers"
        if not keys:
            raise ListUnreadable(
                "no line is a JSON object that can be read: give one flat object a line, such as "
                '{"number": "+14155550123"}'
            )
        names = ", ".join(repr(printable(one)) for one in [*keys.values()][:_MAX_NAMES])
        text = f"{problem}: say which with --column; there are: {names}"
        raise ColumnUnclear(text, [*keys.values()])
    return Shape("ndjson", found[0], newline=newline)


def printable(text: str, most: int = 40) -> str:
    """A cell as it can be shown: bytes that are no UTF-8 as Latin-1, and not without end."""
    sound = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    if any("\udc80" <= one <= "\udcff" for one in text):
        sound = text.encode("utf-8", "surrogateescape").decode("latin-1")
    return sound if len(sound) <= most else f"{sound[:most]}…"
