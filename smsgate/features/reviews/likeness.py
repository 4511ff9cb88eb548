"""How much a text is like an opt-out: the model asked alone, to order what waits."""

from __future__ import annotations

import math

from smsgate.classifier.arbiter import PART
from smsgate.classifier.classifier import Classifier
from smsgate.classifier.model import intent_model
from smsgate.classifier.normalize import clean, folded, tokens


def likeness(classifier: Classifier, text: str) -> float:
    """From 0 (surely none) to 1 (surely an opt-out), by the passage that is most like one."""
    score = max(
        intent_model("opt_out").score(passage) - (PART if at else 0)
        for at, passage in enumerate(classifier.passages_of(text))
    )
    return 1 / (1 + math.exp(-max(-50.0, min(50.0, score))))


def same_words(text: str) -> str:
    """What texts have in common that differ in case, accents and punctuation alone."""
    return " ".join(word for word in folded(tokens(clean(text)[0])) if word not in ".,")
