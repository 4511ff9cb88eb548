"""Where a visitor comes from, as far as that can be known."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any


def address_of(environ: Mapping[str, Any], trust_proxy: bool) -> str:
    """The address that a request came from; of IPv6 the /64, which one household has.

    Empty where visitors cannot be told apart: a peer that is not on the public internet is a
    proxy of ours that we are not to trust. Of ``X-Forwarded-For`` the last address counts, which
    our own proxy wrote.
    """
    told = environ.get("REMOTE_ADDR", "")
    if trust_proxy:
        told = environ.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2] or told
    try:
        address = ipaddress.ip_address(told.strip())
    except ValueError:
        return ""
    if not (trust_proxy or address.is_global):
        return ""
    if isinstance(address, ipaddress.IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped or ipaddress.ip_network((address, 64), strict=False).network_address)
    return str(address)
