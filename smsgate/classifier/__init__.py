"""What a text asks for, and in which words we answer. Pure; talks to nobody.

A text goes through four steps until one of them decides (``classifier.py``):

1. It is repaired (``normalize.py``), and what is not the subscriber's own words is cut away: the
   mark of a device, a name, quotations, our texts (``own_words.py``).
2. It is a keyword (``keywords.py``), as it stands or nearly (``keyword_rules.py``, ``near.py``).
3. Crisis texts wait for a person, and "don't call, text me" is no opt-out (``safeguards.py``).
4. The model (``model.py``) says how likely it is an opt-out, an opt-in, a question or nothing.

``sets.py`` reads keyword sets, ``checks.py`` looks for faults in them, ``wording.py`` has the
replies.
"""

from __future__ import annotations

from functools import cache

from smsgate.classifier.classifier import Classifier, make_classifiers
from smsgate.classifier.sets import KeywordSets, OperatorSets, load_sets
from smsgate.classifier.wording import reply_text
from smsgate.domain.messages import Decision
from smsgate.domain.program import ProgramProfile

__all__ = [
    "Classifier",
    "KeywordSets",
    "OperatorSets",
    "classify",
    "load_sets",
    "make_classifiers",
    "reply_text",
]


def classify(text: str, number: str = "") -> Decision:
    """What a text asks for, in any language; ``number`` is who sent it (E.164), where known."""
    return _classifier().classify(text, number)


@cache
def _classifier() -> Classifier:
    everybodys = ProgramProfile(name="program", title="", keywords=("*",))
    return make_classifiers(None, (everybodys,))[0][everybodys.name]
