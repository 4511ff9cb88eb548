"""The movements: a message comes in, is applied, is answered; and the overrides by hand.

``Gateway`` holds the collaborators and is the same behind all doors: web, worker and terminal.
What it decides stands in ``classifier`` and ``providers``; what it keeps, in ``store``.
"""

from __future__ import annotations

from smsgate.gateway.gateway import Gateway
from smsgate.pipeline.ingest import Receipt

__all__ = ["Gateway", "Receipt"]
