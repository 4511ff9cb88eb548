"""The only outgoing HTTP: performs the calls that providers describe.

Nothing is decided here. No call is tried again and no redirect followed, because only the caller
knows whether a second one would text a person twice.

Where somebody else may steer an address, only the public internet is called: the name is resolved
here, every address is checked, and the connection goes to one of those that were checked. A name
that gives another address a moment later (DNS rebinding) gains nothing.

One deadline holds for head and body of a response together: a socket's time-out is for each piece
that it reads, so a server that sends a header a second would hold its caller for minutes.
"""

from __future__ import annotations

import http.client
import io
import ipaddress
import socket
import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

from smsgate.domain.errors import CallFailed
from smsgate.domain.messages import HttpCall, HttpReply

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class _DeadlineReader(io.RawIOBase):
    """Reads from a socket as long as there is time: as long as its time-out was at the start."""

    def __init__(self, sock: socket.socket, raw: io.RawIOBase) -> None:
        self._socket, self._raw = sock, raw
        self._ends = time.monotonic() + (sock.gettimeout() or 0.0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._socket.settimeout(left)  # urllib3 sets it again for the next call
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _DeadlineResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, debuglevel: int = 0, method: str | None = None) -> None:
        super().__init__(sock, debuglevel, method)
        self.fp = io.BufferedReader(_DeadlineReader(sock, self.fp.detach()))


class DeadlineConnection(HTTPConnection):
    """Its answers come in time."""

    response_class = _DeadlineResponse


class DeadlineTlsConnection(HTTPSConnection):
    """The same over TLS."""

    response_class = _DeadlineResponse


class NotPublic(HTTPError):
    """A name has no address on the public internet."""


CONNECT_S = 3.0
READ_S = 10.0
KEPT_OPEN = 64
"""Connections to one host that are kept; more callers at once than that open their own."""
_LONGEST_BODY = 64 * 1024
_CHUNK = 8 * 1024
# What is raised before the first byte of a request has left.
_NEVER_LEFT = (
    NewConnectionError,  # urllib3 3 takes it out of the next one
    ConnectTimeoutError,
    ssl.SSLCertVerificationError,
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidURL,
)


class Outbound:
    """Makes HTTP calls over connections that are kept open between calls.

    Threads may share it: the session only prepares requests, and nothing of it is changed by a
    call; connections come from urllib3's pools, which are made for threads.
    """

    def __init__(
        self,
        *,
        public_only: bool = False,
        private_hosts: Iterable[str] = (),
        by_proxy: bool = True,
        connect_s: float = CONNECT_S,
        read_s: float = READ_S,
    ) -> None:
        """Start without connections. The limits are in seconds: to connect, and for the answer.

        ``public_only`` calls addresses on the public internet alone (see ``is_public``), and
        ``private_hosts``: host names and IP addresses, as they stand in the URLs. The machine's
        proxy would not look whom it calls; ``by_proxy`` says whether it is used all the same.
        """
        self._public_only, self._private_hosts = public_only, frozenset(private_hosts)
        self._by_proxy, self._timeout = by_proxy, (connect_s, read_s)
        self._session = requests.Session()
        self._session.headers["User-Agent"] = "smsgate"
        self._session.headers["Accept-Encoding"] = "identity"
        self._anywhere = _adapter(DeadlineConnection, DeadlineTlsConnection)
        self._public = _adapter(_PublicConnection, _PublicTlsConnection)

    def perform(self, call: HttpCall) -> HttpReply:
        """Make the call once and return the response, whatever its status.

        Header names are in lower case; of the body, what arrives in time and within 64 KiB.
        Raises ``CallFailed``: ``left`` is false only where surely no byte of the request left.
        """
        host = _host_of(call.url)
        prepared = self._prepared(call, host)
        url = prepared.url or ""
        machine = self._session.merge_environment_settings(url, {}, True, True, None)
        # A proxy of the machine cannot reach its loopback addresses for us.
        hostname = urlsplit(url).hostname or ""
        direct = not self._by_proxy or hostname in {"127.0.0.1", "::1", "localhost"}
        is_free = not self._public_only or hostname in self._private_hosts
        try:
            # The adapter and not the session, which would read all of a redirect's body.
            response = (self._anywhere if is_free else self._public).send(
                prepared,
                timeout=self._timeout,
                verify=machine["verify"] or True,
                proxies={} if direct else machine["proxies"],
            )
        except (requests.RequestException, HTTPError, OSError) as error:
            raise _failure(error, host) from None
        with response:
            return HttpReply(
                status=response.status_code,
                content_type=response.headers.get("Content-Type", ""),
                body=self._body(response),
                headers={name.lower(): value for name, value in response.headers.items()},
            )

    def close(self) -> None:
        """Close the connections that are kept open."""
        self._anywhere.close()
        self._public.close()

    def _prepared(self, call: HttpCall, host: str) -> requests.PreparedRequest:
        request = requests.Request(
            call.method, call.url, call.headers, data=call.body, auth=call.auth or _no_auth
        )
        try:
            return self._session.prepare_request(request)
        except (requests.RequestException, ValueError):
            raise CallFailed(f"The call to {host} is no valid request.", left=False) from None

    def _body(self, response: requests.Response) -> bytes:
        """Read on while there is time. The status is known by now, so a cut body is no failure."""
        ends = time.monotonic() + self._timeout[1]
        body = bytearray()
        try:
            while chunk := response.raw.read1(_CHUNK, decode_content=True):
                body += chunk
                if len(body) >= _LONGEST_BODY or time.monotonic() > ends:
                    break
        except (HTTPError, OSError):
            pass
        return bytes(body[:_LONGEST_BODY])


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Without this, requests would look for credentials in the user's ``.netrc``."""
    return request


