"""Makes opt-out links for ``Gate.from_url``. A public name, kept stable."""

from __future__ import annotations

from smsgate.domain.opt_out_links import Links

__all__ = ["Links"]
