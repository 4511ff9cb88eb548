"""Makes opt-out links for ``Gate.from_url``. A public name, kept stable."""

from __future__ import annotations

try:
    from smsgate.domain.opt_out_links import Links
except ModuleNotFoundError as error:
    raise ImportError("Links need cryptography: pip install 'smsgate[links]'") from error

__all__ = ["Links"]
