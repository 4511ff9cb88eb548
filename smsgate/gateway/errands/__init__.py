"""Errands: what an operator lets smsgate do with a list, beyond one request.

An errand is an import, a scrub or an export. It lives as a folder in the data directory, so that
every process of this host can show how far it is, and so that it outlives the one at work on it:
whoever holds the folder's lock is at work; one that is busy while its lock is free was interrupted.
The work itself is that of the command line.
"""

from __future__ import annotations

from smsgate.gateway.errands.errands import Errands
from smsgate.gateway.errands.folders import KEPT_DAYS, LIMIT
from smsgate.gateway.errands.steps import Steps
from smsgate.gateway.errands.values import Asked, Errand, Told

__all__ = ["KEPT_DAYS", "LIMIT", "Asked", "Errand", "Errands", "Steps", "Told"]
