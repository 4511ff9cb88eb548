"""The rules: what a text asks for, and in which words we answer. Pure; talks to nobody."""

from __future__ import annotations

from smsgate.classifier.classifier import Classifier
from smsgate.classifier.sets.cache import Classifiers, KeywordSetCache
from smsgate.classifier.sets.keyword_sets import KeywordSets, load_sets
from smsgate.classifier.wording import reply_text

__all__ = ["Classifier", "Classifiers", "KeywordSetCache", "KeywordSets", "load_sets", "reply_text"]
