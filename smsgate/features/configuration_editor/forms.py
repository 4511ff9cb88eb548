"""The forms of programs, replies and accounts: their fields, read and filled. Pure."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from smsgate.classifier import reply_text
from smsgate.classifier.sets.keyword_sets import ANY_LANGUAGE
from smsgate.classifier.wording import defaults
from smsgate.consent.composing.segments import SegmentCount, count
from smsgate.domain.errors import Fault
from smsgate.domain.languages import language_code, language_name
from smsgate.providers import PROVIDERS
from smsgate.settings import Program
from smsgate.settings.programs import wording_problem

MAX_CHARACTERS = 50_000
"""Of one field: more was pasted by mistake."""


@dataclass(frozen=True, slots=True)
class FormField:
    """One field of a form: a key of a table."""

    key: str
    label: str
    kind: str = "text"
    """``text``, ``lines``, ``words``, ``languages``, ``choice``, ``flag`` or ``secret``."""
    help: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    """Of a choice: each value, and how the page names it."""
    own_sets: frozenset[str] = frozenset()
    """Of languages: keyword sets of the operator, such as ``spanish``, which is not ``es``."""
    required: bool = False
    default: object = ""

    def read(self, form: Mapping[str, str]) -> object:
        """Return what was typed, as the configuration has it."""
        text = form.get(self.key, "")[:MAX_CHARACTERS].replace("\r\n", "\n")
        if self.kind == "flag":
            return self.key in form
        if self.kind == "lines":
            return [line.strip() for line in text.split("\n") if line.strip()]
        if self.kind in ("words", "languages"):
            words = [word.strip() for word in re.split(r"[,\n]", text) if word.strip()]
            if self.kind == "words":
                return words
            return [word if word in self.own_sets else language_code(word) for word in words]
        return text.strip()

    def shown(self, values: Mapping[str, object]) -> str:
        """Return how the form shows the value of a table."""
        value = values.get(self.key, self.default)
        if isinstance(value, list) and self.kind == "languages":
            return ", ".join(
                code if code == ANY_LANGUAGE else language_name(code) for code in value
            )
        if isinstance(value, list):
            return ("\n" if self.kind == "lines" else ", ").join(map(str, value))
        if isinstance(value, float):
            return f"{value:g}"
        return "on" if value is True else "" if value in (False, None) else str(value)


_KINDS = (
    ("marketing", "Marketing: blocked while a text of the number waits in Review"),
    ("service", "Service: may text while a text of the number waits in Review"),
)
_SCOPES = (
    ("all", "Every program: one STOP ends all texts"),
    ("program", "This program: a STOP ends its texts alone"),
)
_CONFIRMS = (
    ("auto", "Where the provider or network does not reply itself"),
    ("always", "Always"),
    ("never", "Never"),
)
PROGRAM_FIELDS = (
    FormField(
        "name",
        "Name",
        help="The name that subscribers read: {program} in replies.",
        required=True,
    ),
    FormField(
        "senders",
        "Senders",
        "lines",
        "Your numbers, short codes or messaging services, one on each line. * is every sender of "
        "the account that no other program has.",
        required=True,
    ),
    FormField(
        "keywords",
        "Keyword sets",
        "languages",
        "Languages that the program understands, by name or code, separated by commas, such as "
        "English, Spanish. * is all.",
        required=True,
    ),
    FormField(
        "contact",
        "Contact",
        help="E-mail address or phone number that the HELP reply names: {contact} in replies.",
    ),
    FormField("kind", "Kind", "choice", choices=_KINDS, default="marketing"),
    FormField("scope", "A STOP ends", "choice", choices=_SCOPES, default="all"),
    FormField("confirm", "Confirm opt-outs", "choice", choices=_CONFIRMS, default="auto"),
    FormField(
        "region",
        "Region",
        help="Two capital letters, such as US, for numbers written without a country.",
    ),
    FormField(
        "require_consent", "Text only numbers with a consent on record", "flag", default=False
    ),
    FormField(
        "double_opt_in", "Require a YES reply to confirm opt-ins (double opt-in)", "flag",
        default=False,
    ),
    FormField(
        "printed",
        "Opt-out instructions in your texts",
        "lines",
        "As your texts word them, one on each line. Optional.",
    ),
    FormField(
        "templates",
        "Texts that you send",
        "lines",
        "One on each line, so that an echo of one is not taken for an answer. Optional.",
    ),
    FormField(
        "formerly",
        "Former names",
        "words",
        "Earlier names of this program in the configuration, separated by commas, so that its "
        "opt-outs stay with it.",
    ),
)  # fmt: skip
WORDINGS = (
    ("opt_out", "Opt-out confirmation"),
    ("opt_in", "Opt-in confirmation"),
    ("help", "HELP reply"),
    ("question", "Question of a double opt-in"),
    ("opt_out_line", "Opt-out line under your texts"),
)
"""Each text of a language, and how the page names it."""


_PREDICATES = (
    "is ",
    "must ",
    "has ",
    "uses ",
    "names ",
    "will ",
    "can ",
    "cannot ",
    "stands ",
    "would ",
)
"""How faults begin, which a key stands before elsewhere."""


def program_fields(accounts: Iterable[str], own_sets: Iterable[str]) -> list[FormField]:
    """Return the fields of a program, for the accounts and the operator's own keyword sets."""
    choices = tuple((name, name) for name in accounts)
    account = FormField("account", "Account", "choice", choices=choices, required=True)
    first, *others = PROGRAM_FIELDS
    own = frozenset(own_sets)
    return [
        first,
        account,
        *(replace(one, own_sets=own) if one.kind == "languages" else one for one in others),
    ]


