"""What the model may do, and what it may not."""

from __future__ import annotations

from functools import cache

import pytest
from msgspec import to_builtins

from smsgate.classifier import Classifier, load_sets
from smsgate.classifier.arbiter import DISMISSES, Circumstances, ModelScores, weigh
from smsgate.classifier.features import Passage, consonant_skeleton, features, scale_of
from smsgate.classifier.model import IntentModel, probability, shipped_models
from smsgate.classifier.normalize import letters, tokens
from smsgate.classifier.text import count_words
from smsgate.classifier.weights import Model, Thresholds, table_of
from smsgate.domain.messages import Decision, Intent
from tests.accuracy.texts import labelled
from tests.classifier.program import classifier, program

LIMITS = Thresholds(suppress=2.0, hold=0.5, help=0.5, opt_in=1.5)
WORDS = 10
UNKNOWN = Intent.NONE, "nothing_known"
SURE = ModelScores(stop=50.0)
ORDINARY = ModelScores(stop=-50.0)


def weighed(intent, rule, scores, words=WORDS, **about):
    return weigh((intent, rule), scores, LIMITS, Circumstances(words, **about))


def test_what_no_wording_knows_is_suppressed_or_held_by_one_pair_of_thresholds():
    assert weighed(*UNKNOWN, ModelScores(stop=2.0)) == (Intent.OPT_OUT, "second_reader")
    assert weighed(*UNKNOWN, ModelScores(stop=1.9)) == (Intent.REVIEW, "second_reader")
    assert weighed(*UNKNOWN, ModelScores(stop=0.5)) == (Intent.REVIEW, "second_reader")
    assert weighed(*UNKNOWN, ModelScores(stop=0.4)) == UNKNOWN


def test_each_kind_of_program_has_thresholds_of_its_own():
    limits = shipped_models().thresholds
    assert limits["service"].suppress > limits["marketing"].suppress
    assert limits["service"].hold > limits["marketing"].hold


def test_a_long_text_that_only_the_model_condemns_waits_for_a_person():
    assert weighed(*UNKNOWN, SURE, words=21)[0] is Intent.REVIEW
    assert weighed(*UNKNOWN, SURE, words=20)[0] is Intent.OPT_OUT
    assert weighed(Intent.OPT_OUT, "phrase", SURE, words=21)[0] is Intent.OPT_OUT


def test_an_ambiguous_text_waits_for_a_person():
    rather = ModelScores(stop=2.9)
    assert weighed(*UNKNOWN, rather, words=6)[0] is Intent.REVIEW
    assert weighed(*UNKNOWN, rather, words=7)[0] is Intent.OPT_OUT
    assert weighed(*UNKNOWN, SURE, words=6)[0] is Intent.OPT_OUT
    assert classifier().classify("已通知，谢谢。").intent is Intent.NONE


def test_a_short_text_is_ambiguous_unless_the_model_is_sure_by_98_percent():
    assert weighed(*UNKNOWN, ModelScores(stop=3.9), words=6)[0] is Intent.REVIEW
    assert weighed(*UNKNOWN, ModelScores(stop=4.0), words=6)[0] is Intent.OPT_OUT


def test_beside_a_doubt_a_person_decides_however_sure_the_model_is():
    assert weighed(*UNKNOWN, SURE, doubted=True)[0] is Intent.REVIEW


def test_what_is_doubted_aside_does_not_hold_what_the_model_is_sure_of():
    aside = {"doubted": True, "aside": True}
    assert weighed(*UNKNOWN, ModelScores(stop=4.0), **aside) == (Intent.OPT_OUT, "second_reader")
    assert weighed(*UNKNOWN, ModelScores(stop=3.9), **aside)[0] is Intent.REVIEW
    assert weighed(*UNKNOWN, SURE, words=21, **aside)[0] is Intent.REVIEW


@pytest.mark.parametrize(
    "text",
    [
        "hey can i get off this text thing its blowing up my phone at work",
        "Haven't been a patient there since 2019, no need to keep texting me about flu shots",
        "we switched churches so there's no need to keep texting us, please take our family off",
    ],
)
def test_a_time_in_a_sentence_of_some_length_does_not_weaken_a_sure_wish(text):
    assert classifier().classify(text).intent.stops


def test_where_a_wording_denies_it_the_model_must_be_sure():
    assert weighed(*UNKNOWN, ModelScores(stop=2.9), denied=True)[0] is Intent.REVIEW
    assert weighed(*UNKNOWN, ModelScores(stop=1.9), denied=True) == UNKNOWN
    assert weighed(*UNKNOWN, SURE, denied=True)[0] is Intent.OPT_OUT


