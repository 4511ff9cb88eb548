"""Pages speak an operator's English: no term of our own, and rules only behind Details."""

from __future__ import annotations

import html
import re

import pytest

from smsgate.classifier.explanation import _RULES
from smsgate.domain.messages import Arrival, Decision, Entry, Intent
from smsgate.web.console.app import MENU
from tests.fakes.told import work

PRIVATE_TERMS = (
    "movement", "lane", "wake", "wakes", "together", "trail", "marker", "sights", "shelf",
    "shelves", "tally", "keeper", "teller", "feeder", "errand", "leash", "watchdog", "onward",
    "overtaken", "fate", "second reader", "rereading", "glance", "bones", "by hand", "mend",
    "mends", "what is none", "whoever", "stands in it", "given up", "put off", "taken back",
    "parted", "once more", "somebody", "nobody may", "what became of", "waits for a person",
    "slip of the finger", "not at work", "anew",
)  # fmt: skip
"""Words for what the field has words for."""
NUMBER = "+14155550123"
PATTERN = "stop/laststop/remove/dontlast"
"""How a rule may note what it matched."""
MORE = (
    "/console/me",
    "/console/me/factor",
    "/console/me/passkeys",
    f"/console/numbers/{NUMBER}",
    "/console/keywords/sets",
    "/console/keywords/sets/en",
    "/console/keywords/new",
    "/console/setup/programs/alerts",
    "/console/setup/accounts/twilio",
    "/console/setup/doctor",
    "/console/setup/keys",
    "/console/setup/changes",
    "/console/setup/new-program",
    "/console/setup/new-account",
    "/console/suppressions",
    "/console/people/audit",
    "/console/guide/quiz",
    "/console/guide/trainings",
    "/console/replies/dead",
    "/console/replies/forwards",
    "/console/replies/forwards-dead",
    "/console/nowhere",
)
PATHS = [*dict.fromkeys([*(page.path for page in MENU), *MORE])]


@pytest.fixture
def used(services) -> None:
    """Events by rules that note patterns of ours: an opt-out, a question, and a text in review."""
    for at, (intent, rule) in enumerate(
        (
            (Intent.OPT_OUT, "phrase"),
            (Intent.HELP, "keyword_typo"),
            (Intent.REVIEW, "second_reader"),
        )
    ):
        note = "slip of the finger: STOPTEXTING; @fedup +1.7, %dn"
        decision = Decision(intent, rule=rule, keyword=PATTERN, language="ht", note=note)
        entry = Entry(
            number=NUMBER,
            program="alerts",
            decision=decision,
            account="twilio",
            message_id=f"m{at}",
            sender="+12025550100",
            text="Hm.",
        )
        services.store.inbox.add([Arrival(entry)])
    work(services)
    services.archiver.move_all()


def shown(page: str) -> str:
    """The words of a page outside Details, without what people typed and names of places."""
    page = re.sub(r'<option value="\w+/[^"]*"[^>]*>[^<]*</option>', " ", page)  # Pacific/Wake
    page = re.sub(
        r"<details[^>]*>\s*<summary[^>]*>Details.*?</details>", " ", page, flags=re.DOTALL
    )
    page = re.sub(r"<(script|style|textarea|blockquote|pre)\b.*?</\1>", " ", page, flags=re.DOTALL)
    page = re.sub(r"<code>.*?</code>", " ", page, flags=re.DOTALL)
    page = re.sub(r'(aria-label|placeholder|alt|title)="([^"]*)"', r">\2<", page)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())


@pytest.mark.parametrize("path", PATHS)
def test_a_page_shows_no_term_of_ours_and_no_rule(admin, used, path) -> None:
    words = shown(admin.get(path).text)
    assert len(words) > 40
    found = [one for one in PRIVATE_TERMS if re.search(rf"\b{one}\b", words, re.IGNORECASE)]
    rules = [one for one in _RULES if "_" in one and one in words]
    assert (found, rules) == ([], [])
    for internal in (PATTERN, "@fedup", "%dn", "STOPTEXTING"):
        assert internal not in words, internal


def test_details_have_the_rule_and_what_it_matched(admin, used) -> None:
    page = admin.get(f"/console/numbers/{NUMBER}").text
    assert "<dd>phrase" in page
    assert PATTERN in page
    assert "Matched wording." in shown(page)
    assert "Haitian Creole" in page
