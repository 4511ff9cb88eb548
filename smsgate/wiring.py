"""The former place of ``load_configuration``, for one release more."""

from __future__ import annotations

import warnings

from smsgate.pipeline.configuration import load_configuration

__all__ = ["load_configuration"]

warnings.warn(
    "smsgate.wiring goes with the next release: from smsgate import load_configuration",
    DeprecationWarning,
    stacklevel=2,
)
