"""What a text asks for, and by which rule: the first one that knows decides.

``Classifier._by_rules`` has them in their order. The cheap ones come first: a text without any word
that the keyword sets know is passed over after one look at each word.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right

import msgspec

from smsgate.classifier import quoted_text, signature
from smsgate.classifier.arbiter import BY_MODEL, Arbiter
from smsgate.classifier.decision import DecisionFactory
from smsgate.classifier.features import Passage, passage_of
from smsgate.classifier.findings import distinct
from smsgate.classifier.keyword_rules import KeywordRules
from smsgate.classifier.keywords import Keyword
from smsgate.classifier.model import probability
from smsgate.classifier.normalize import clean, letters
from smsgate.classifier.other_channel import without_refused_calls
from smsgate.classifier.quoted_text import Templates
from smsgate.classifier.self_harm import self_harm
from smsgate.classifier.sentence_rules import SentenceRules
from smsgate.classifier.sets.compiled_sets import CompiledSets
from smsgate.classifier.sets.keyword_sets import KeywordSets
from smsgate.classifier.text import InspectedText, tokenize, words_of
from smsgate.domain.messages import Decision, Intent
from smsgate.settings import Program

_PART = re.compile(r"\[part [0-9]{1,3} of [0-9]{1,3}\] ")
"""What providers that hand parts over one by one have before each of them."""
_RARE_SCRIPTS = (
    "\u0530-\u058f",  # Armenian
    "\u0700-\u074f",  # Syriac
    "\u0780-\u07bf",  # Thaana
    "\u0a80-\u0aff",  # Gujarati
    "\u0b00-\u0b7f",  # Odia
    "\u0c80-\u0cff",  # Kannada
    "\u0d00-\u0d7f",  # Malayalam
    "\u0d80-\u0dff",  # Sinhala
    "\u0e80-\u0eff",  # Lao
    "\u0f00-\u0fff",  # Tibetan
    "\u1000-\u109f",  # Burmese
    "\u10a0-\u10ff",  # Georgian
    "\u1200-\u139f",  # Ethiopic
    "\u13a0-\u13ff",  # Cherokee
    "\u1780-\u17ff",  # Khmer
    "\u1800-\u18af",  # Mongolian
)
"""Scripts that the model may know nothing of, where no keyword set of a program is written in them:
the first and the last character of each."""
_SURE = 3.5
"""Log odds (a probability of 97 %) from which the model decides about a keyword with a name."""
_WITHOUT_REQUEST = frozenset({"nothing_known", "second_reader_dismisses"})
"""Rules that say no more than that nothing is asked for."""
_EDGES = " .!\"'\n\r\t“”"
"""What may stand around a keyword without any further look at the text."""


class Classifier:
    """Decides for one program. Pure: the same text always gets the same decision."""

    def __init__(self, program: Program, sets: KeywordSets | CompiledSets) -> None:
        """Take the program's keyword sets; sets that are not compiled yet are compiled.

        Raises ``ConfigurationError`` where they contradict each other or miss required words.
        """
        known = sets if isinstance(sets, CompiledSets) else CompiledSets.of(program, sets)
        self.version = known.version
        self.program = program
        self.keywords = known.keywords
        self.phrases = known.phrases
        self._segmenter = known.segmenter
        self._reactions = known.reactions
        self._prefilter = known.prefilter
        self._models = known.models
        self._decisions = DecisionFactory(program, known)
        self._templates = Templates(program.templates)
        self._keyword_rules = KeywordRules(program, known, self._decisions)
        arbiter = Arbiter(known.models, known.phrases, program.kind, as_shipped=known.as_shipped)
        self._sentence_rules = SentenceRules(known, self._decisions, arbiter)
        self._unread_scripts = _unread_scripts(known.keywords.characters())
        self._ready: dict[str, Decision | None] = {}

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
        if part is None:
            return self._whole(text, number)
        decision = self._whole(text[part.end() :], number)
        if decision.intent is not Intent.OPT_IN:
            return decision
        # YES and its kin answer a question of ours; in a part they are words like any other.
        return Decision(
            Intent.NONE if decision.condition else Intent.REVIEW,
            rule="doubtful",
            language=decision.language,
            version=self.version,
            note="it is a part of a long text, and the other parts are not known",
        )

    def _whole(self, text: str, number: str) -> Decision:
        bare = text.strip(_EDGES)
        typed = bare.casefold()
        ready = self._prepared(typed)
        if ready is not None:
            edges = ("edge punctuation",) if len(bare) < len(text) else ()
            steps = (*edges, "case") if typed != bare else edges
            return msgspec.structs.replace(ready, steps=steps) if steps else ready
        subject = self._subject(text, number)
        decision = self._by_rules(subject)
        if subject.fallback and (
            decision is None
            or decision.intent is Intent.NONE
            or (decision.rule == BY_MODEL and (decision.score or 0) < _SURE)
        ):
            return subject.fallback
        if decision is None or decision.rule in _WITHOUT_REQUEST:
            decision = self._keyword_rules.match_capitals(subject) or decision
        if decision is None and self._unread_scripts and self._unread_scripts.search(text):
            note = "no keyword set of the program is in this script"
            return self._decisions.decided(subject, Intent.REVIEW, "unread_script", note=note)
        return decision or self._decisions.decided(subject, Intent.NONE, "nothing_known")

    def _subject(self, text: str, number: str) -> InspectedText:
        """A text as it is looked at: cleaned, and without what a device wrote below it."""
        cleaned, steps = clean(text)
        own = signature.without_suffix(cleaned)
        if own is not cleaned:
            steps = (*steps, "signature")
        return InspectedText(own, tokenize(own, self._segmenter), steps, number)

    def passage_of(self, text: str) -> Passage:
        """What the model is shown of a text."""
        subject = self._subject(text, "")
        self._drop_quotations(subject)
        return passage_of(list(distinct(subject.sentences())), self._models.concepts)

    def opt_out_probability(self, text: str) -> float:
        """How likely the model takes a text for an opt-out, whatever its wordings say."""
        return probability(self._models.opt_out.score(self.passage_of(text)))

    def _by_rules(self, text: InspectedText) -> Decision | None:
        """The decision of the first rule that knows, step by step."""
        self._drop_signed_name(text)
        return (
            # keywords
            self._keyword_rules.match_leet(text)
            or self._keyword_rules.match_exact(text)
            or self._keyword_rules.match_signed(text)
            # quoted text
            or self._reaction(text)
            or self._no_words(text)
            or self._self_harm(text)
            or self._other_channel(text)
            # keywords with something around them
            or self._keyword_rules.match_short(text)
            # most texts end here
            or self._ordinary(text)
            # phrases, and texts of machines
            or self._sentence_rules.match_wordings(text)
            or self._sentence_rules.match_corrected(text)
            # the model
            or self._sentence_rules.match_by_model(text)
        )

    def _drop_signed_name(self, text: InspectedText) -> None:
        """Go on without a name that stands below, behind a dash."""
        own = signature.without_signed_name(text.cleaned)
        if own is not text.cleaned:
            text.cleaned = own
            text.read_as(tokenize(own, self._segmenter), "signature")

    def _reaction(self, text: InspectedText) -> Decision | None:
        quoted = self._reactions.quoted(text.cleaned)
        if quoted is None:
            self._drop_quotations(text)
            return None
        keyword = self.keywords.find(words_of(tokenize(quoted, self._segmenter)))
        # instructions as we print them are whole texts only, and nobody types them
        if keyword and keyword.entry.opts_out and keyword.entry.match != "whole":
            note = "a reaction to the subscriber's own keyword"
            return self._decisions.decided(
                text, Intent.REVIEW, "reaction_to_keyword", keyword.word, note=note
            )
        return self._decisions.decided(text, Intent.NONE, "reaction")

    def _drop_quotations(self, text: InspectedText) -> None:
        """Go on with the subscriber's own words: without quotations, and without our texts."""
        cleaned, quoted = quoted_text.strip_quotations(text.cleaned)
        found = tokenize(cleaned, self._segmenter) if quoted else text.tokens
        own = self._templates.without(found)
        if quoted or own is not found:
            text.quoted = True
            text.read_as(own, "quotation")

    def _no_words(self, text: InspectedText) -> Decision | None:
        if text.words:
            return None
        return self._decisions.decided(
            text, Intent.NONE, "quotation" if text.quoted else "no_words"
        )

    def _self_harm(self, text: InspectedText) -> Decision | None:
        found = self_harm(text.words)
        if found is None:
            return None
        bare = self.keywords.strip_politeness(text.words) if found.order else ()
        if found.order and len(bare) <= len(found.written.split()):
            return None
        note = "somebody may be speaking of ending their life"
        return self._decisions.decided(
            text, Intent.REVIEW, "self_harm", found.written, found.language, note=note
        )

    def _other_channel(self, text: InspectedText) -> Decision | None:
        """Go on without ``don't call, text me``."""
        own = without_refused_calls(letters(text.tokens))
        if own is None:
            return None
        text.read_as(own, "other channel")
        if text.words and not self.keywords.polite(text.words):
            return None
        return self._decisions.decided(text, Intent.NONE, "other_channel")

    def _ordinary(self, text: InspectedText) -> Decision | None:
        if text.cleaned.isascii() and self._prefilter.is_ordinary(text.words):
            return self._decisions.decided(text, Intent.NONE, "nothing_known")
        text.active_languages = self.phrases.active_languages(letters(text.tokens))
        return None

    def _prepared(self, typed: str) -> Decision | None:
        """The decision for a keyword as it stands, where nothing but the word counts."""
        keyword = self.keywords.typed(typed)
        if keyword is None:
            return None
        if typed not in self._ready:
            self._ready[typed] = self._plain(typed, keyword)
        return self._ready[typed]

    def _plain(self, typed: str, keyword: Keyword) -> Decision | None:
        by_number = keyword.entry.countries or keyword.shared
        if typed in self._keyword_rules.opt_out_words or by_number:
            return None
        text = InspectedText(typed, typed.split())
        return self._decisions.by_keyword(text, keyword, "keyword")


def _unread_scripts(used: set[str]) -> re.Pattern[str] | None:
    """What finds scripts that none of the used characters is of.

    Three characters in a row, for single letters of rare scripts are drawn into faces.
    """
    chars = sorted(used)
    unread = [
        script
        for script in _RARE_SCRIPTS
        if bisect_left(chars, script[0]) == bisect_right(chars, script[-1])
    ]
    return re.compile(f"[{''.join(unread)}]{{3}}") if unread else None