def test_in_a_language_that_it_was_not_trained_on_it_only_holds():
    hold = Intent.REVIEW, "second_reader"
    assert weighed(*UNKNOWN, SURE, words=7, untrained=True) == hold
    assert weighed(*UNKNOWN, ModelScores(stop=-9, starts=9), untrained=True) == UNKNOWN
    assert weighed(*UNKNOWN, ModelScores(stop=-9, asks=9), untrained=True) == UNKNOWN
    doubts = Intent.REVIEW, "second_reader_doubts"
    assert weighed(Intent.OPT_OUT, "phrase", ModelScores(stop=-9, asks=9), untrained=True) == doubts
    assert weighed(Intent.OPT_OUT, "phrase", ModelScores(stop=0.1), untrained=True)[1] == "phrase"
    condition = Intent.REVIEW, "doubt"
    assert weighed(*condition, ModelScores(stop=-9), untrained=True) == condition
    decision = classifier().classify("તમારા મેસેજથી હવે કંટાળો આવે છે")
    assert (decision.intent, decision.rule, decision.language) == (*hold, "gu")


@pytest.mark.parametrize(
    ("text", "words"),
    [("stop, please. why?", 3), ("别再给我发短信了", 4), ("문자 그만 보내세요", 4),
     ("เลิกส่งข้อความมาได้แล้ว", 6), ("STOP给我", 2), ("", 0)],
)  # fmt: skip
def test_words_are_counted_by_letters_where_a_script_has_no_spaces(text, words):
    assert count_words(letters(tokens(text))) == words


def test_it_objects_to_wordings_in_english_before_it_objects_to_others():
    doubts = ModelScores(stop=-1.0)
    assert weighed(Intent.OPT_OUT, "phrase", doubts)[0] is Intent.REVIEW
    assert weighed(Intent.OPT_OUT, "phrase", doubts, objects=-2.0)[0] is Intent.OPT_OUT


def test_what_may_be_a_complaint_is_a_wish_to_be_texted_only_where_it_is_sure():
    wishes = Intent.OPT_IN, "phrase"
    rather = ModelScores(stop=-9.0, starts=2.0)
    assert weighed(*wishes, rather) == wishes
    assert weighed(*wishes, rather, wish_needs=2.1)[0] is Intent.REVIEW
    assert weighed(*UNKNOWN, rather, wish_needs=2.1)[0] is Intent.REVIEW
    assert weighed(*UNKNOWN, rather, wish_needs=2.0)[0] is Intent.OPT_IN


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


def passage(*words, concepts=()):
    return Passage(list(words), [list(names) for names in concepts])


def test_a_wording_that_it_takes_for_something_else_waits_for_a_person():
    doubtful = ModelScores(stop=DISMISSES + 0.1)
    assert weighed(Intent.OPT_OUT, "phrase", doubtful) == (
        Intent.REVIEW, "second_reader_doubts",
    )  # fmt: skip
    assert weighed(Intent.OPT_OUT, "phrase", SURE) == (Intent.OPT_OUT, "phrase")


def test_a_condition_waits_for_a_person_whatever_it_thinks():
    decision = classifier().classify("stop texting me at night")
    assert (decision.intent, decision.rule) == ("review", "doubt")


def test_however_sure_it_settles_no_condition():
    seems = Intent.REVIEW, "doubt"
    assert weighed(*seems, SURE) == seems
    assert weighed(*seems, ModelScores(stop=-1.9)) == seems


def test_what_is_said_aside_is_no_condition_where_it_is_sure():
    seems = Intent.REVIEW, "doubt"
    assert weighed(*seems, SURE, aside=True) == (Intent.OPT_OUT, "second_reader")
    assert weighed(*seems, SURE, words=21, aside=True) == seems
    assert weighed(*seems, ModelScores(stop=3.9), aside=True) == seems


@pytest.mark.parametrize(
    "text",
    [
        "煩死了半夜也在傳，拜託停止發送",
        "夜中に鳴るんで登録消してほしいんですけど…",
        "yeter be kardeşim her gün mesaj mı olur, silin numaramı",
        "bıktım ya her gün kampanya mesajı, istemiyorum",
    ],
)
def test_when_or_how_often_does_not_weaken_a_wish_to_be_left_alone(text):
    assert classifier().classify(text).intent.stops


