"""The questions, asked in another order each time, and graded here; and what is on record of it."""

from __future__ import annotations

import random
import re
import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from smsgate.errors import Unfit
from smsgate.features.training.guide import Guide, Question
from smsgate.features.training.storage import TrainingRow, Trainings

ASKED = 10
PASS_MARK = 8
"""So many of the questions have to be right."""
YEAR_US = 365 * 86_400_000_000
"""After that it is due again (47 CFR 64.1200(d): trained staff)."""
T = TypeVar("T")
_ATTEMPT = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Asked:
    """One question as it is asked."""

    question: Question
    choices: Sequence[tuple[str, str]]
    """Name and words of each, in an order of its own."""


@dataclass(frozen=True, slots=True)
class Quiz:
    """All questions as they are asked this time."""

    attempt: str
    """Comes back with the answers, so that they count once however often they are sent."""
    asked: Sequence[Asked]


@dataclass(frozen=True, slots=True)
class Graded:
    """What was answered, and how well."""

    answers: Sequence[tuple[Question, str]]
    """Each question, and the choice that was taken; empty where none was."""
    right: int

    @property
    def passed(self) -> bool:
        """Whether that is enough."""
        return self.right >= PASS_MARK


class Training:
    """Asks, grades, and keeps what came of it."""

    def __init__(self, guide: Guide, trainings: Trainings) -> None:
        """Ask about this guide."""
        self.guide = guide
        self._trainings = trainings

    def quiz(self) -> Quiz:
        """The questions, shuffled."""
        asked = [Asked(one, _shuffled(one.choices.items())) for one in self.guide.questions]
        return Quiz(secrets.token_hex(16), _shuffled(asked))

    def grade(self, operator: str, attempt: str, given: Mapping[str, str]) -> Graded:
        """Grade an attempt and put it on record, once. ``given``: by question the choice.

        Raises ``Unfit``, ``RecordsUnavailable``, ``RecordsNotReady``.
        """
        if not _ATTEMPT.fullmatch(attempt):
            raise Unfit("These answers belong to no quiz: begin it anew.")
        answers = [(one, _choice(one, given.get(one.id, ""))) for one in self.guide.questions]
        graded = Graded(answers, sum(taken == one.right for one, taken in answers))
        self._trainings.add(
            TrainingRow(
                id=attempt,
                operator=operator,
                version=self.guide.version,
                taken_us=time.time_ns() // 1000,
                right_count=graded.right,
                asked_count=len(answers),
                passed=graded.passed,
            )
        )
        return graded

    def passed_us(self, operator: str) -> int:
        """When the operator last passed this version, within the last year; 0 where they did not.

        Raises as ``grade``.
        """
        found = self._trainings.passed(self.guide.version).get(operator, 0)
        return found if found > time.time_ns() // 1000 - YEAR_US else 0

    def everybody(self, operators: Sequence[str]) -> list[tuple[str, int]]:
        """Each of the operators, and what ``passed_us`` says of them. Raises as ``grade``."""
        found = self._trainings.passed(self.guide.version)
        since_us = time.time_ns() // 1000 - YEAR_US
        return [(name, found[name] if found.get(name, 0) > since_us else 0) for name in operators]


def _shuffled(some: Iterable[T]) -> list[T]:
    found = [*some]
    random.shuffle(found)  # no secret hangs on it
    return found


def _choice(question: Question, taken: str) -> str:
    return taken if taken in question.choices else ""