def read_fields(fields: Iterable[FormField], form: Mapping[str, str]) -> dict[str, object]:
    """Return what was typed by key."""
    return {one.key: one.read(form) for one in fields}


def sentence(problem: str) -> str:
    """Return what is wrong with a field as a sentence, which stands below it."""
    problem = f"This {problem}" if problem.startswith(_PREDICATES) else problem
    return f"{problem[:1].upper()}{problem[1:]}{'' if problem.endswith('.') else '.'}"


def by_field(faults: Iterable[Fault], table: str, keys: Iterable[str]) -> dict[str, list[str]]:
    """Return the faults by the field of a form that they belong to; ``""``: none of them."""
    known, found = {*keys}, dict[str, list[str]]()
    claimed = f"belongs to {table} already"
    # In a file the webhook of alerts is a text, without a key of its own.
    whole = next((one for one in ("id", "url") if one in known), "")
    for fault in faults:
        if claimed in fault.problem:  # told of the other program, whichever comes later
            other, _, key = fault.key.rpartition(".")
            told = fault.problem.replace(claimed, f"belongs to {other} already")
            found.setdefault(key, []).append(told)
            continue
        below = fault.key.removeprefix(f"{table}.")
        key = below.split(".")[0] if below != fault.key else ""
        if fault.key == table and whole:
            found.setdefault(whole, []).append(fault.problem)
        elif fault.place == "keywords" and "keywords" in known:
            found.setdefault("keywords", []).append(f"{fault.key!r}: {fault.problem}")
        elif key in known:
            found.setdefault(key, []).append(fault.problem)
        else:
            found.setdefault("", []).append(str(fault))
    return found


# --- replies --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WordingPreview:
    """One text of a program as a phone would show it."""

    kind: str
    label: str
    own: str
    """What is typed; empty where the shipped text is in force."""
    text: str
    """As it is sent; empty where there is none."""
    counted: SegmentCount
    problem: str
    is_shipped: bool


def read_wordings(form: Mapping[str, str]) -> dict[str, str]:
    """Return the texts that were typed, without empty ones."""
    typed = {kind: form.get(kind, "").replace("\r\n", "\n").strip() for kind, _ in WORDINGS}
    return {kind: text[:MAX_CHARACTERS] for kind, text in typed.items() if text}


def with_wordings(
    replies: object, language: str, texts: Mapping[str, str]
) -> dict[str, dict[str, object]]:
    """Return a program's replies with the texts of one language replaced."""
    found = dict(replies) if isinstance(replies, dict) else {}
    found.pop(language, None)
    return {**found, language: dict(texts)} if texts else found


def previews(program: Program, language: str, texts: Mapping[str, str]) -> list[WordingPreview]:
    """Return each text of a program in a language, with what is typed in it."""
    others = {name: known for name, known in program.replies.items() if name != language}
    shown = replace(program, replies={**others, language: dict(texts)} if texts else others)
    found = []
    for kind, label in WORDINGS:
        own = texts.get(kind, "")
        if kind == "question" and not (program.double_opt_in or own):
            continue
        text = own
        if kind in defaults()["en"]:
            text, _ = reply_text(shown, kind, language)
        found.append(
            WordingPreview(
                kind=kind,
                label=label,
                own=own,
                text=text,
                counted=count(text),
                problem=wording_problem(own, program.contact),
                is_shipped=not own,
            )
        )
    return found


# --- accounts -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AccountForm:
    """The fields of an account of one provider."""

    provider: str
    needed: list[FormField] = field(default_factory=list)
    more: list[FormField] = field(default_factory=list)
    """What most accounts leave empty."""

    @property
    def fields(self) -> list[FormField]:
        """All of them."""
        return [*self.needed, *self.more]


_COMMON = (
    FormField(
        "public_url",
        "Public URL",
        help="Only if this provider calls another address than the other ones.",
    ),
    FormField("rate", "Texts a second", help="Of each sender; 0 is no limit.", default=0.0),
    FormField(
        "silent_hours",
        "Alert after hours without a request",
        help="0 is never.",
        default=0.0,
    ),
)


def account_form(provider: str) -> AccountForm | None:
    """Return the form for an account of a provider; None where there is no such provider."""
    if provider not in PROVIDERS:
        return None
    needed, more = list[FormField](), list[FormField]()
    for one in PROVIDERS[provider].fields:
        made = FormField(
            one.name,
            _label(one.name),
            "secret" if one.secret else "text",
            f"Must be {one.what}.",
            required=one.required and one.only_with is None,
        )
        (needed if made.required else more).append(made)
    return AccountForm(provider, needed, [*more, *_COMMON])


def _label(key: str) -> str:
    """Return how a form names a key: ``account_sid`` as Account SID."""
    first, *rest = key.split("_")
    words = [first.capitalize(), *rest]
    return " ".join(word.upper() if word.lower() in _ACRONYMS else word for word in words)


_ACRONYMS = frozenset(
    {"api", "smsc", "id", "sid", "sms", "url", "uri", "xml", "json", "arn", "tls", "http"}
)


def read_account(form: AccountForm, typed: Mapping[str, str]) -> dict[str, object]:
    """Return what was typed by key, without secrets."""
    values = read_fields([one for one in form.fields if one.kind != "secret"], typed)
    for key in ("rate", "silent_hours"):
        with contextlib.suppress(ValueError):  # what is no number is told as of the file
            values[key] = float(str(values[key]) or 0)
    return values
