"""Keywords: what programs understand, and changing keyword sets."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Annotated, Literal, get_args

import msgspec

from smsgate.classifier import Classifier, reply_text
from smsgate.consent import decision_text
from smsgate.domain.errors import ConfigurationError, Unfit, UnknownProgram
from smsgate.domain.phone import e164
from smsgate.features.keyword_editor.keyword_list import ActiveKeyword, list_active
from smsgate.features.keyword_editor.replay import DraftEffect
from smsgate.features.keyword_editor.service import (
    MAX_BYTES,
    KeywordEditor,
    KeywordSetInfo,
    SetVersion,
    load_content,
)
from smsgate.interface.list_page import ListPage, Tab
from smsgate.interface.operation import (
    Actor,
    After,
    Column,
    Context,
    Limit,
    Listing,
    Upload,
    operation,
    page_of,
)
from smsgate.interface.schemas import ProgramName
from smsgate.process.services import Services

SetName = Annotated[str, msgspec.Meta(max_length=40, description="A keyword set, such as `es`.")]
Note = Annotated[str, msgspec.Meta(max_length=500, description="Why, for the history.")]
KeywordIntent = Literal["opt_out", "opt_out_all", "opt_in", "help", "review", "none"]
INTENTS = get_args(KeywordIntent)
_NO_SET = {404: "There is no such keyword set, or no such version of it."}


class KeywordQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which keywords."""

    program: ProgramName = ""
    text: Annotated[
        str, msgspec.Meta(max_length=200, title="Keyword or note", description="Part of either.")
    ] = ""
    language: Annotated[str, msgspec.Meta(max_length=40, description="A set, such as `es`.")] = ""
    intent: Annotated[
        Literal["", KeywordIntent],
        msgspec.Meta(title="Meaning", description="What a keyword asks for."),
    ] = ""
    source: Annotated[
        Literal["", "shipped", "file", "console"],
        msgspec.Meta(description="Where a keyword comes from."),
    ] = ""
    after: After = ""
    limit: Limit = 100

    def fits(self, one: ActiveKeyword) -> bool:
        """Whether a keyword is to be listed."""
        text = self.text.casefold().strip()
        return (
            self.language in ("", one.language)
            and self.intent in ("", one.intent)
            and self.source in ("", one.source)
            and (text in one.word.casefold() or text in one.note.casefold())
        )


class KeywordPage(msgspec.Struct, frozen=True):
    """Keywords by set, intent and word."""

    items: list[ActiveKeyword]
    total: int
    next: str | None


class SetChoice(msgspec.Struct, forbid_unknown_fields=True):
    """Which set."""

    name: SetName


class VersionQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Versions of which set."""

    name: SetName
    after: After = ""


class SetVersions(msgspec.Struct, frozen=True):
    """The newest first."""

    items: list[SetVersion]
    next: str | None


class NewContent(msgspec.Struct, forbid_unknown_fields=True):
    """A whole set."""

    name: SetName
    file: Upload
    note: Note = ""
    base: Annotated[
        int, msgspec.Meta(ge=-1, description="The version you saw: refused after a newer one.")
    ] = -1
    sure: Annotated[
        bool, msgspec.Meta(description="Save it even if many more people would be opted out.")
    ] = False
    actor: Actor = ""


class Revert(msgspec.Struct, forbid_unknown_fields=True):
    """Which set, and to which version."""

    name: SetName
    to: Annotated[
        int, msgspec.Meta(ge=0, description="The version to restore; 0: the file, or as shipped.")
    ] = 0
    note: Note = ""
    actor: Actor = ""


class SavedSet(msgspec.Struct, frozen=True):
    """What is in force within five seconds."""

    name: str
    version: int


class Draft(msgspec.Struct, forbid_unknown_fields=True):
    """A whole set to try."""

    name: SetName
    file: Upload
    seconds: Annotated[
        int, msgspec.Meta(ge=1, le=600, description="How long to read texts, at most.")
    ] = 10


class TriedText(msgspec.Struct, forbid_unknown_fields=True):
    """A text that nobody sent."""

    text: Annotated[str, msgspec.Meta(max_length=2_000, description="As a subscriber writes it.")]
    program: Annotated[
        ProgramName, msgspec.Meta(description="The program that is texted; empty: the first.")
    ] = ""
    number: Annotated[
        str, msgspec.Meta(max_length=40, description="Who texts, such as +14155550123.")
    ] = ""


class TextMeaning(msgspec.Struct, frozen=True):
    """What a text is understood as, and why."""

    intent: str
    meaning: str
    reason: str
    rule: str
    facts: dict[str, str]
    """Details, such as the reply."""


@operation(
    "GET /keywords",
    command="keywords list",
    role="viewer",
    example={"program": "alerts", "language": "es"},
    listing=Listing(
        (
            Column("word", "Keyword", "words"),
            Column("intent", "Meaning", "name"),
            Column("match", "Match", "name"),
            Column("language", "Language", "language"),
            Column("source", "Source"),
            Column("countries", "Countries"),
            Column("note", "Note"),
        ),
        empty="No keywords.",
    ),
)
def list_keywords(context: Context, request: KeywordQuery) -> KeywordPage:
    """List the keywords that are in force."""
    load_content(context.services)
    classifiers = _classifiers(context.services, request.program)
    found = list_active(classifiers, context.services.content.value.sets)
    fitting = [one for one in found if request.fits(one)]
    shown, following = page_of(fitting, request.after, request.limit)
    return KeywordPage(shown, len(fitting), following)


@operation(
    "POST /keywords/try",
    command="keywords try <text>",
    role="viewer",
    example={"text": "please stop", "program": "alerts"},
)
def try_text(context: Context, request: TriedText) -> TextMeaning:
    """Say what a text is understood as. Nothing is stored or sent."""
    load_content(context.services)
    return understand(context.services, request.text, request.program, request.number)


def understand(services: Services, text: str, program: str, number: str) -> TextMeaning:
    """Say what a text is understood as. Raises ``UnknownProgram`` and ``InvalidNumber``."""
    classifier = _classifiers(services, program)[0]
    number = e164(number, classifier.program.region) if number.strip() else ""
    found = classifier.classify(text, number)
    reply = partial(reply_text, classifier.program)
    return TextMeaning(
        intent=found.intent.value,
        meaning=decision_text.meant(found.intent.value),
        reason=decision_text.reason(found.rule, found.keyword),
        rule=found.rule,
        facts=dict(decision_text.facts(found, reply)),
    )


def _classifiers(services: Services, program: str) -> list[Classifier]:
    """Return a program's classifier; without a name those of all programs."""
    found = services.content.value.classifiers
    if not found or (program and program not in found):
        known = ", ".join(found) or "none"
        raise UnknownProgram(f"there is no program {program[:40]!r}; there are: {known}")
    return [found[name] for name in ([program] if program else found)]


