"""What a page of the console says, and the desk of Review as a browser uses it."""

from __future__ import annotations

import html
import re

from werkzeug.test import TestResponse

from smsgate.domain.messages import Intent
from smsgate.process.services import Services
from smsgate.store.keys import partition_of
from tests.fakes.browser import Browser
from tests.fakes.told import told, work
from tests.fakes.values import NUMBER

HTMX = {"HX-Request": "true"}
NASTY = "<script>alert('x')</script>\n{{ 7777*7 }} \N{RIGHT-TO-LEFT OVERRIDE}"
"""What would be seen if a template took a text for markup, or for a template."""


def words(answer: TestResponse) -> str:
    """What a page or a part of one says, without its tags and blanks; each time is a moment ago."""
    main = answer.text.partition("<main")[2] or answer.text
    main = re.sub(r"<time[^>]*>[^<]*</time>", "a moment ago", main)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", main)).split())


def outside_details(page: str) -> str:
    """The words of a page outside Details, without what people typed and names of places."""
    page = re.sub(r'<option value="\w+/[^"]*"[^>]*>[^<]*</option>', " ", page)  # Pacific/Wake
    page = re.sub(
        r"<details[^>]*>\s*<summary[^>]*>Details.*?</details>", " ", page, flags=re.DOTALL
    )
    page = re.sub(r"<(script|style|textarea|blockquote|pre)\b.*?</\1>", " ", page, flags=re.DOTALL)
    page = re.sub(r"<code>.*?</code>", " ", page, flags=re.DOTALL)
    page = re.sub(r'(aria-label|placeholder|alt|title)="([^"]*)"', r">\2<", page)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " | ", page)).split())


def harmless(answer: TestResponse) -> bool:
    """Whether nothing of ``NASTY`` was taken for more than a text."""
    return "<script>alert" not in answer.text and "54439" not in answer.text


def waits(services: Services, text: str = "hm", number: str = NUMBER, **rest: object) -> str:
    """A text that waits for a person; gives its key."""
    return f"{partition_of(number)}-{told(services, Intent.REVIEW, text, number, **rest)}"


def decide(
    who: Browser, key: str, decided: str = "opt_out", page: str = "", **more: object
) -> TestResponse:
    """Press a key, or what stands for it."""
    form = {"key": key, "decided": decided, "page": page}
    return who.post("/console/review/decide", form, **more)


def undo(who: Browser, key: str, **more: object) -> TestResponse:
    """Take a decision back."""
    return who.post("/console/review/undo", {"decision": key}, **more)


def decision_in(answer: TestResponse) -> str:
    """The decision that an answer offers to take back by a key."""
    after = answer.text.partition('id="review-after"')[2]
    return re.search(r'name="decision" value="([^"]+)"><button data-press="u"', after)[1]


def shown(answer: TestResponse) -> str:
    """The number whose text is shown; empty where there is none."""
    found = re.search(r'<h2 id="case-title".*?/console/numbers/([^"]+)"', answer.text, re.DOTALL)
    return found[1].replace("%2B", "+") if found else ""


def reason(services: Services, number: str = NUMBER, program: str = "alerts") -> str:
    """Why the number may not be texted, once everything is applied."""
    work(services)
    return services.gate.check([number], program=program)[0].reason
