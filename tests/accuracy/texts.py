"""The labelled texts, and the classifier that they are tried on."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

from smsgate.classifier import Classifier, make_classifiers
from smsgate.settings import Program

HERE = Path(__file__).parent
OUT = ("opt_out", "opt_out_all")
HOW = "how_to_leave"
"""The label of questions how to leave: a person decides, and HELP is answered."""
EXAMS = (
    "second_exam", "third_exam", "fourth_exam", "fifth_exam", "sixth_exam_others", "sixth_exam",
    "seventh_exam", "eighth_exam",
)  # fmt: skip
"""Texts of writers who saw neither code nor results; no model is trained on them."""
FRESH = EXAMS[-2:]
"""The newest of them: nobody had read them when they were scored."""


class Labelled(NamedTuple):
    """One line of a file."""

    label: str
    language: str
    text: str
    phenomenon: str = ""


def named() -> list[str]:
    """The files with labelled texts, without their endings."""
    return sorted(str(path.relative_to(HERE))[:-4] for path in HERE.rglob("*.tsv"))


def labelled(name: str) -> list[Labelled]:
    """The lines of a file: label, language, text, and a phenomenon where there is one."""
    lines = (HERE / f"{name}.tsv").read_text("utf-8").splitlines()[1:]
    return [
        Labelled(label, language, text.replace("\\n", "\n"), "".join(more[:1]))
        for label, language, text, *more in (line.split("\t") for line in lines)
    ]


PROGRAM = Program(name="p", title="Acme", account="a", senders=("*",), keywords=("*",), region="US")
"""Every shipped language, region US."""


@cache
def classifier() -> Classifier:
    """The classifier of that program."""
    return make_classifiers(None, (PROGRAM,))[0][PROGRAM.name]
