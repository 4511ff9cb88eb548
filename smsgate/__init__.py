"""smsgate: where a business's inbound texts arrive and where "may I text it?" is answered."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smsgate.client import AsyncSmsGate, SmsGate
    from smsgate.consent.compose import compose
    from smsgate.pipeline.gate import AsyncGate, Gate
    from smsgate.process.configuration import load_configuration
else:
    _PUBLIC = {
        "AsyncGate": "smsgate.pipeline.gate",
        "AsyncSmsGate": "smsgate.client",
        "Gate": "smsgate.pipeline.gate",
        "SmsGate": "smsgate.client",
        "compose": "smsgate.consent.compose",
        "load_configuration": "smsgate.process.configuration",
    }

    def __getattr__(name: str) -> object:
        """Import a public name on first use: most commands need none."""
        if name not in _PUBLIC:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        try:
            return getattr(importlib.import_module(_PUBLIC[name]), name)
        except ModuleNotFoundError as error:
            extra = "pip install 'smsgate[server]'"
            raise ImportError(
                f"{name} needs the service ({error.name} is missing): {extra}"
            ) from error


__all__ = [
    "AsyncGate",
    "AsyncSmsGate",
    "Gate",
    "SmsGate",
    "__version__",
    "compose",
    "load_configuration",
]

__version__ = "0.3.0.dev0"
