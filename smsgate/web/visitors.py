"""Where a visitor comes from, as far as that can be known."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from smsgate.outbound import is_public

_LONGEST = 64
"""Characters of an address; anybody may send a header of any length."""


def address_of(environ: Mapping[str, Any], trust_proxy: bool) -> str:
    """The address that a request came from; of IPv6 the /64, which one household has.

    Empty where visitors cannot be told apart: a peer that is not on the public internet is a
    proxy of ours that we are not to trust. Of ``X-Forwarded-For`` the last address counts, which
    our own proxy wrote.
    """
    told = environ.get("REMOTE_ADDR", "")
    if trust_proxy:
        told = environ.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2] or told
    return _read(told[:_LONGEST], trust_proxy)


@lru_cache(maxsize=4096)
def _read(told: str, trust_proxy: bool) -> str:
    """Kept, since every webhook asks and reading an address costs as much as its signature."""
    try:
        address = ipaddress.ip_address(told.strip())
    except ValueError:
        return ""
    if not (trust_proxy or is_public(str(address))):
        return ""
    if isinstance(address, ipaddress.IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped or ipaddress.ip_network((address, 64), strict=False).network_address)
    return str(address)
