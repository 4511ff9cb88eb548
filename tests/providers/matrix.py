"""The table in docs/providers/README.md, from the pages, the code and the recorded webhooks.

``python -m tests.providers.matrix`` writes it anew; a test says when that was forgotten.
"""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

from smsgate.domain.messages import InboundMessage, Intent
from smsgate.providers import PROVIDERS
from smsgate.providers.base import Provider
from smsgate.providers.form.presets import PRESETS
from tests.providers.recorded import everything

PAGES = Path(__file__).parents[2] / "docs" / "providers"
TRIED_LIVE: frozenset[str] = frozenset()
"""Providers that were confirmed against a live account."""
HEADINGS = (
    "provider", "in", "signature", "time", "batches", "flag", "answers", "reports", "idempotent",
    "tried live",
)  # fmt: skip
_HEAD = re.compile(r"# ([^:\n]+).*\n\nIn: (.+)\. Signature: (.+)\.\n")
_SENDERS = ("+14155550100", "22395")
_WORDS = ("STOP", "START", "HELP", "YES")


def table() -> str:
    """The lines of the table, in the order of the code; presets of ``form`` come last."""
    rows = [HEADINGS, ("---",) * len(HEADINGS), *map(row, [*PROVIDERS, *PRESETS])]
    lines = ("| " + " | ".join(cells) + " |" for cells in rows)
    return "\n".join(lines).replace("| --- ", "|---").replace("---| ---", "---|---") + "\n"


def row(name: str) -> tuple[str, ...]:
    """One cell for each of ``HEADINGS``."""
    title, comes_in, signature = head_of(name)
    shown = seen(name) if name in PROVIDERS else seen_of_preset(name)
    return (f"[{title}]({name}.md)", comes_in, signature, *shown, _yes(name in TRIED_LIVE))


def head_of(name: str) -> tuple[str, str, str]:
    """The title of a page, and what its first line says of webhooks: how they come, what signs."""
    found = _HEAD.match((PAGES / f"{name}.md").read_text(encoding="utf-8"))
    assert found, f"docs/providers/{name}.md must begin: # Title, In: form. Signature: HMAC of …."
    return found[1], found[2], found[3]


def seen(name: str) -> tuple[str, ...]:
    """What the code and the recorded webhooks show."""
    provider = PROVIDERS[name]
    flagged = any("flag" not in one.lacks for one in everything() if one.provider == name)
    return (
        _time(name),
        _yes(provider.batches),
        _yes(flagged),
        "itself" if _answers(name, flagged) else "nobody",
        _yes(type(provider).reported is not Provider.reported),
        _yes(provider.idempotent),
    )


def seen_of_preset(name: str) -> tuple[str, ...]:
    """The same for a preset: what ``form`` can do, with batches only if it has lists."""
    time, _, *rest = seen("form")
    return (time, _yes("list_field" in PRESETS[name].options), *rest)


def _time(name: str) -> str:
    recorded = [one for one in everything() if one.provider == name]
    window_s = max(one.window_s for one in recorded)
    if window_s:
        return f"{window_s} s"
    return "event" if any(m.sent_us for one in recorded for m in one.messages) else "arrival"


def _answers(name: str, flagged: bool) -> bool:
    """Whether it answers any word; with its flag, where its webhooks have one."""
    flags = (None, Intent.OPT_OUT) if flagged else (None,)
    texts = [
        InboundMessage("a", "m", "+14155550123", sender, word, flag=flag)
        for sender, word, flag in product(_SENDERS, _WORDS, flags)
    ]
    return any(PROVIDERS[name].answered(text) == "provider" for text in texts)


def _yes(value: bool) -> str:
    return "yes" if value else "no"


if __name__ == "__main__":
    page = PAGES / "README.md"
    old = page.read_text(encoding="utf-8")
    page.write_text(re.sub(r"(\|.*\n)+", lambda _: table(), old, count=1), encoding="utf-8")