@pytest.mark.parametrize(
    "text",
    [
        "after 9pm, please don't text me", "on sundays, stop texting me",
        "until monday, please stop texting", "unsubscribe me from texts at night",
        "gece, lütfen mesaj atmayın", "晚上，請不要發簡訊",
    ],
)  # fmt: skip
def test_a_time_before_a_pause_is_still_a_condition(text):
    assert classifier().classify(text).intent is Intent.REVIEW


@pytest.mark.parametrize(
    "text",
    [
        "紙のハガキはもういらないので、SMSだけにしてもらえますか",
        "Квитанции в ящик больше не кладите, смс достаточно",
    ],
)
def test_a_person_decides_where_texts_are_said_to_be_welcome(text):
    assert classifier().classify(text).intent is Intent.REVIEW


@pytest.mark.parametrize(
    "text",
    [
        "Ei mainoksia postiluukusta kiitos, tekstarit riittää",
        "Stop sending me the paper catalog please. Texts are fine, I like these",
        "surtout continuez les sms, c'est les mails que je ne veux plus",
        "纸质账单不用寄了,短信提醒照旧就好",
        "紙本帳單不用寄了，簡訊通知就好",
    ],
)
def test_only_something_else_is_to_stop_where_the_model_agrees(text):
    assert classifier().classify(text).intent is Intent.NONE


def test_where_texts_are_welcome_the_model_only_has_to_agree():
    seems = Intent.REVIEW, "doubt"
    assert weighed(*seems, ModelScores(stop=0.0), welcomed=True)[0] is Intent.NONE
    assert weighed(*seems, ModelScores(stop=0.1), welcomed=True) == seems


@pytest.mark.parametrize(
    "text", ["смс достаточно, отпишите меня", "sms räcker nu, sluta", "sms riittää jo, lopettakaa"]
)
def test_enough_texts_are_too_many_where_nothing_else_is_sent(text):
    assert classifier().classify(text).intent.stops


def test_a_text_that_says_stop_and_start_is_settled_where_it_is_sure():
    seems = Intent.REVIEW, "stop_and_start"
    surely, guess = ModelScores(stop=4.0, starts=-0.1), ModelScores(stop=3.9, starts=-0.1)
    assert weighed(*seems, surely) == (Intent.OPT_OUT, "second_reader")
    assert weighed(*seems, guess) == seems
    assert weighed(*seems, ModelScores(stop=4.0, starts=0.0)) == seems


def test_a_pause_parts_a_wish_for_texts_from_a_refusal():
    text = "上次手殘回了停止，可以再開始傳活動通知給我嗎"
    assert not classifier().classify(text).intent.stops


def test_a_condition_beside_what_it_takes_for_something_else_is_nothing():
    seems = Intent.REVIEW, "doubt"
    assert weighed(*seems, ModelScores(stop=-2.0)) == (Intent.NONE, "second_reader_dismisses")
    assert classifier().classify("не отправляйте сегодня, оплачу завтра").intent is Intent.NONE


@pytest.mark.parametrize(
    "text", ["STOP. he proposed??? show me the ring", "Stop, left here, then the second right"]
)
def test_a_keyword_in_a_sentence_that_is_meant_otherwise_waits_for_a_person(text):
    assert classifier().classify(text).intent == "review"


def test_a_question_stays_one_unless_it_reads_like_nothing_of_the_kind():
    asks = Intent.HELP, "phrase"
    assert weighed(*asks, ModelScores(stop=-1.0, asks=2.0)) == asks
    assert weighed(*asks, SURE) == (Intent.OPT_OUT, "second_reader")
    assert weighed(*asks, SURE, words=21) == (Intent.REVIEW, "second_reader")
    assert weighed(*asks, ORDINARY)[0] is Intent.NONE


def test_a_question_how_to_leave_waits_for_a_person_however_sure_it_is():
    asks_how = ModelScores(stop=50.0, asks_how=0.0)
    for found in (UNKNOWN, (Intent.HELP, "phrase"), (Intent.REVIEW, "long_text")):
        assert weighed(*found, asks_how) == (Intent.REVIEW, "how_to_leave")
    assert weighed(Intent.OPT_OUT, "phrase", asks_how) == (Intent.OPT_OUT, "phrase")
    surely = asks_how._replace(asks_how=2.0)
    assert weighed(Intent.OPT_OUT, "phrase", surely) == (Intent.REVIEW, "how_to_leave")
    assert weighed(Intent.OPT_OUT, "keyword_in_sentence", surely)[0] is Intent.OPT_OUT
    assert weighed(*UNKNOWN, surely._replace(stop=-1.0)) == (Intent.REVIEW, "how_to_leave")
    assert weighed(*UNKNOWN, surely._replace(stop=-1.1)) == UNKNOWN