def _failure(error: BaseException, host: str) -> CallFailed:
    """Say what failed, without the library's text: that shows the URL, which may hold secrets."""
    if any(isinstance(cause, NotPublic) for cause in _causes(error)):
        return CallFailed(
            f"{host} is not on the public internet, so it is not called. For a gateway of yours, "
            "name its host in SMSGATE_PRIVATE_HOSTS; for a program of yours, set allow_private.",
            left=False,
        )
    left = not any(isinstance(cause, _NEVER_LEFT) for cause in _causes(error))
    if not left:
        return CallFailed(f"No connection to {host} could be made.", left=False)
    if isinstance(error, requests.Timeout):
        return CallFailed(f"{host} did not answer in time.", left=True)
    return CallFailed(f"The connection to {host} broke before an answer came.", left=True)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it wraps: requests puts urllib3's inside its own, as an argument."""
    seen: list[object] = [error]
    while seen:
        found = seen.pop()
        if isinstance(found, BaseException):
            yield found
            seen += [*found.args, getattr(found, "reason", None), found.__cause__]


def _host_of(url: str) -> str:
    """Host and port alone."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2] or "nowhere"
    except ValueError:
        return "nowhere"


# --- to the public internet alone -----------------------------------------------------------------

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
"""All that IANA gives out for the public internet; elsewhere there are, for one, the site-local
addresses of old (fec0::/10), which Python takes for global."""
_6TO4 = ipaddress.ip_network("2002::/16")  # deprecated (RFC 7526)
_DOCUMENTATION = ipaddress.ip_network("3fff::/20")  # RFC 9637
"""Older versions of Python take both for global."""
_MOST_TRIED = 3
"""Addresses of a name, so that one with dozens does not hold its caller for minutes."""


def is_public(text: str) -> bool:
    """Whether an address is on the public internet; one with an IPv4 address inside counts as that.

    ``text`` is an address as the resolver gives it, perhaps with a zone: ``fe80::1%eth0``.
    """
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inside = address.ipv4_mapped
        if address in _NAT64:
            inside = ipaddress.IPv4Address(address.packed[-4:])
        if inside is None:
            is_assigned = address in _GLOBAL_UNICAST and address not in _DOCUMENTATION
            return address.is_global and is_assigned and address not in _6TO4
        address = inside
    return address.is_global and not address.is_multicast


def _public_addresses(name: str, port: int) -> list[str]:
    """The addresses of a name that are public. Raises ``NotPublic``, ``OSError``."""
    found = socket.getaddrinfo(name.strip("[]"), port, type=socket.SOCK_STREAM)
    addresses = dict.fromkeys(str(one[4][0]) for one in found)
    public = [address for address in addresses if is_public(address)]
    if not public:
        raise NotPublic("no address on the public internet")
    return public


class _PublicConnection(DeadlineConnection):
    """Connects to a public address of its host, or not at all."""

    def connect(self) -> None:
        name = self.host
        try:
            *others, last = _public_addresses(name, self.port)[:_MOST_TRIED]
        except (OSError, UnicodeError) as error:
            raise NewConnectionError(self, f"cannot resolve: {error}") from error
        try:
            for address in others:
                self.host = address
                with suppress(NewConnectionError, ConnectTimeoutError):
                    return super().connect()
            self.host = last
            return super().connect()
        finally:
            self.host = name  # as the Host header has it


class _PublicTlsConnection(_PublicConnection, DeadlineTlsConnection):
    """The same over TLS; the certificate is the name's and not the address's."""

    def connect(self) -> None:
        self.server_hostname = self.host
        super().connect()


# --- pools ----------------------------------------------------------------------------------------


def _adapter(plain: type[HTTPConnection], tls: type[HTTPSConnection]) -> HTTPAdapter:
    """Makes connections of these kinds, in pools."""

    class Pool(HTTPConnectionPool):
        ConnectionCls = plain

    class TlsPool(HTTPSConnectionPool):
        ConnectionCls = tls

    made = HTTPAdapter(pool_maxsize=KEPT_OPEN)
    made.poolmanager.pool_classes_by_scheme = {"http": Pool, "https": TlsPool}
    return made
