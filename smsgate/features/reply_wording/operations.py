"""The wording of a program's replies, as the console has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec

from smsgate.features.reply_wording.service import WordingEditor
from smsgate.interface.operation import Context, Upload, operation
from smsgate.interface.schemas import ProgramName

_PATH = "/programs/<program>/replies"
Note = Annotated[
    str, msgspec.Meta(max_length=500, description="Why, for those who read the history later.")
]


class ProgramChoice(msgspec.Struct, forbid_unknown_fields=True):
    """Whose replies."""

    program: ProgramName


class ProgramReplies(msgspec.Struct, frozen=True):
    """A program's own wording; what it leaves out is the shipped one."""

    owner: str
    """``console``, ``file`` or ``shipped``."""
    version: int
    replies: Mapping[str, Mapping[str, str]]
    """By language and kind."""
    content: str
    """The same as TOML, with a table for each language."""


class SavedReplies(msgspec.Struct, frozen=True):
    """The version that was saved."""

    version: int


class NewReplies(msgspec.Struct, forbid_unknown_fields=True):
    """All replies of a program as TOML: a table for each language, [en], opt_out = "…"."""

    program: ProgramName
    file: Upload
    note: Note = ""


@operation(
    f"GET {_PATH}",
    command="wording show <program>",
    role="viewer",
    scope="admin",
    example={"program": "alerts"},
    text=lambda found: found.content,
)
def show_wording(_: Context, request: ProgramChoice, editor: WordingEditor) -> ProgramReplies:
    """Show the wording of a program's replies, as TOML."""
    found = editor.find(request.program)
    replies = {language: dict(texts) for language, texts in found.program.replies.items()}
    return ProgramReplies(found.owner, found.version, replies, found.content)


@operation(
    f"POST {_PATH}",
    command="wording save <program> <file>",
    role="admin",
    example={"program": "alerts", "file": "replies.toml", "note": "shorter"},
    done="Saved as version {version} of the replies of {program}.",
    problems={409: "Someone else saved them at the same moment."},
)
def save_wording(context: Context, request: NewReplies, editor: WordingEditor) -> SavedReplies:
    """Save the wording of a program's replies from a TOML file.

    It replaces all replies of smsgate.toml, and every process uses it within five seconds. If it
    has a fault, nothing is saved.
    """
    return _save(context, editor, request.program, request.file.text(), request.note)


@operation(
    f"DELETE {_PATH}",
    command="wording revert <program>",
    role="admin",
    example={"program": "alerts"},
    done="Reverted, as version {version} of the replies of {program}.",
)
def revert_wording(context: Context, request: ProgramChoice, editor: WordingEditor) -> SavedReplies:
    """Give the replies of a program back to smsgate.toml."""
    return _save(context, editor, request.program, "", "reverted")


def _save(
    context: Context, editor: WordingEditor, program: str, content: str, note: str
) -> SavedReplies:
    base = editor.find(program).version
    return SavedReplies(editor.save(program, content, base, context.actor(), note).version)


OPERATIONS = (show_wording, save_wording, revert_wording)
