"""What the model may do, and what it may not."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
from msgspec import structs, to_builtins

from smsgate.classifier import Classifier, load_sets
from smsgate.classifier.arbiter import DENIES, PRIVATE, REFUTES, SETTLES, ModelScores, weighed
from smsgate.classifier.features import Passage, consonant_skeleton
from smsgate.classifier.findings import collect_findings
from smsgate.classifier.model import IntentModel, intent_model
from smsgate.classifier.patterns import CONCEPT, ONE_CLASS, ROW
from smsgate.classifier.sentence_rules import FEW
from smsgate.classifier.sets.compiled_sets import CompiledSets
from smsgate.classifier.sets.keyword_sets import read_set
from smsgate.classifier.weights import Model, table_of
from smsgate.domain.errors import Fault
from smsgate.domain.messages import Decision, Intent
from tests.accuracy.texts import labelled
from tests.classifier.program import classifier, program

SURE = ModelScores(stop=50.0, asks=-50.0, holds=50.0)
ORDINARY = ModelScores(stop=-50.0, asks=-50.0)


def test_however_sure_it_never_suppresses_what_no_rule_supports():
    assert weighed(Intent.NONE, "nothing_known", SURE, 0)[0] is Intent.REVIEW
    assert weighed(Intent.REVIEW, "phrase", SURE, 0)[0] is Intent.REVIEW


@pytest.mark.parametrize("support", range(ONE_CLASS, ROW + 1))
def test_it_suppresses_where_a_weak_wording_supports_it(support):
    assert weighed(Intent.NONE, "nothing_known", SURE, support)[0] is Intent.OPT_OUT
    assert weighed(Intent.NONE, "nothing_known", ORDINARY, support)[0] is Intent.NONE


def test_one_concept_never_suppresses_and_may_ask_for_a_person():
    assert weighed(Intent.NONE, "nothing_known", SURE, CONCEPT)[0] is Intent.REVIEW
    assert weighed(Intent.NONE, "nothing_known", ORDINARY, CONCEPT)[0] is Intent.NONE


def test_a_mere_hint_wants_it_to_be_surer_than_a_row_of_words():
    rather = ModelScores(stop=2.2, asks=-9.0, holds=2.2)
    assert weighed(Intent.NONE, "nothing_known", rather, ROW)[0] is Intent.OPT_OUT
    assert weighed(Intent.NONE, "nothing_known", rather, ONE_CLASS)[0] is Intent.REVIEW


def test_without_any_support_it_asks_for_a_person_only_where_it_is_very_sure():
    rather = ModelScores(stop=2.2, asks=-9.0, holds=2.2)
    assert weighed(Intent.NONE, "nothing_known", rather, 0)[0] is Intent.NONE
    assert weighed(Intent.NONE, "nothing_known", rather, 1)[0] is Intent.REVIEW


def test_a_weak_wording_counts_only_at_its_place_in_the_sentence():
    own = 'language = "en"\nextends = true\n[[phrases]]\nmeans = "weak"\nany = "^ zog"\n'
    faults: list[Fault] = []
    read = read_set(own, "own", faults)
    assert read is not None
    assert not faults
    sets, _ = load_sets(None, ("en",))
    language = structs.replace(
        sets.languages["en"], phrases=(*sets.languages["en"].phrases, *read.phrases)
    )
    known = CompiledSets.of(program(), replace(sets, languages={**sets.languages, "en": language}))

    def rows(text: str) -> list[str]:
        sentences = Classifier(program(), known).tokenize(text).sentences()
        what = collect_findings(sentences, known.phrases, known.keywords, frozenset({"en", "und"}))
        return [match.pattern.written for _, match in what.weak]

    assert "^ zog" in rows("zog the harbour lights")
    assert "^ zog" not in rows("the harbour lights zog")


def test_a_negation_behind_if_does_not_take_a_request_out_of_play():
    assert classifier().classify("don't stop texting me").intent == "none"
    assert classifier().classify("if you don't stop texting me i will sue").intent.stops
    assert classifier().classify("if the rain does not stop we cancel").intent == "none"


def test_an_ordinary_text_is_skipped_but_not_an_operators_own_words(tmp_path):
    text = (
        "got it, we bring the cake and the drinks on saturday and maria has candles, "
        "should we come around four or is that too early for the little ones, zog me off"
    )
    assert classifier().classify(text).intent == "none"
    own = 'language = "en"\nextends = true\n[[phrases]]\nmeans = "opt_out"\nany = "zog me off"\n'
    (tmp_path / "en.toml").write_text(own, "utf-8")
    sets, faults = load_sets(tmp_path, ("en",))
    assert faults == []
    assert Classifier(program(keywords=("en",)), sets).classify(text).intent != "none"


def read_by(bias=0, unknown=0, **weights):
    named = {name.replace("_", " "): weight for name, weight in weights.items()}
    return IntentModel(Model(bias=bias, unknown=unknown, weights=table_of(named)))


def passage(*words, concepts=()):
    return Passage(list(words), [list(names) for names in concepts])


def test_words_that_no_text_held_speak_for_an_ordinary_text():
    reads = read_by(unknown=-600, stop=3000)
    assert reads.score(passage("stop", "zog")) == pytest.approx(2.4)
    assert reads.word_score(["stop", "zog", "zog"]) == pytest.approx(2.4)
    assert reads.reasons(passage("stop", "zog")) == "stop +3.0, #? -0.6"


def test_a_wording_that_it_takes_for_something_else_waits_for_a_person():
    doubtful = ModelScores(stop=REFUTES + 0.1, asks=-50.0)
    assert weighed(Intent.OPT_OUT, "phrase", doubtful, ROW) == (
        Intent.REVIEW, "second_reader_doubts",
    )  # fmt: skip
    assert weighed(Intent.OPT_OUT, "phrase", SURE, ROW) == (Intent.OPT_OUT, "phrase")


def test_a_condition_waits_for_a_person_whatever_it_thinks():
    decision = classifier().classify("stop texting me at night")
    assert (decision.intent, decision.rule) == ("review", "doubt")


def test_what_seems_a_condition_is_none_where_it_is_very_sure():
    seems = Intent.REVIEW, "doubt"
    assert weighed(*seems, SURE, 0) == (Intent.OPT_OUT, "second_reader")
    assert weighed(*seems, ModelScores(stop=SETTLES - 0.1, asks=-9.0), ROW) == seems
    text = "these nags give me anxiety, i call when i am ready, please don't text me again"
    assert classifier().classify(text).intent.stops


@pytest.mark.parametrize(
    "text", ["STOP. he proposed??? show me the ring", "Stop, left here, then the second right"]
)
def test_a_keyword_in_a_sentence_that_is_meant_otherwise_waits_for_a_person(text):
    assert classifier().classify(text).intent == "review"


def test_what_is_worded_like_a_question_may_be_a_request():
    asks = Intent.HELP, "phrase"
    assert weighed(*asks, SURE, ROW) == (Intent.OPT_OUT, "second_reader")
    assert weighed(*asks, SURE, 0) == asks
    assert weighed(*asks, ModelScores(stop=5.0, asks=6.0), ROW) == asks
    assert weighed(*asks, ORDINARY, ROW)[0] is Intent.NONE
    text = "i already replied and you are still texting, do it this time"
    assert classifier().classify(text).intent.stops


def test_a_wish_to_be_texted_that_reads_like_nothing_of_the_kind_is_none():
    wishes = Intent.OPT_IN, "phrase"
    assert weighed(*wishes, ModelScores(stop=-9.0, asks=-9.0, starts=-9.0), 0)[0] is Intent.NONE
    assert weighed(*wishes, ModelScores(stop=-9.0, asks=-9.0, starts=-1.0), 0) == wishes
    typed = Intent.OPT_IN, "keyword_in_sentence"
    assert weighed(*typed, ModelScores(stop=-9.0, asks=-9.0, starts=-9.0), 0) == typed


def test_polite_words_around_a_word_for_a_person_are_read_as_a_sentence():
    assert classifier().classify("enough").intent == "review"
    assert classifier().classify("please leave me be").intent.stops
    waits = classifier().classify("enough please")
    assert (waits.intent, waits.rule) == ("review", "keyword_politely")


def test_the_more_it_sounds_like_friends_the_surer_it_must_be(monkeypatch):
    text = "Please have the decency to leave an old woman alone and pester her no more"
    reads = classifier()
    assert reads.classify(text).rule == "second_reader"
    assert reads.classify(text).intent.stops
    monkeypatch.setattr(reads._sentence_rules._arbiter, "_private", read_by(bias=-1_000))
    assert reads.classify(text).intent.stops
    monkeypatch.setattr(reads._sentence_rules._arbiter, "_private", read_by(bias=30_000))
    assert reads.classify(text).intent is Intent.NONE


def test_a_keyword_in_a_sentence_is_doubted_last():
    typed = Intent.OPT_OUT, "keyword_in_sentence"
    assert weighed(*typed, ModelScores(stop=DENIES + 0.1, asks=-9.0), ROW) == typed
    assert weighed(*typed, ModelScores(stop=DENIES, asks=-9.0), ROW)[0] is not Intent.OPT_OUT
    assert classifier().classify("Stop, and call me at home").intent.stops


def test_of_a_very_long_text_the_beginning_and_the_end_are_looked_at():
    filling = "".join(
        f"the bus {at} came late and we walked along the harbour. " for at in range(80)
    )
    for text in (f"take me off your list. {filling}", f"{filling} take me off your list."):
        seen = classifier().passages_of(text)[0].words
        assert len(seen) < 350
        assert {"take", "list"} <= {*seen[:6], *seen[-6:]}
        assert classifier().classify(text).intent != "opt_in"


def test_talk_among_friends_wants_it_to_be_surer():
    friends = "haha u so funny la, no more msg from me tonite ok, see u in lect tmr"
    seen = classifier().passages_of(friends)[0]
    assert intent_model("private").score(seen) > 0
    business = classifier().passages_of("I never signed up, remove my number from your list")[0]
    assert intent_model("private").score(business) < PRIVATE
    assert classifier().classify(friends).intent == "none"


def test_words_taken_for_slips_want_its_word_for_it():
    unsure = ModelScores(stop=-0.5, asks=-9.0)
    assert weighed(Intent.OPT_OUT, "phrase", unsure, ROW, corrected=True)[0] is Intent.REVIEW
    assert weighed(Intent.OPT_OUT, "phrase", unsure, ROW)[0] is Intent.OPT_OUT


def test_a_wording_that_cannot_be_meant_so_goes_through():
    sure = ModelScores(stop=REFUTES, asks=-50.0)
    assert weighed(Intent.OPT_OUT, "phrase", sure, ROW) == (Intent.NONE, "second_reader_dismisses")


def test_a_wish_to_be_texted_again_wants_it_to_be_surer_of_that_than_of_an_opt_out():
    assert (
        weighed(Intent.NONE, "nothing_known", ModelScores(-9.0, -9.0, 4.0), 0)[0] is Intent.OPT_IN
    )
    assert (
        weighed(Intent.NONE, "nothing_known", ModelScores(6.0, -9.0, 4.0, 6.0), 0)[0]
        is Intent.REVIEW
    )
    assert weighed(Intent.NONE, "nothing_known", ModelScores(-9.0, -9.0, 0.5), 0)[0] is Intent.NONE


def test_the_score_is_the_sum_of_what_the_words_weigh():
    reads = IntentModel(
        Model(
            bias=-1000,
            unknown=0,
            weights=table_of({
                "stop": 3000, "bus stop": -2500, "%stp": 500, "@food": 250,
                "%th stp": 40, "@cease>food": 60,
            }),
        )
    )  # fmt: skip
    assert reads.score(passage("stp")) == pytest.approx(-0.5)
    assert reads.score(passage("bus", "stop")) == pytest.approx(0.0)
    assert reads.reasons(passage("bus", "stop")) == "stop +3.0, bus stop -2.5, %stp +0.5"
    meant = passage("the", "stop", "pizza", concepts=[["cease"], ["food"]])
    assert reads.score(meant) == pytest.approx(2.5 + 0.04 + 0.06 + 0.25)
    assert "@food +0.2" in reads.reasons(meant)


def test_words_in_a_hurry_have_the_bones_of_those_in_full():
    assert [consonant_skeleton(word) for word in ("wrong", "wrng")] == ["wrng"] * 2
    assert [consonant_skeleton(word) for word in ("number", "nmmbr")] == ["nmbr"] * 2
    assert list(map(consonant_skeleton, ("a", "eye", "2nite", "стоп"))) == [
        "a",
        "e",
        "2nite",
        "стоп",
    ]


@cache
def of_the_model() -> list[tuple[str, Decision]]:
    """Labelled texts with the decisions that are the model's."""
    decisions = ((one.text, classifier().classify(one.text)) for one in labelled("english"))
    return [one for one in decisions if one[1].rule.startswith("second_reader")]


