"""What an event says that takes contents away: how many, of which part, and which: pure.

Contents go only after such an event is in the chain, and the check compares its words with what
is gone; so nothing can go by another way, or more than was said.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from smsgate.records.chain import list_digest

Part = Literal["text", "event"]
FORGOTTEN = "forgotten"
"""Kind of the event by which a person's texts were erased at their request."""
RETENTION = "retention"
"""Kind of the event by which old contents were taken away."""
ADOPTED = "adopted"
"""Kind of the event by which an operator went on with an older copy of the database."""
SPOOL_FORGOTTEN = "spool_forgotten"
"""Kind of the event by which an operator gave up what a host that is gone had in its spool."""
ANNOUNCING = (FORGOTTEN, RETENTION)
FOR_EVER = (FORGOTTEN, RETENTION, ADOPTED, SPOOL_FORGOTTEN)
"""Kinds that explain holes, and so are never taken away."""
_NOTE = re.compile(r"takes away the (text|event)s? of (\d+) records?; list sha256:([0-9a-f]{64})")


def announcement(part: Part, ids: Sequence[str]) -> str:
    """The note of the event that takes away ``part`` of the events of these ids."""
    return f"takes away the {part}s of {len(ids)} records; list sha256:{list_digest([*ids])}"


def fits(note: str, part: str, ids: Sequence[str]) -> bool:
    """Whether a note announced exactly this."""
    found = _NOTE.search(note)
    return found is not None and found.groups() == (part, str(len(ids)), list_digest([*ids]))
