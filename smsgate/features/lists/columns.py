"""The columns of a list: numbers, date, status, program and source, by their headers.

Exports of other services are known by their headers. Sources: Twilio's bulk upsert of consents
(``contact_id``, ``status``, ``date_of_consent``) and its message resource (``to``, ``error_code``,
``date_sent``; the console's log of messages has the same names without underscores) with error
21610; Telnyx ``GET /v2/messaging_optouts`` (``to`` receives, ``from`` sends); Plivo's message
records with error 200; AWS ``DescribeOptedOutNumbers``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from smsgate.domain.errors import SmsGateError


class ListUnreadable(SmsGateError):
    """A file is no list that can be read; nothing of it was used."""

    status = 422


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
    """What a status of theirs means: ``opted_out``, ``subscribed``, or nothing for us (empty)."""
    international: bool = False
    """Whether numbers have their country, but no plus."""


ANY_OTHER = "*"
"""Key of ``states`` for what is not in it: rows that say something else, such as another error."""
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
NUMBERS = (
    "number", "phone", "phonenumber", "phonenumbers", "mobile", "mobilenumber", "mobilephone",
    "cell", "cellphone", "cellnumber", "msisdn", "e164", "contactnumber", "tel", "telephone",
    "sms", "smsnumber", "subscriber", "recipient", "to", "contactid",
    "telefonnummer", "telefon", "rufnummer", "handynummer", "handy", "mobilnummer",
    "téléphone", "numérodetéléphone", "mobiltelefon", "teléfono", "móvil", "celular", "telefone",
    "telemóvel", "telefono", "cellulare", "telefoon", "telefoonnummer", "телефон", "номертелефона",
    "手机号", "手机号码", "电话", "電話", "電話番号", "전화번호", "هاتف",
)  # fmt: skip
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
"""Headers under which lists have number, date, status, program and source, best first."""
_MAX_NAMES = 12
_PUNCTUATION = re.compile(r"[\W_]+")


class Columns(NamedTuple):
    """Places of columns; None where a file has none."""

    number: int | None
    """None only where it is unclear and the caller asked for that (``is_clear``)."""
    date: int | None = None
    state: int | None = None
    program: int | None = None
    source: int | None = None
    export: KnownExport | None = None


class ColumnNames(NamedTuple):
    """Columns that somebody chose, each by its header or its position from 1; empty: none."""

    number: str = ""
    date: str = ""
    state: str = ""
    program: str = ""
    source: str = ""


def plain(header: str) -> str:
    """A header without case, blanks and punctuation: ``Phone number`` is ``phonenumber``."""
    return _PUNCTUATION.sub("", header).casefold()


def printable(text: str, most: int = 40) -> str:
    """A cell as it can be shown: bytes that are no UTF-8 as Latin-1, and not without end."""
    shown = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    if any("\udc80" <= one <= "\udcff" for one in text):
        shown = text.encode("utf-8", "surrogateescape").decode("latin-1")
    return shown if len(shown) <= most else f"{shown[:most]}…"


def looks_like_number(cell: str) -> bool:
    """Whether a cell may be meant as a phone number."""
    digits = sum(one.isdigit() for one in cell)
    return digits >= 7 and not any(one.isalpha() for one in cell)


def find_columns(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    names: ColumnNames,
    *,
    may_be_unclear: bool = False,
) -> Columns:
    """The columns of a file with this header (empty: none) and these first rows.

    ``may_be_unclear``: where the file does not show which column has the numbers, say None instead
    of raising. Raises ``ListUnreadable`` also where a column was named that there is not.
    """
    width = max(map(len, [header, *rows]), default=1)
    plain_header = [plain(one) for one in header]
    known = [one for one in EXPORTS if one.needs <= {*plain_header}] if not names.number else []
    export = max(known, key=lambda one: len(one.needs), default=None)

    def place(name: str) -> int | None:
        return _place_of(name, header, width) if name else None

    date, state = place(names.date), place(names.state)
    number = place(names.number)
    if export is not None:
        number = plain_header.index(export.number)
        exported = [
            plain_header.index(one) if one in plain_header else None
            for one in (export.since, export.state)
        ]
        date = exported[0] if date is None else date
        if state not in (None, exported[1]):
            export = None  # what it says of its own statuses is nothing for another column
        else:
            state = exported[1]
    if number is None:
        number = _number_column(plain_header, rows, width)
    if number is None and not may_be_unclear:
        raise ListUnreadable(
            "It is unclear which column has the numbers: say which with --column; "
            f"{_described(header, width)}"
        )
    return Columns(number, date, state, place(names.program), place(names.source), export)


def guess_column(header: Sequence[str], known: Sequence[str]) -> int | None:
    """The place of the best known header among those of a file."""
    found = [plain(one) for one in header]
    return next((found.index(name) for name in known if name in found), None)


def _number_column(header: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> int | None:
    """By its header, or the only one with numbers in it."""
    if width <= 1:
        return 0
    for name in NUMBERS:
        if name in header:
            return header.index(name)
    counts = [
        sum(looks_like_number(row[at]) for row in rows if at < len(row)) for at in range(width)
    ]
    likely = [at for at, count in enumerate(counts) if count and count * 2 > max(counts)]
    return likely[0] if len(likely) == 1 else None


def _place_of(name: str, header: Sequence[str], width: int) -> int:
    for form in (str, plain):
        forms = [form(one) for one in header]
        if form(name) in forms:
            return forms.index(form(name))
    if name.isdecimal() and 0 < int(name) <= width:
        return int(name) - 1
    raise ListUnreadable(f"There is no column {printable(name)!r}; {_described(header, width)}")


def _described(header: Sequence[str], width: int) -> str:
    if not header:
        return f"there are {width}, without names: name one by its place, from 1 on."
    names = ", ".join(repr(printable(one)) for one in header[:_MAX_NAMES])
    return f"there are: {names}" + (" …" if len(header) > _MAX_NAMES else ".")