def test_a_wish_to_be_texted_that_reads_like_nothing_of_the_kind_is_none():
    wishes = Intent.OPT_IN, "phrase"
    assert weighed(*wishes, ORDINARY)[0] is Intent.NONE
    assert weighed(*wishes, ModelScores(stop=-9.0, starts=-0.5)) == wishes
    assert weighed(*wishes, ModelScores(stop=-9.0, starts=-0.6))[0] is Intent.REVIEW
    assert weighed(*wishes, ModelScores(stop=2.5, starts=2.0))[0] is Intent.REVIEW


def test_polite_words_around_a_word_for_a_person_are_read_as_a_sentence():
    assert classifier().classify("enough").intent == "review"
    assert classifier().classify("please leave me be").intent.stops
    waits = classifier().classify("enough please")
    assert (waits.intent, waits.rule) == ("review", "keyword_politely")


def test_a_keyword_in_a_sentence_is_doubted_last():
    typed = Intent.OPT_OUT, "keyword_in_sentence"
    assert weighed(*typed, ModelScores(stop=-1.4)) == typed
    assert weighed(*typed, ORDINARY) == (Intent.REVIEW, "second_reader_doubts")
    assert classifier().classify("Stop, and call me at home").intent.stops


def test_of_a_very_long_text_the_beginning_and_the_end_are_looked_at():
    filling = "".join(
        f"the bus {at} came late and we walked along the harbour. " for at in range(80)
    )
    for text in (f"take me off your list. {filling}", f"{filling} take me off your list."):
        seen = classifier().passage_of(text).words
        assert len(seen) < 350
        assert {"take", "list"} <= {*seen[:6], *seen[-6:]}
        assert classifier().classify(text).intent != "opt_in"


def test_talk_among_friends_is_none():
    friends = "haha u so funny la, no more msg from me tonite ok, see u in lect tmr"
    assert classifier().classify(friends).intent == "none"


def test_a_wording_that_cannot_be_meant_so_goes_through():
    sure = ModelScores(stop=DISMISSES)
    assert weighed(Intent.OPT_OUT, "phrase", sure) == (Intent.NONE, "second_reader_dismisses")


def test_a_wish_to_be_texted_again_wants_it_to_be_surer_of_that_than_of_an_opt_out():
    assert weighed(*UNKNOWN, ModelScores(-9.0, -9.0, 4.0))[0] is Intent.OPT_IN
    assert weighed(*UNKNOWN, ModelScores(1.9, -9.0, 1.8))[0] is Intent.REVIEW
    assert weighed(*UNKNOWN, ModelScores(-9.0, -9.0, 0.5))[0] is Intent.NONE


def test_a_long_text_does_not_weigh_more_by_its_length():
    short, long = passage("stop"), passage(*(f"word{at}" for at in range(40)), "stop")
    assert long.scale < 1 < short.scale
    count = len(list(features(long)))
    assert long.scale == pytest.approx(scale_of(count))
    assert scale_of(4 * count) == pytest.approx(scale_of(count) / 2)


def test_the_score_is_the_sum_of_what_the_words_weigh():
    reads = IntentModel(
        Model(
            bias=-1000,
            weights=table_of({
                "stop": 3000, "bus stop": -2500, "%stp": 500, "@food": 250,
                "%th stp": 40, "@cease>food": 60,
            }),
        )
    )  # fmt: skip
    stp, bus_stop = passage("stp"), passage("bus", "stop")
    assert reads.score(stp) == pytest.approx(-1 + 0.5 * stp.scale)
    assert reads.score(bus_stop) == pytest.approx(-1 + 1.0 * bus_stop.scale)
    told = [part.rpartition(" ")[0] for part in reads.reasons(bus_stop).split(", ")]
    assert told == ["stop", "bus stop", "%stp"]
    meant = passage("the", "stop", "pizza", concepts=[["cease"], ["food"]])
    assert reads.score(meant) == pytest.approx(-1 + (3.5 + 0.04 + 0.06 + 0.25) * meant.scale)
    assert f"@food {0.25 * meant.scale:+.1f}" in reads.reasons(meant)


