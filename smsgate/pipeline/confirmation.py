"""Who confirms: decided for each message (compliance: one confirmation, never two)."""

from __future__ import annotations

from smsgate.domain.messages import Entry

_ANSWERED = {
    "provider": "the provider answers this very message",
    "network": "the network answers this very message",
}
_ELSE = {
    "operator": "by hand",
    "link": "by an opt-out link",
    "api": "by the API",
    "import": "by an imported list",
}


def silence(entry: Entry, confirm: str) -> str:
    """Why we do not answer a message, or nothing where we do.

    ``confirm`` is the program's setting. ``always`` is for accounts whose own answers are off.
    """
    if entry.source != "text":
        return f"it was asked for {_ELSE.get(entry.source, f'by {entry.source}')}, not by a text"
    if confirm == "never":
        return 'the program has confirm = "never"'
    if confirm == "auto" and entry.answered:
        return _ANSWERED.get(entry.answered, f"{entry.answered} answers this very message")
    return ""