def test_a_decision_of_the_second_reader_says_why():
    found = [one for _, one in of_the_model() if one.rule == "second_reader"]
    assert found
    assert all(one.note for one in found)
    assert all(one.keyword for one in found if one.intent.stops)


def test_what_the_model_decided_has_its_score():
    assert {one.intent for _, one in of_the_model()} > {Intent.OPT_OUT, Intent.HELP, Intent.REVIEW}
    assert [text for text, one in of_the_model() if one.score is None] == []


@pytest.mark.parametrize(("intent", "label"), [(Intent.OPT_OUT, "opt_out"), (Intent.HELP, "help")])
def test_the_score_is_what_the_model_says_of_the_text(intent, label):
    found = [
        round(intent_model(label).score(classifier().passages_of(text)[0]), 3) == one.score
        for text, one in of_the_model()
        if one.intent is intent and len(text.split()) <= FEW
    ]
    assert len(found) > 10
    assert sum(found) > len(found) * 3 / 4  # in the others a part of the text says more than all


@pytest.mark.parametrize("text", ["stop", "stop please", "stpo", "please stop texting me", "ok"])
def test_what_a_rule_decided_has_no_score_and_no_confidence(text):
    told = to_builtins(classifier().classify(text))
    assert not told["rule"].startswith("second_reader")
    assert not {"score", "confidence"} & {*told}


