"""smsgate: where a business's inbound texts arrive and where "may I text it?" is answered."""

from __future__ import annotations

from smsgate.consent.composing import compose
from smsgate.gate import Gate

__all__ = ["Gate", "__version__", "compose"]

__version__ = "0.1.0"
