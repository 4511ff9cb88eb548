"""The evidence page printed by Chromium, as people save it as PDF."""

from __future__ import annotations

import io
from itertools import pairwise

import pytest
from playwright.sync_api import Browser
from pypdf import PdfReader

from smsgate.consent.events import Event
from smsgate.domain.messages import Intent
from smsgate.features.evidence.operations import EvidenceRequest, evidence, page
from smsgate.records import Records
from smsgate.store.keys import partition_of
from smsgate.store.refusals import RefusedHour
from tests.browser.acting import fits
from tests.fakes.values import NUMBER, entry
from tests.records.values import event, lines, reply_event

pytestmark = pytest.mark.full

SECTIONS = (
    f"Consent records of {NUMBER}",
    "May this number be texted now?",
    "Sends that were refused after an opt-out",
    "What happened",
    "How to verify",
    "Legend",
    "Declaration of the custodian of records",
    "Appendix: technical details",
)
PAPER = {"A4": (596, 843), "Letter": (612, 792)}
"""Width and height in points, as Chromium rounds them."""
MARGIN = 1.8 / 2.54 * 72
"""On the left and on the right, in points."""
HOURS = 60
PROGRAM = "news" * 30


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Thirty texts, one of them without a blank; a reply, and refused sends."""
    records = Records(f"sqlite:///{tmp_path_factory.mktemp('evidence') / 'records.sqlite3'}")
    records.migrate()
    found: list[Event] = [
        event(n, entry=entry(Intent.OPT_OUT, text="x" * 900 if n == 3 else f"text {n} is whole"))
        for n in range(1, 31)
    ]
    records.writer.keep({partition_of(NUMBER): lines(*found, reply_event(31))})
    refused = [
        RefusedHour(hour * 3_600_000_000, PROGRAM, "opted_out", 1000 + hour)
        for hour in range(1, HOURS)
    ]
    said = {"alerts": "must not be texted: opted out of everything"}
    request = EvidenceRequest(NUMBER, company="W" * 200)
    try:
        return page(evidence(records, request, said, 1, {}, refused))
    finally:
        records.close()


@pytest.mark.parametrize("paper", PAPER)
def test_it_is_printed_whole(chromium: Browser, html: str, paper: str) -> None:
    context = chromium.new_context()
    shown = context.new_page()
    shown.set_content(html)
    width, height = PAPER[paper]
    shown.emulate_media(media="print")
    shown.set_viewport_size({"width": int((width - 2 * MARGIN) / 72 * 96), "height": 800})
    assert fits(shown), "nothing is cut on the right"
    pages = PdfReader(io.BytesIO(shown.pdf(format=paper))).pages
    context.close()
    texts = []
    for number, one in enumerate(pages, 1):
        assert (round(one.mediabox.width), round(one.mediabox.height)) == (width, height)
        texts.append(_without_blanks(one.extract_text()))
        assert f"{number}/{len(pages)}" in texts[-1]
    whole = "".join(texts)
    places = [whole.find(_without_blanks(section)) for section in SECTIONS]
    assert -1 not in places
    assert all(before < after for before, after in pairwise(places))
    assert sum(text.count("x") for text in texts) >= 900
    assert all(f"text{n}iswhole" in whole for n in range(1, 31) if n != 3)
    for hour in range(1, HOURS):
        row = f"1970-01-{1 + hour // 24:02}{hour % 24:02}:00:00.000UTC{PROGRAM}{1000 + hour}"
        assert sum(row in text for text in texts) == 1, "a row is whole, on one page"


def test_it_fits_a_phone_with_its_lines_to_fill_in(chromium: Browser, html: str) -> None:
    shown = chromium.new_page(viewport={"width": 360, "height": 800})
    shown.set_content(html)
    assert fits(shown)
    shown.close()


def _without_blanks(text: str) -> str:
    return "".join(text.split())
