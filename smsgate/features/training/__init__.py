"""The guide for the team, the questions about it, and who passed which version of it when."""

from __future__ import annotations

from smsgate.features.training.guide import Guide, Question, Section, the_guide
from smsgate.features.training.quiz import ASKED, PASS_MARK, Graded, Quiz, Training

__all__ = [
    "ASKED",
    "PASS_MARK",
    "Graded",
    "Guide",
    "Question",
    "Quiz",
    "Section",
    "Training",
    "the_guide",
]