def test_the_shipped_models_tell_apart_what_they_were_taught():
    wanted = {
        "opt_out": "please take my number out of your system and never text me again",
        "help": "who is this and how do i get out of it?",
        "opt_in": "please sign me up for the texts again",
    }
    for label, text in wanted.items():
        seen = classifier().passages_of(text)[0]
        scores = {other: intent_model(other).score(seen) for other in wanted}
        assert max(scores, key=scores.__getitem__) == label, scores


def test_it_says_whether_an_opt_out_is_one_from_everything():
    one, everything = "no more of your texts", "no more texts of any kind from any of your lists"
    assert classifier().classify(one).intent is Intent.OPT_OUT
    assert classifier().classify(everything).intent is Intent.OPT_OUT_ALL


@pytest.mark.parametrize(
    "text",
    ["st0p texting me", "S T O P texting me", "s.t.o.p texting me", "plese stop txting me",
     "dont txet me agian", "leav me alone", "Рlease stор sending me texts"],
)  # fmt: skip
def test_slips_and_look_alikes_inside_sentences_are_understood(text):
    assert classifier().classify(text).intent.stops


@pytest.mark.parametrize(
    "text",
    ["tell your brother to stop texting me", "Free pizza! Call 555-0100 now. Txt STOP to 85555",
     "my lawyer will send the papers", "a very long message about the bus that does not stop here"],
)  # fmt: skip
def test_others_adverts_and_lawyers_do_not_suppress(text):
    assert not classifier().classify(text).intent.stops


