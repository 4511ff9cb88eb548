"""Search in texts: all the words, in every case, and pages that say how far they have looked."""

from __future__ import annotations

import pytest

from smsgate.domain.messages import Intent
from smsgate.records import reader
from smsgate.records.reader import RecordReader
from smsgate.store.keys import partition_of
from tests.fakes.values import NUMBER, OTHER, decision, entry
from tests.records.values import event, lines, reply_event

TEXTS = (
    "Please STOP texting me",
    "ne m'écrivez PLUS, s'il vous plaît",
    "ÉCRIVEZ-moi",
    "100% off? stop it",
    "停止 发送",
)


@pytest.fixture
def search(records) -> RecordReader:
    """The texts, a millisecond apart, and events that have such words elsewhere."""
    for at, said in enumerate(TEXTS):
        records.writer.keep({0: lines(event(at, NUMBER, text=said))})
    noted = decision(Intent.OPT_OUT, rule="operator", note="please stop, by phone")
    by_hand = entry(source="operator", actor="ana", message_id="", text="", decision=noted)
    reviewed = entry(decision=decision(Intent.REVIEW, note="please stop?"), text="hm")
    records.writer.keep(
        {
            partition_of(OTHER): lines(
                event(20, OTHER, entry=by_hand),
                event(21, OTHER, kind="review", entry=reviewed),
                reply_event(22, OTHER, "please stop"),
            )
        }
    )
    return records.reader


def found(search, words: str, behind=None, limit: int = 9) -> list[str]:
    return [one.event.entry.text for one in search.search(words.split(), behind, limit).found]


@pytest.mark.parametrize(
    ("words", "places"),
    [
        ("stop", [3, 0]),
        ("StOp PLEASE", [0]),
        ("écrivez", [2, 1]),
        ("ÉCRIVEZ plus", [1]),
        ("100%", [3]),
        ("1_0", []),
        ("停止", [4]),
        ("by phone", []),
    ],
)
def test_it_finds_texts_with_all_words_in_any_case_newest_first(search, words, places):
    assert found(search, words) == [TEXTS[at] for at in places]


def test_a_page_looks_so_far_and_the_next_one_goes_on(search, monkeypatch):
    monkeypatch.setattr(reader, "SEARCHED", 2)
    seen, behind, pages = [], None, 0
    while True:
        page = search.search(["stop"], behind, 9)
        seen += [one.event.entry.text for one in page.found]
        behind, pages = page.older, pages + 1
        if behind is None:
            break
    assert seen == [TEXTS[3], TEXTS[0]]
    assert pages == 4, "six texts, two at a time, and then there are none"


def test_pages_that_are_full_have_neither_holes_nor_repeats(search):
    first = search.search(["e"], None, 2)
    assert [one.event.entry.text for one in first.found] == [TEXTS[2], TEXTS[1]]
    second = search.search(["e"], first.older, 2)
    assert [one.event.entry.text for one in second.found] == [TEXTS[0]]
    assert second.older is None


def test_what_was_erased_is_not_found(search, records):
    ids = records.removal.texts_of(NUMBER)
    announcing = event(30, OTHER, kind="forgotten", consent_state=None, text="")
    records.writer.keep({partition_of(OTHER): lines(announcing)})
    records.removal.remove(announcing.id, "text", ids)
    assert found(search, "stop") == []
