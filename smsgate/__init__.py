"""smsgate: where a business's inbound texts arrive and where "may I text it?" is answered."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smsgate.consent.composing import compose
    from smsgate.pipeline.gate import Gate
else:

    def __getattr__(name: str) -> object:
        """Import what is public when it is asked for: most commands need none of it."""
        if name not in ("Gate", "compose"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module = "smsgate.pipeline.gate" if name == "Gate" else "smsgate.consent.composing"
        return getattr(importlib.import_module(module), name)


__all__ = ["Gate", "__version__", "compose"]

__version__ = "0.1.0"
