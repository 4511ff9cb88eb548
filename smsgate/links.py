"""Makes opt-out links for ``Gate.from_url``. A public name, kept stable."""

from __future__ import annotations

from importlib.util import find_spec

from smsgate.domain.opt_out_links import Links

if find_spec("cryptography") is None:
    raise ImportError("Links need cryptography: pip install 'smsgate[links]'")

__all__ = ["Links"]
