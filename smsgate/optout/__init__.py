"""The rules: what a text asks for, and in which words we answer. Pure; talks to nobody."""

from __future__ import annotations

from smsgate.optout.classifier import Classifier
from smsgate.optout.keywords import KeywordSets, load_sets
from smsgate.optout.shelf import Classifiers, Shelf
from smsgate.optout.wording import reply_text

__all__ = ["Classifier", "Classifiers", "KeywordSets", "Shelf", "load_sets", "reply_text"]
