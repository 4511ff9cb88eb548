"""A text before it is sent: with the opt-out line that its program owes, and counted in segments.

Pure: it reads data that is shipped with it, and talks to nobody.
"""

from __future__ import annotations

from smsgate.consent.composing.compose import Composed, compose
from smsgate.consent.composing.segments import SegmentCount, count

__all__ = ["Composed", "SegmentCount", "compose", "count"]
