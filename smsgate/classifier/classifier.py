"""What a text asks for, and by which rule: the first one that knows decides."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter

from msgspec.structs import replace

from smsgate.classifier.checks import faults_of
from smsgate.classifier.decisions import Decisions, Text, spelt, tokenize
from smsgate.classifier.features import Passage
from smsgate.classifier.keyword_rules import KeywordRules
from smsgate.classifier.model import Model, Scores, probability, shipped_model
from smsgate.classifier.near import near_keywords
from smsgate.classifier.normalize import ASK, PUNCTUATION, clean, folded
from smsgate.classifier.other_lists import owners
from smsgate.classifier.own_words import Templates, strip_quotations, without_device
from smsgate.classifier.safeguards import find_crisis, without_refused_calls
from smsgate.classifier.sets import ANY_LANGUAGE, KeywordSets, OperatorSets, load_sets
from smsgate.domain.errors import ConfigurationError, Fault
from smsgate.domain.messages import HOW_TO_LEAVE, Decision, Intent
from smsgate.domain.program import ProgramProfile

BY_MODEL = "model"
"""The rule in events and exports for what the model decided."""
_PART = re.compile(r"\[part [0-9]{1,3} of [0-9]{1,3}\] ")
"""What providers that hand parts over one by one have before each of them."""
_EDGES = " .!\"'\n\r\t“”"
"""Characters around a keyword that need no further look at the text."""
_LIMITS = {"marketing": (2.6, 0.8), "service": (3.6, 1.8)}
"""By kind of program: log odds from which an opt-out is applied, and from which it is held."""
_CHATTED = frozenset({"bn", "en", "fil", "hi", "id", "ms", "ta", "te", "ur"})
"""English and the languages mixed with it in private chat, which often looks like an opt-out."""
_CHAT = 0.4
"""Added to the first limit in these languages."""
_SURE = 4.0
"""Log odds that count as certain."""
_ORDINARY = 0.5
"""Weight of the score of ordinary texts, which is taken off that of an opt-out."""
_DOUBT, _UNDOUBTED = 0.5, -4.0
"""Weight of the score of texts for review, which is taken off before an opt-out is applied (not
before it is held), and the log odds below which that score is ignored."""
_FIRST, _LAST = "^opt_out!!", "$opt_out!!"
"""Features: STOP or a word like it, set off by punctuation at the start or the end of a text."""
_STARTS = frozenset({_FIRST, "^opt_out!"})
"""The first of them, and the same with opt-out words of a single language."""
_ALONE = _STARTS | {"$opt_out!"}
_LEAST_STANDING = -3.0
"""Log odds of an opt-out from which such a text is held for review."""
_BEGINS = frozenset({"|opt_out!", "|opt_out!!"})
"""Features: a text begins with an opt-out keyword, and goes on without a pause."""
_LEAST_SHOUTED = -4.1
"""Log odds from which it is held if the keyword is in capitals, and not the whole text."""
_REST = 3
"""Words up to which the rest of a text that refused calls is ignored."""
_WORDS = 240
"""Words of a text that the model is shown, of the beginning and of the end together."""
_CAPITALS = re.compile(r"(?<![\w-])STOP(?![\w-])")
_LEAST = 2
"""Words, or letters of scripts without blanks, of the shortest text that the model decides on."""
_BRIEF, _BRIEF_CHAT = (3, _SURE), (5, _SURE + 1)
"""Words of a short text at most, and the log odds it needs; the same for languages of chat."""
_TELLING = 0.4
"""Words with this share of the highest weight are shown as the reason, too."""


class Classifier:
    """Decides for one program. Pure: the same text always gets the same decision."""

    def __init__(
        self, program: ProgramProfile, sets: KeywordSets, model: Model | None = None
    ) -> None:
        """Raise ``ConfigurationError`` where the sets have faults. The model is the shipped one."""
        near = near_keywords(sets)
        if faults := faults_of(program, near.keywords):
            raise ConfigurationError(faults)
        self.program = program
        self.version = sets.version
        self.keywords = near.keywords
        self._model = model or shipped_model()
        self._templates = Templates(program.templates)
        self._suppress, self._hold = _LIMITS[program.kind]
        self._ready: dict[str, Decision | None] = {}
        self._decisions = Decisions(program, near.keywords)
        self._rules = KeywordRules(program, near, self._model.concepts, self._decisions)

    def classify(self, text: str, number: str = "") -> Decision:
        """What the text asks for.

        Args:
            text: the body as it was received, of any length. Where it is a part of a long text
                whose others are not known (``[part 2 of 3] …``), it is an opt-out as it would be
                by itself, but never an opt-in.
            number: who sent it (E.164), where known: some words mean something only in some
                countries.
        """
        part = _PART.match(text)
        decision = self._whole(text[part.end() :] if part else text, number)
        if part is None or decision.intent is not Intent.OPT_IN:
            return decision
        # YES and its kin answer a question of ours; in a part they are words like any other.
        return Decision(
            Intent.NONE if decision.condition else Intent.REVIEW,
            rule="doubtful",
            language=decision.language,
            version=self.version,
            note="it is a part of a long text, and the other parts are not known",
        )

    def passage_of(self, text: str) -> Passage:
        """What the model is shown of a text."""
        found = self._subject(text, "")
        self._drop_quotations(found)
        return self._passage(found)

    def _whole(self, text: str, number: str) -> Decision:
        bare = text.strip(_EDGES)
        typed = bare.casefold()
        ready = self._prepared(typed)
        if ready is not None:
            edges = ("edge punctuation",) if len(bare) < len(text) else ()
            steps = (*edges, "case") if typed != bare else edges
            return replace(ready, steps=steps) if steps else ready
        subject = self._subject(text, number)
        decision = self._by_rules(subject)
        if subject.fallback and (
            decision is None or decision.intent is Intent.NONE or decision.rule == BY_MODEL
        ):
            return subject.fallback
        uncertain = decision is None or decision.rule == BY_MODEL
        unread = self.keywords.unread if uncertain and not text.isascii() else None
        if unread and unread.search(text):
            note = "no keyword set of the program is in this script"
            return self._decisions.decided(subject, Intent.REVIEW, "unread_script", note=note)
        return decision or self._decisions.decided(subject, Intent.NONE, "nothing_known")

    def _prepared(self, typed: str) -> Decision | None:
        """The decision for a keyword as it stands, where nothing but the word counts."""
        found = self._ready.get(typed)
        if found is None and (keyword := self.keywords.typed.get(typed)):
            depends = keyword.entry.countries or keyword.shared or typed in self._rules.own_words
            if not depends:
                found = self._decisions.by_keyword(Text(typed), keyword, "keyword")
                self._ready[typed] = found
        return found

    def _subject(self, text: str, number: str) -> Text:
        """A text as it is looked at: cleaned, and without what a device wrote below it."""
        cleaned, steps = clean(text)
        own = without_device(cleaned)
        return Text(own, (*steps, "signature") if own is not cleaned else steps, number)

    def _by_rules(self, text: Text) -> Decision | None:
        """The decision of the first rule that knows."""
        return (
            self._rules.exact(text)
            or self._rules.signed(text)
            or self._not_own_words(text)
            or self._self_harm(text)
            or self._other_channel(text)
            or self._rules.anywhere(text)
            or self._rules.short(text)
            or self._by_model(text)
        )

    # what is not the subscriber's own, and what must never be misread

    def _not_own_words(self, text: Text) -> Decision | None:
        """A text that is nothing without what it quotes, such as a reaction."""
        self._drop_quotations(text)
        if text.words:
            return self._rules.exact(text) if text.quoted else None
        return self._decisions.decided(
            text, Intent.NONE, "quotation" if text.quoted else "no_words"
        )

    def _drop_quotations(self, text: Text) -> None:
        """Go on with the subscriber's own words: without quotations, and without our texts."""
        cleaned = strip_quotations(text.cleaned)
        quoted = cleaned is not text.cleaned
        found = tokenize(cleaned) if quoted else text.tokens
        own = self._templates.without(found)
        if quoted or own is not found:
            text.quoted = True
            text.read_as(own, "quotation")

    def _self_harm(self, text: Text) -> Decision | None:
        found = find_crisis(text.words)
        if found is None:
            return None
        phrase, words = found
        if phrase.kind == "orders" and len(self.keywords.bare(text.words)) <= len(words):
            return None
        note = "somebody may be in danger, or speaking of ending their life"
        return self._decisions.decided(
            text, Intent.REVIEW, "self_harm", spelt(words), phrase.language, note=note
        )

    def _other_channel(self, text: Text) -> Decision | None:
        """Go on without ``don't call, text me``."""
        own = without_refused_calls(text.tokens)
        if own is None:
            return None
        if own is text.tokens:
            return self._decisions.decided(text, Intent.OPT_OUT, "no_channel")
        text.read_as(own, "other channel")
        if len(text.words) > _REST or any(self.keywords.stop([word]) for word in text.words):
            return None
        return self._decisions.decided(text, Intent.NONE, "other_channel")

    def _passage(self, text: Text) -> Passage:
        half, exact = _WORDS // 2, text.tokens
        if len(exact) > _WORDS:
            exact = [*exact[:half], *exact[-half:]]
        words = folded(exact)
        language, places = self._model.concepts.found(words, exact)
        alone = [*self.keywords.alone(exact)]
        if "STOP" in text.cleaned and not text.cleaned.isupper() and _CAPITALS.search(text.cleaned):
            alone.append("STOP")
        return Passage(words, places, alone, language)

    def _by_model(self, text: Text) -> Decision | None:
        if len(text.words) < _LEAST or self._model.ordinary(folded(text.words)):
            return None
        passage = self._passage(text)
        strangers = owners(text.cleaned, passage, self._model.concepts)
        if any(map(self._decisions.names_program, strangers)):
            strangers = set()
            text.tokens = self._decisions.nameless(text.tokens)
            passage = self._passage(text)
        scores = self._model.scores(passage)
        intent, rule = self._meant(scores, len(text.words), passage)
        if intent is Intent.NONE and self._stands(text, scores, passage):
            intent, rule = Intent.REVIEW, BY_MODEL
        about = {name for _, names in passage.concepts for name in names}
        if intent is Intent.OPT_IN and scores.opt_in < _SURE and "question" in about:
            intent = Intent.REVIEW
        if strangers and intent.stops:
            intent, rule = Intent.REVIEW, "list_of_others"
        if intent is Intent.HELP and text.quoted:
            return None
        asks = intent in (Intent.HELP, Intent.REVIEW) and ASK in text.tokens
        if (asks or intent is Intent.HELP) and not _STARTS.isdisjoint(passage.keywords):
            intent, rule = Intent.OPT_OUT, BY_MODEL  # Cancel. Who is this?
        if intent is Intent.NONE:
            return None
        score = {Intent.HELP: scores.help, Intent.OPT_IN: scores.opt_in}.get(intent, scores.opt_out)
        telling = self._model.telling(passage.words, scores.index(score))
        words = ", ".join(_spans(text.tokens, telling))
        language = passage.language or ANY_LANGUAGE
        decision = self._decisions.decided(text, intent, rule, words, language)
        note = f"names a list of others: {' '.join(sorted(strangers))}" if strangers else ""
        sure = round(probability(score), 3)
        return replace(decision, score=round(score, 3), confidence=sure, note=note)

    def _stands(self, text: Text, scores: Scores, passage: Passage) -> bool:
        """Whether STOP stands out in a text that may be no opt-out.

        ``Stop, I'm blushing!``, or in capitals: ``BAJA porque recibo muchos``.
        """
        stop = scores.opt_out - _ORDINARY * scores.none
        first = text.cleaned.split()[0]
        shouted = first.isupper() and first.isalpha() and len(first) > 1
        if shouted and not text.cleaned.isupper() and not _BEGINS.isdisjoint(passage.keywords):
            return stop >= _LEAST_SHOUTED
        return stop >= _LEAST_STANDING and not {_FIRST, _LAST}.isdisjoint(passage.keywords)

    def _meant(self, scores: Scores, words: int, passage: Passage) -> tuple[Intent, str]:
        """What the model says by its thresholds."""
        stop = scores.opt_out - _ORDINARY * scores.none
        doubt = _DOUBT * max(0.0, scores.review - _UNDOUBTED)
        chatted = passage.language in _CHATTED
        limit = self._hold if _FIRST in passage.keywords else self._suppress + _CHAT * chatted
        brief, sure = _BRIEF_CHAT if chatted else _BRIEF
        if stop - doubt >= limit:
            if scores.review >= 0 and scores.help >= 0:
                return Intent.REVIEW, HOW_TO_LEAVE
            alone = not _ALONE.isdisjoint(passage.keywords)
            if scores.review >= 0 or (words <= brief and stop < sure and not alone):
                return Intent.REVIEW, BY_MODEL
            all_ = scores.opt_out_all >= 0
            return (Intent.OPT_OUT_ALL if all_ else Intent.OPT_OUT), BY_MODEL
        if scores.opt_in >= 0.5 and scores.opt_in > stop:
            return Intent.OPT_IN, BY_MODEL
        if scores.help >= 0 and scores.review >= 0:
            return Intent.REVIEW, HOW_TO_LEAVE
        if scores.help >= 0.5 and scores.help > stop:
            return Intent.HELP, BY_MODEL
        if stop >= self._hold or scores.review >= 0.5:
            return Intent.REVIEW, BY_MODEL
        return Intent.NONE, ""


def make_classifiers(
    own: OperatorSets | None, programs: Iterable[ProgramProfile]
) -> tuple[dict[str, Classifier], list[Fault]]:
    """The classifiers by program, and all that is wrong with the sets, each fault once.

    Programs with the same sets share what these know; one whose sets have faults has no classifier.
    """
    programs = [*programs]
    sets, faults = load_sets(own, dict.fromkeys(name for one in programs for name in one.keywords))
    made: dict[str, Classifier] = {}
    for program in programs if not faults else ():
        try:
            made[program.name] = Classifier(program, sets.only(program.keywords))
        except ConfigurationError as error:
            faults += error.faults
    return made, [*dict.fromkeys(faults)]


def _spans(tokens: Sequence[str], telling: Sequence[float]) -> Iterator[str]:
    """The words of a text that weighed most, those beside each other together."""
    least = max(0.01, _TELLING * max(telling, default=0.0))
    told = [weight >= least for weight in telling]
    for chosen, run in groupby(zip(told, tokens, strict=False), itemgetter(0)):
        words = [word for _, word in run if word not in PUNCTUATION]
        if chosen and words:
            yield spelt(words)
