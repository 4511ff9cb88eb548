"""The guide for the team, and its quiz: asked in another order each time, graded on the server."""

from __future__ import annotations

import functools
import random
import re
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib import resources

import msgspec

from smsgate.domain.errors import Unfit
from smsgate.features.training.storage import TrainingRow, TrainingStorage

QUESTION_COUNT = 10
PASS_MARK = 8
"""Right answers that pass the quiz."""
VALID_US = 365 * 86_400_000_000
"""How long a passed quiz counts (47 CFR 64.1200(d): trained staff)."""
_ATTEMPT = re.compile(r"[0-9a-f]{32}")


class GuideSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One part of the guide."""

    id: str
    title: str
    text: tuple[str, ...]
    points: tuple[str, ...]
    rules: tuple[str, ...]
    """Names of the legal rules behind it."""


class GuideDeadline(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long a sender may take in one place."""

    place: str
    within: str
    note: str
    rule: str


class QuizQuestion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One question about a text or a request."""

    id: str
    text: str
    """What a subscriber texted, wrote or said."""
    ask: str
    right: str
    """The right one of the choices."""
    why: str
    rule: str
    choices: dict[str, str]


class _GuideFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    as_of: str
    """The day for which the rules were looked up."""
    rules: dict[str, str]
    sections: tuple[GuideSection, ...]
    deadlines: tuple[GuideDeadline, ...]
    questions: tuple[QuizQuestion, ...]


class Guide(_GuideFile, frozen=True, kw_only=True):
    """The guide and its questions."""

    version: str
    """A hash of the whole file."""


@functools.cache
def shipped_guide() -> Guide:
    """Return the guide of this smsgate."""
    return read_guide(resources.files(__package__).joinpath("guide.toml").read_bytes())


def read_guide(raw: bytes) -> Guide:
    """Return a guide from its TOML file."""
    found = msgspec.toml.decode(raw, type=_GuideFile)
    return Guide(version=sha256(raw).hexdigest()[:8], **msgspec.structs.asdict(found))


@dataclass(frozen=True, slots=True)
class Quiz:
    """The questions in the order of one attempt."""

    attempt: str
    """Comes back with the answers, so that they count once however often they are sent."""
    questions: Sequence[tuple[QuizQuestion, Sequence[tuple[str, str]]]]
    """Each question, and name and words of its choices in a shuffled order."""


@dataclass(frozen=True, slots=True)
class QuizResult:
    """What was answered, and how well."""

    answers: Sequence[tuple[QuizQuestion, str]]
    """Each question, and the choice that was taken; empty where none was."""
    right: int

    @property
    def passed(self) -> bool:
        """Whether enough answers are right."""
        return self.right >= PASS_MARK


class Training:
    """Asks, grades, and records the result. Raises what ``TrainingStorage`` raises."""

    def __init__(self, guide: Guide, storage: TrainingStorage) -> None:
        """``guide`` has the questions."""
        self.guide = guide
        self._storage = storage

    def new_quiz(self) -> Quiz:
        """Return the questions, shuffled."""
        questions = [
            (one, random.sample([*one.choices.items()], len(one.choices)))
            for one in self.guide.questions
        ]
        random.shuffle(questions)  # no secret hangs on it
        return Quiz(secrets.token_hex(16), questions)

    def grade(self, operator: str, attempt: str, given: Mapping[str, str]) -> QuizResult:
        """Grade an attempt and record it, once. ``given``: by question the choice.

        Raises ``Unfit`` where ``attempt`` belongs to no quiz.
        """
        if not _ATTEMPT.fullmatch(attempt):
            raise Unfit("These answers belong to no quiz: start the quiz again.")
        answers = []
        for question in self.guide.questions:
            choice = given.get(question.id, "")
            answers.append((question, choice if choice in question.choices else ""))
        result = QuizResult(answers, sum(taken == one.right for one, taken in answers))
        self._storage.add(
            TrainingRow(
                id=attempt,
                operator=operator,
                version=self.guide.version,
                taken_us=time.time_ns() // 1000,
                right_count=result.right,
                asked_count=len(answers),
                passed=result.passed,
            )
        )
        return result

    def passed_us(self, operators: Sequence[str]) -> dict[str, int]:
        """When each operator last passed this version; 0 where not within the last year."""
        found = self._storage.passed(self.guide.version)
        since_us = time.time_ns() // 1000 - VALID_US
        return {name: found[name] if found.get(name, 0) > since_us else 0 for name in operators}
