"""What a text asks for, and in which words we answer. Pure; talks to nobody.

A text goes through five steps until one of them decides (``classifier.py``):

1. ``normalize.py`` repairs and folds it; ``text.py`` holds its words and sentences.
2. ``keywords.py`` knows keywords, and ``keyword_rules.py`` and ``keyword_variants.py`` what may be
   around one: politeness, a name (``signature.py``), a typo (``typos.py``).
3. ``quoted_text.py`` takes away what is not the subscriber's own: reactions, quotations, our texts,
   adverts. ``self_harm.py`` asks for a person, and ``other_channel.py`` takes "don't call" away.
4. ``phrases.py`` finds wordings inside sentences by the symbols of their words (``lexicon.py``),
   and ``findings.py`` says what they come to.
5. ``model.py`` scores the text by its ``features.py`` and ``concepts.py``, with the weights of
   ``weights.py``.

``arbiter.py`` weighs phrases and model against each other, and ``decision.py`` writes the decision
down. ``sets/`` reads keyword sets (``keywords/*.toml``) and compiles them; ``wording.py`` has the
replies.
"""

from __future__ import annotations

from smsgate.classifier.classifier import Classifier
from smsgate.classifier.sets.cache import Classifiers, KeywordSetCache
from smsgate.classifier.sets.keyword_sets import KeywordSets, load_sets
from smsgate.classifier.wording import Wordings, reply_text

__all__ = [
    "Classifier",
    "Classifiers",
    "KeywordSetCache",
    "KeywordSets",
    "Wordings",
    "load_sets",
    "reply_text",
]
