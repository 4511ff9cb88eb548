"""The search finds texts by their words, a page after another, and nothing is in an address."""

from __future__ import annotations

from smsgate.domain.messages import Intent
from smsgate.features.numbers import console
from tests.fakes.pages import NASTY, harmless, words
from tests.fakes.told import told

NUMBERS = "/console/numbers"


def test_opt_outs_and_texts_for_review_are_found_by_a_word(services, viewer):
    told(services, Intent.OPT_OUT, "leave me alone, Zebra")
    told(services, Intent.REVIEW, "is this the zebra shop?", number="+14155550177")
    told(services, Intent.HELP, "help", number="+14155550188")
    services.archiver.move_all()
    page = words(viewer.post(NUMBERS, {"number": "zebra"}))
    assert "+1 415-555-0177 a moment ago Sent to review" in page
    assert "leave me alone, Zebra" in page
    assert "0188" not in page
    assert "End of the records." in page
    missing = words(viewer.post(NUMBERS, {"number": "zebra giraffe"}))
    assert "no text on record contains all these words" in missing


def test_the_next_page_is_a_form(services, viewer, monkeypatch):
    monkeypatch.setattr(console, "TEXTS", 2)
    for at in range(3):
        told(services, Intent.OPT_OUT, f"stop {at}", number=f"+1415555010{at}")
    services.archiver.move_all()
    answer = viewer.post(NUMBERS, {"number": "stop"})
    before = answer.text.partition('name="before" value="')[2].partition('"')[0]
    assert "Search older texts" in words(answer)
    older = words(viewer.post(NUMBERS, {"number": "stop", "before": before}))
    assert "stop 0" in older
    assert "stop 1" not in older
    assert viewer.post(NUMBERS, {"number": "stop", "before": "nonsense"}).status_code == 200


def test_nothing_on_it_is_taken_for_markup(services, viewer):
    told(services, Intent.OPT_OUT, NASTY)
    services.archiver.move_all()
    assert harmless(viewer.post(NUMBERS, {"number": "alert"}))
    assert harmless(viewer.post(NUMBERS, {"number": NASTY}))
