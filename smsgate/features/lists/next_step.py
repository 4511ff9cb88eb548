"""Which step of an errand may come next, and with what. Pure."""

from __future__ import annotations

import msgspec

from smsgate.domain.errors import Unfit
from smsgate.domain.phone import is_region
from smsgate.features.lists.values import Asked, Errand, Kind, Step

_KIND: dict[Step, Kind] = {
    "rehearse": "import",
    "part": "scrub",
    "export": "export",
    "look": "undo",
}


def region_of(text: str) -> str:
    """A country that was given, in capitals; empty for none. Raises ``Unfit``."""
    region = text.strip().upper()
    if region and not is_region(region):
        raise Unfit(f"{text!r} is no country: two letters, such as US or GB.")
    return region


def asked_for(errand: Errand, step: Step, asked: Asked) -> Errand:
    """The errand with a step that begins with what is asked for. Raises ``Unfit``."""
    if _KIND.get(step) != errand.kind:
        raise Unfit(f"This list is for another use: it was given for {errand.kind!r}.")
    asked = msgspec.structs.replace(asked, region=region_of(asked.region))
    return msgspec.structs.replace(errand, step=step, asked=asked, told=None)


def to_apply(errand: Errand, words: str, medium: str) -> Errand:
    """An import that was rehearsed, to be applied. Raises ``Unfit``."""
    if errand.kind != "import":
        raise Unfit("Only an import is applied.")
    if errand.told is not None and errand.told.subscribed and not words.strip():
        raise Unfit("Say what the subscribers agreed to: the words that they were shown.")
    asked = msgspec.structs.replace(errand.asked, words=words.strip(), medium=medium or "other")
    return msgspec.structs.replace(errand, step="apply", asked=asked)


def to_undo(errand: Errand, reason: str) -> Errand:
    """An undo of an import, to be done. Raises ``Unfit``."""
    if errand.kind != "undo":
        raise Unfit("Only an import on record is undone.")
    if not reason.strip():
        raise Unfit("Give a reason for the record.")
    asked = msgspec.structs.replace(errand.asked, reason=reason.strip())
    return msgspec.structs.replace(errand, step="undo", asked=asked)


def may_come(errand: Errand, step: Step) -> bool:
    """Whether a step may come now that nobody works on the errand."""
    if errand.step == step:
        return step in ("rehearse", "look") or (step != "" and errand.state != "done")
    if step == "apply":
        return errand.step == "rehearse" and errand.state == "done"
    if step == "undo":
        return errand.step in ("", "look") and errand.state == "done"
    return errand.step == ""