def _set_text(found: KeywordSetInfo) -> str:
    users = ", ".join(found.programs) or "no program"
    return f"# {found.place}, version {found.version}, used by {users}\n{found.content}".rstrip()


@operation(
    "GET /keywords/<name>",
    command="keywords show <name>",
    role="viewer",
    example={"name": "es"},
    problems=_NO_SET,
    text=_set_text,
)
def show_keyword_set(context: Context, request: SetChoice) -> KeywordSetInfo:
    """Show a keyword set: who owns it, and what it has beside or in place of the shipped one."""
    return _editor(context).find(request.name)


def _versions_text(page: SetVersions) -> str:
    lines = [
        f"version {one.version}  {one.saved:%Y-%m-%d %H:%M:%S}  {one.author}  {one.note}\n"
        f"{one.changes}"
        for one in page.items
    ]
    return "\n".join(lines) or "Never saved in the console."


@operation(
    "GET /keywords/<name>/versions",
    command="keywords versions <name>",
    role="viewer",
    example={"name": "es"},
    problems=_NO_SET,
    text=_versions_text,
)
def list_keyword_versions(context: Context, request: VersionQuery) -> SetVersions:
    """Show the versions of a set that were saved in the console, and what each changed.

    The history of sets in files is wherever you keep the files.
    """
    editor, after = _editor(context), request.after
    editor.find(request.name)
    found = editor.history(request.name, int(after) if after.isdecimal() else None)
    return SetVersions(found, str(found[-1].version) if found and found[-1].version > 1 else None)


@operation(
    "PUT /keywords/<name>",
    command="keywords set <name> <file>",
    role="admin",
    example={"name": "es", "file": "es.toml", "note": "people text it"},
    done="Saved as version {version} of {name}.",
    problems={**_NO_SET, 409: "Somebody else saved a newer version than `base`."},
)
def set_keywords(context: Context, request: NewContent) -> SavedSet:
    """Save a whole keyword set (TOML), which replaces the file of that name, if there is one.

    Every process uses it within five seconds. With a fault, nothing is saved.
    """
    content = _content(request.file)
    if not content.strip():
        raise Unfit("The file is empty. To give the set back to its file, revert it.")
    editor, actor = _editor(context), context.actor(request.actor)
    base = editor.find(request.name).version if request.base < 0 else request.base
    saved = editor.save(request.name, content, base, actor, request.note, sure=request.sure)
    return SavedSet(request.name, saved.version)


@operation(
    "POST /keywords/<name>/revert",
    command="keywords revert <name>",
    role="admin",
    example={"name": "es"},
    done="Saved as version {version} of {name}.",
    problems=_NO_SET,
)
def revert_keywords(context: Context, request: Revert) -> SavedSet:
    """Save an older version of a set as the newest one, or give it back to its file."""
    editor, actor = _editor(context), context.actor(request.actor)
    base = editor.find(request.name).version
    saved = editor.restore(request.name, request.to, base, actor, request.note)
    return SavedSet(request.name, saved.version)


@operation(
    "POST /keywords/<name>/replay",
    command="keywords replay <name> <file>",
    role="admin",
    example={"name": "es", "file": "es.toml", "seconds": 60},
    problems=_NO_SET,
    exit_code=lambda found: 1 if found.differ else 0,
)
def replay_keywords(context: Context, request: Draft) -> DraftEffect:
    """Say what a set would change: which keywords, and how received texts would be decided.

    Nothing is saved. Exit code 0: no text is decided differently. 1: some are.
    """
    editor, content = _editor(context), _content(request.file)
    name = editor.find(request.name).name
    return editor.try_content(name, content, request.seconds, context.progress)


def _content(file: Upload) -> str:
    """Return a file's text. Raises ``Unfit``."""
    try:
        return file.stream.read(MAX_BYTES + 1).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unfit(f"The file is no UTF-8 text: {error}.") from None


def _editor(context: Context) -> KeywordEditor:
    """Return an editor, also where what is saved cannot be used here, so that it is replaced."""
    with suppress(ConfigurationError):
        load_content(context.services)
    return KeywordEditor(context.services)


OPERATIONS = (
    list_keywords,
    try_text,
    show_keyword_set,
    list_keyword_versions,
    set_keywords,
    revert_keywords,
    replay_keywords,
)
PAGES: Sequence[ListPage] = (
    ListPage(
        path="/console/keywords",
        title="Keywords",
        operation=list_keywords,
        navigation="part_keywords.html",
        tabs=(
            Tab(
                key="all",
                title="Active keywords",
                empty="Wordings inside sentences are not listed here: enter a text above to see "
                "how it is understood.",
            ),
        ),
    ),
)
