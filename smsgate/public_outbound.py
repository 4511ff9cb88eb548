"""Outgoing HTTP to addresses that somebody else may steer: to the public internet alone.

The name is resolved here, every address is checked, and the connection goes to one of those that
were checked: a name that gives another address a moment later (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from typing import ClassVar

from requests.adapters import BaseAdapter
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, NewConnectionError

from smsgate.outbound import (
    KEPT_OPEN,
    DeadlineAdapter,
    DeadlineConnection,
    DeadlineTlsConnection,
    NotPublic,
    Outbound,
)

_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
"""All that IANA gives out for the public internet; elsewhere there are, for one, the site-local
addresses of old (fec0::/10), which Python takes for global."""
_DOCUMENTATION = ipaddress.ip_network("3fff::/20")
"""RFC 9637; older versions of Python do not know it."""
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_MOST_TRIED = 3
"""Addresses of a name, so that one with dozens does not hold its caller for minutes."""
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def is_public(text: str) -> bool:
    """Whether an address is one on the public internet; one with an address inside counts as that.

    ``text`` is an address as the resolver gives it, perhaps with a zone: ``fe80::1%eth0``.
    """
    address: Address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        address = _embedded_ipv4(address) or address
    special = address.is_multicast or address.is_reserved or address.is_unspecified
    if special or address.is_private or address.is_loopback or not address.is_global:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return True
    return address in _GLOBAL_UNICAST and address not in _DOCUMENTATION


def _embedded_ipv4(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address inside an IPv6 address: mapped, 6to4, Teredo, NAT64."""
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)


def _public_addresses(name: str, port: int) -> list[str]:
    """The addresses of a name that are public. Raises ``NotPublic``, ``OSError``."""
    found = socket.getaddrinfo(name.strip("[]"), port, type=socket.SOCK_STREAM)
    addresses = dict.fromkeys(str(one[4][0]) for one in found)
    public = [address for address in addresses if is_public(address)]
    if not public:
        raise NotPublic("no address on the public internet")
    return public


class _PublicConnection(DeadlineConnection):
    """Opens its socket to a public address of its host, or not at all."""

    def _new_conn(self) -> socket.socket:
        name = self._dns_host
        try:
            addresses = _public_addresses(name, self.port)
        except (OSError, UnicodeError) as error:
            raise NewConnectionError(self, f"cannot resolve: {error}") from error
        try:
            return self._first(addresses[:_MOST_TRIED])
        finally:
            self._dns_host = name  # it names the certificate, and the Host header

    def _first(self, addresses: list[str]) -> socket.socket:
        for address in addresses[:-1]:
            self._dns_host = address
            try:
                return super()._new_conn()
            except HTTPError:
                continue
        self._dns_host = addresses[-1]
        return super()._new_conn()


class _PublicTlsConnection(_PublicConnection, DeadlineTlsConnection):
    """The same over TLS."""


class _PublicPool(HTTPConnectionPool):
    ConnectionCls = _PublicConnection


class _PublicTlsPool(HTTPSConnectionPool):
    ConnectionCls = _PublicTlsConnection


class PublicAdapter(DeadlineAdapter):
    """Of a ``requests.Session``: makes connections to the public internet alone."""

    pools = {"http": _PublicPool, "https": _PublicTlsPool}  # noqa: RUF012 - never changed


class PublicOutbound(Outbound):
    """Makes calls to addresses on the public internet alone (see ``is_public``).

    Nor by the machine's proxy, which would not look.
    """

    adapter = PublicAdapter
    is_direct = True


class ProviderOutbound(PublicOutbound):
    """Calls providers: on the public internet, and gateways on hosts that the operator allows.

    By the machine's proxy, where there is one: it decides what can be reached then.
    """

    is_direct = False
    remedy: ClassVar[str] = "; if it is a gateway of yours, name its host in SMSGATE_PRIVATE_HOSTS"

    def __init__(self, private_hosts: Iterable[str] = ()) -> None:
        """``private_hosts``: host names and IP addresses, as they stand in the URLs."""
        super().__init__()
        self._private_hosts = frozenset(private_hosts)
        self._anywhere = DeadlineAdapter(pool_maxsize=KEPT_OPEN)

    def _adapter(self, url: str, hostname: str) -> BaseAdapter:
        if hostname in self._private_hosts:
            return self._anywhere
        return super()._adapter(url, hostname)

    def close(self) -> None:
        """Close the connections that are kept open."""
        self._anywhere.close()
        super().close()