@pytest.mark.parametrize(
    "text",
    ["text me again and my lawyer will be in touch", "stop or i will sue you",
     "one more text and i call the police"],
)  # fmt: skip
def test_threats_suppress(text):
    assert classifier().classify(text).intent.stops


def test_a_keyword_says_what_was_taken_from_it():
    assert classifier().classify(" STOP!! ").steps == ("edge punctuation", "case")
    assert classifier().classify("stop").steps == ()


@pytest.mark.parametrize(
    "text",
    ["The word is STOP.", "STOP as per your instructions", '"STOP" there i typed it happy now',
     "fine then UNSUBSCRIBE"],
)  # fmt: skip
def test_the_printed_keyword_in_capitals_at_either_end_is_one(text):
    assert classifier().classify(text).intent.stops


@pytest.mark.parametrize(
    "text",
    ["STOP IT you two are hilarious", "meet me at the bus STOP", "I did not text STOP",
     "STOP by the bakery pls", "do I have to text STOP?"],
)  # fmt: skip
def test_other_capitals_are_none(text):
    assert not classifier().classify(text).intent.stops


def test_who_takes_an_opt_out_back_is_texted_again():
    taken_back = "I had said stop but please put me back on the list for the alerts"
    assert classifier().classify(taken_back).intent is Intent.OPT_IN
    both = ModelScores(stop=-9.0, asks=-9.0, starts=4.0)
    assert weighed(Intent.REVIEW, "stop_and_start", both, 0)[0] is Intent.OPT_IN
    unsure = ModelScores(stop=4.5, asks=-9.0, starts=4.0)
    assert weighed(Intent.REVIEW, "stop_and_start", unsure, 0)[0] is Intent.REVIEW


@pytest.mark.parametrize(
    "text",
    ["Zapatería Luna: 2x1 este finde! Responde BAJA para no recibir más publicidad",
     "Schuhhaus Breuer: Sommerschlussverkauf! Keine Infos mehr? Antworte STOPP",
     "МебельГрад: диваны -30%! Отказ от рассылки: отправьте СТОП на 5533",
     "Hi it's Jan w/ Voters First. Will you vote on Nov 5? Stop2End"],
)  # fmt: skip
def test_what_other_businesses_print_is_no_opt_out_in_any_language(text):
    assert not classifier().classify(text).intent.stops


@pytest.mark.parametrize(
    "text", ["cảm ơn bạn", "cam on ban", "làm ơn giúp tôi", "không làm ơn", "bonne nuit", "cuit"]
)
def test_courtesy_and_words_near_keywords_are_no_request_to_stop(text):
    assert classifier().classify(text).intent is Intent.NONE
