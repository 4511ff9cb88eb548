"""What every gateway has to bring through: both ways, in every alphabet, and while we are away."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.fakes.processes import wait_until
from tests.gateways.conftest import Site
from tests.gateways.sms_centre import GSM, UCS2


@dataclass(frozen=True)
class OptOut:
    """A text that asks to stop, how it is sent, and what the confirmation says."""

    name: str
    text: str
    coding: int
    confirmed: str
    parts: int = 1


_NUMBERS = itertools.count(14155550101)
"""A telephone for each test."""
OPT_OUTS = [
    OptOut("ascii", "STOP", GSM, "unsubscribed"),
    OptOut("gsm accents", "Désabonnez-moi", GSM, "désabonnement"),
    OptOut("gsm escapes", "STOP {please} ~ [now]", GSM, "unsubscribed"),
    OptOut("arabic", "توقف", UCS2, "START"),
    OptOut("chinese", "退订", UCS2, "退订"),
    OptOut("cyrillic", "Отписаться", UCS2, "отписаны"),
    OptOut("emoji", "🛑 STOP 🛑", UCS2, "unsubscribed"),
    OptOut("parts", f"{'Please listen. ' * 14}Stop sending me these.", GSM, "unsubscribed", 2),
    OptOut("parts in ucs-2", f"{'Пожалуйста. ' * 9}Не присылайте мне СМС.", UCS2, "отписаны", 2),
]


def opts_out_and_in_again(site: Site, given: OptOut) -> None:
    """Text it, be confirmed in one segment and blocked, ask for help, and come back."""
    site.centre.phone = str(next(_NUMBERS))
    site.centre.text(given.text, given.coding, parts=given.parts)
    confirmation, segments = site.reply()
    assert given.confirmed in confirmation
    assert segments == 1
    assert not site.is_allowed()
    site.centre.text("HELP")
    assert "help@example.com" in site.reply()[0]
    assert not site.is_allowed()
    _wait_for_the_next_second()
    site.centre.text("START")
    assert "subscribed again" in site.reply()[0]
    assert wait_until(site.is_allowed)
    assert site.centre.received.empty()


def opts_out_while_smsgate_is_away(
    site: Site, has_lasted: Callable[[], bool] = lambda: True
) -> None:
    """Text it while nobody answers: once smsgate is back it is confirmed, once, and blocked.

    ``has_lasted`` waits until smsgate may come back, and says whether that was so.
    """
    site.centre.phone = str(next(_NUMBERS))
    site.stop()
    site.centre.text("Désabonnez-moi")
    assert has_lasted(), "the gateway gave up"
    site.start()
    assert "désabonnement" in site.reply()[0]
    assert not site.is_allowed()
    _wait_for_the_next_second()
    site.centre.text("START")
    site.reply()
    assert wait_until(site.is_allowed)
    assert site.centre.received.empty()


def _wait_for_the_next_second() -> None:
    """Kannel gives the time of a text in seconds, and an opt-out wins a tie.

    C's ``time``, which it asks, begins a second some milliseconds late.
    """
    second = int(time.time())
    assert wait_until(lambda: time.time() > second + 1.1)
