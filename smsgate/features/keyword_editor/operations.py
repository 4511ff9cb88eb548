"""Keywords: what programs understand, and changing keyword sets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Annotated, Literal, get_args

import msgspec

from smsgate import decision_text
from smsgate.classifier import Classifier, OperatorSets, reply_text
from smsgate.classifier.sets import read_set
from smsgate.domain.phone import e164
from smsgate.features.keyword_editor.replay import DraftEffect
from smsgate.features.keyword_editor.service import KeywordEditor, KeywordSetInfo
from smsgate.interface.list_page import ListPage
from smsgate.interface.operation import (
    HIDDEN,
    Actor,
    After,
    Column,
    Context,
    Limit,
    RowPage,
    Upload,
    operation,
    page_of,
)
from smsgate.interface.schemas import ProgramName

SetName = Annotated[str, msgspec.Meta(max_length=40, description="A keyword set, such as `es`.")]
Note = Annotated[str, msgspec.Meta(max_length=500, description="Why, for the history.")]
KeywordIntent = Literal["opt_out", "opt_out_all", "opt_in", "help", "review", "none"]
INTENTS = get_args(KeywordIntent)
KeywordSource = Literal["shipped", "file", "console"]
_NO_SET = {404: "There is no such keyword set, or no such version of it."}


class ActiveKeyword(msgspec.Struct, frozen=True):
    """A keyword that a program acts on."""

    word: Annotated[str, Column("Keyword", "words")]
    intent: Annotated[str, Column("Meaning", "name")]
    match: Annotated[str, Column(kind="name")]
    risk: Annotated[str, HIDDEN]
    language: str
    """The set that has it."""
    source: KeywordSource
    countries: tuple[str, ...]
    """Calling codes; elsewhere it means nothing."""
    answers_only: Annotated[bool, HIDDEN]
    """Only an answer to a question of ours."""
    note: str


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
        Literal["", KeywordSource],
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


class SetChoice(msgspec.Struct, forbid_unknown_fields=True):
    """Which set."""

    name: SetName


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
    empty="No keywords.",
)
def list_keywords(
    _: Context, request: KeywordQuery, editor: KeywordEditor
) -> RowPage[ActiveKeyword]:
    """List the keywords that are in force, by set, intent and word."""
    found = _active_keywords(editor.classifiers(request.program), editor.active().sets)
    fitting = [one for one in found if request.fits(one)]
    shown, following = page_of(fitting, request.after, request.limit)
    return RowPage(shown, len(fitting), following)


def _active_keywords(classifiers: Iterable[Classifier], own: OperatorSets) -> list[ActiveKeyword]:
    """Return the keywords of programs by set, intent and word, each once."""
    sources: dict[tuple[str, str], KeywordSource] = {}
    for name, (place, text) in own.texts.items():
        language = read_set(text, place, [])
        source: KeywordSource = "console" if name in own.console else "file"
        for entry in language.entries if language else ():
            sources |= {(name, word): source for word in entry.each()}
    found = {
        ActiveKeyword(
            language=one.language,
            intent=one.entry.intent,
            word=one.word,
            match=one.entry.match,
            risk=one.entry.risk,
            source=sources.get((one.language, one.word), "shipped"),
            countries=one.entry.countries,
            answers_only=one.entry.ask,
            note=one.entry.note,
        )
        for classifier in classifiers
        for _, one in classifier.keywords
    }
    return sorted(found, key=lambda one: (one.language, one.intent, one.word, one.match))


@operation(
    "POST /keywords/try",
    role="viewer",
    example={"text": "please stop", "program": "alerts"},
)
def try_text(_: Context, request: TriedText, editor: KeywordEditor) -> TextMeaning:
    """Say what a text is understood as. Nothing is stored or sent."""
    return explain_text(editor, request)


def explain_text(editor: KeywordEditor, request: TriedText) -> TextMeaning:
    """Say what a text is understood as. Raises ``UnknownProgram`` and ``InvalidNumber``."""
    classifier = editor.classifiers(request.program)[0]
    number = request.number.strip() and e164(request.number, classifier.program.region)
    found = classifier.classify(request.text, number)
    return TextMeaning(
        intent=found.intent.value,
        meaning=decision_text.meant(found.intent.value),
        reason=decision_text.reason(found.rule, found.keyword),
        rule=found.rule,
        facts=dict(decision_text.facts(found, partial(reply_text, classifier.program))),
    )


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
def show_keyword_set(_: Context, request: SetChoice, editor: KeywordEditor) -> KeywordSetInfo:
    """Show a keyword set: who owns it, and what it has beside or in place of the shipped one."""
    return editor.find(request.name)


@operation(
    "PUT /keywords/<name>",
    command="keywords set <name> <file>",
    role="admin",
    example={"name": "es", "file": "es.toml", "note": "people text it"},
    done="Saved as version {version} of {name}.",
    problems={**_NO_SET, 409: "Somebody else saved a newer version than `base`."},
)
def set_keywords(context: Context, request: NewContent, editor: KeywordEditor) -> SavedSet:
    """Save a whole keyword set (TOML), which replaces the file of that name, if there is one.

    Every process uses it within five seconds. With a fault, nothing is saved.
    """
    content, actor = request.file.text(), context.actor(request.actor)
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
def revert_keywords(context: Context, request: Revert, editor: KeywordEditor) -> SavedSet:
    """Save an older version of a set as the newest one, or give it back to its file."""
    actor, base = context.actor(request.actor), editor.find(request.name).version
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
def replay_keywords(context: Context, request: Draft, editor: KeywordEditor) -> DraftEffect:
    """Say what a set would change: which keywords, and how received texts would be decided.

    Nothing is saved. Exit code 0: no text is decided differently. 1: some are.
    """
    content, name = request.file.text(), editor.find(request.name).name
    return editor.try_content(name, content, request.seconds, context.progress)


OPERATIONS = (
    list_keywords,
    try_text,
    show_keyword_set,
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
        help="Wordings inside sentences are not listed here: enter a text above to see how it is "
        "understood.",
    ),
)