def test_words_in_a_hurry_have_the_consonants_of_those_in_full():
    assert [consonant_skeleton(word) for word in ("wrong", "wrng")] == ["wrng"] * 2
    assert [consonant_skeleton(word) for word in ("number", "nmmbr")] == ["nmbr"] * 2
    assert list(map(consonant_skeleton, ("a", "eye", "2nite", "стоп"))) == [
        "a",
        "e",
        "2nite",
        "стоп",
    ]


def model_of(label):
    return getattr(shipped_models(), label)


@cache
def of_the_model() -> list[tuple[str, Decision]]:
    """Labelled texts with the decisions that are the model's."""
    decisions = (
        (one.text, classifier().classify(one.text))
        for name in ("english", "voices")
        for one in labelled(name)
    )
    return [one for one in decisions if one[1].rule.startswith("second_reader")]


def test_a_decision_of_the_model_says_why():
    found = [one for _, one in of_the_model() if one.rule == "second_reader"]
    assert found
    assert all(one.note for one in found)


def test_what_the_model_decided_has_its_score():
    assert {one.intent for _, one in of_the_model()} > {Intent.OPT_OUT, Intent.HELP, Intent.REVIEW}
    assert [text for text, one in of_the_model() if one.score is None] == []
    assert all(
        one.confidence == pytest.approx(probability(one.score or 0), abs=0.001)
        for _, one in of_the_model()
    )


@pytest.mark.parametrize(("intent", "label"), [(Intent.OPT_OUT, "opt_out"), (Intent.HELP, "help")])
def test_the_score_is_what_the_model_says_of_the_text(intent, label):
    found = [
        round(model_of(label).score(classifier().passage_of(text)), 3) == one.score
        for text, one in of_the_model()
        if one.intent is intent and len(text.split()) <= 8
    ]
    assert len(found) > 10
    assert sum(found) > len(found) * 3 / 4  # others count as they were meant, typos corrected


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
        seen = classifier().passage_of(text)
        scores = {other: model_of(other).score(seen) for other in wanted}
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
def test_typos_and_look_alikes_inside_sentences_are_understood(text):
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
    ["STOP IT you two are hilarious", "meet me at the bus STOP", "I did not text STOP",
     "STOP by the bakery pls", "do I have to text STOP?"],
)  # fmt: skip
def test_a_keyword_in_capitals_among_other_words_is_none(text):
    assert not classifier().classify(text).intent.stops


@pytest.mark.parametrize(
    "text",
    ["The word is STOP.", "STOP as per your instructions", "fine then UNSUBSCRIBE",
     "Thanks but for the last time STOP", "you need to STOP", "you need to STOP please",
     "Please text STOP", "STOP haha"],
)  # fmt: skip
def test_a_person_decides_about_the_printed_keyword_at_an_end_of_a_short_text(text):
    intent = classifier().classify(text).intent
    assert intent.stops or intent is Intent.REVIEW


@pytest.mark.parametrize(
    "text",
    ["THEY STOP", "why did you STOP", "don't STOP", "Loved “Reply STOP to end”",
     "bus STOP", "we walked on and on and at the end came to a STOP"],
)  # fmt: skip
def test_capitals_that_are_no_answer_to_us_wait_for_nobody(text):
    assert classifier().classify(text).intent is Intent.NONE


def test_who_takes_an_opt_out_back_is_texted_again():
    taken_back = "I had said stop but please put me back on the list for the alerts"
    assert classifier().classify(taken_back).intent is Intent.OPT_IN
    both = ModelScores(stop=-9.0, starts=4.0)
    assert weighed(Intent.REVIEW, "stop_and_start", both)[0] is Intent.OPT_IN
    unsure = ModelScores(stop=1.9, starts=1.8)
    assert weighed(Intent.REVIEW, "stop_and_start", unsure)[0] is Intent.REVIEW


SCOPE = labelled("written/scope")


@pytest.mark.parametrize(
    "one", [one for one in SCOPE if one.label == "none"], ids=lambda one: one.text
)
def test_a_request_counts_only_for_our_own_texts(one):
    assert not classifier().classify(one.text).intent.stops


def test_a_question_how_to_leave_waits_for_a_person():
    asked = [one.text for one in SCOPE if one.phenomenon == "how to leave"]
    decisions = {text: classifier().classify(text) for text in asked}
    missed = [text for text, one in decisions.items() if one.intent is not Intent.REVIEW]
    assert len(missed) <= 0.05 * len(asked), missed
