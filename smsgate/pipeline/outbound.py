"""The only outgoing HTTP: performs the calls that providers describe.

Nothing is decided here. No call is tried again and no redirect followed, because only the
caller knows whether a second one would text a person twice.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import requests
import urllib3

from smsgate.domain.errors import CallFailed
from smsgate.domain.messages import HttpCall, HttpReply
from smsgate.pipeline.http_deadline import DeadlineAdapter
from smsgate.pipeline.public_internet import NotPublic, PublicAdapter

CONNECT_S = 3.0
READ_S = 10.0
_KEPT_OPEN = 64
"""Connections to one host that are kept; more callers at once than that open their own."""
_LONGEST_BODY = 64 * 1024
_CHUNK = 8 * 1024
# What is raised before the first byte of a request has left.
_NEVER_LEFT = (
    urllib3.exceptions.NewConnectionError,  # urllib3 3 takes it out of the next one
    urllib3.exceptions.ConnectTimeoutError,
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
        self, *, connect_s: float = CONNECT_S, read_s: float = READ_S, public_only: bool = False
    ) -> None:
        """Start without connections. The limits are in seconds: to connect, and for the answer.

        With ``public_only`` no connection is made to an address that is not on the public internet
        (see ``public_internet.py``), nor by the machine's proxy, which would not look.
        """
        self._timeout = (connect_s, read_s)
        self._session = requests.Session()
        self._direct = public_only
        kind = PublicAdapter if public_only else DeadlineAdapter
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, kind(pool_maxsize=_KEPT_OPEN))
        self._session.headers["User-Agent"] = "smsgate"
        self._session.headers["Accept-Encoding"] = "identity"

    def perform(self, call: HttpCall) -> HttpReply:
        """Make the call once and return the response, whatever its status.

        Header names are in lower case; of the body, what arrives in time and within 64 KiB.
        Raises ``CallFailed``: ``left`` is false only where surely no byte of the request left.
        """
        host = _host_of(call.url)
        prepared = self._prepared(call, host)
        url = prepared.url or ""
        machine = self._session.merge_environment_settings(url, {}, True, True, None)
        try:
            # The adapter and not the session, which would read all of a redirect's body.
            response = self._session.get_adapter(url).send(
                prepared,
                timeout=self._timeout,
                verify=machine["verify"] or True,
                proxies={} if self._direct or _on_this_machine(url) else machine["proxies"],
            )
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
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
        self._session.close()

    def _prepared(self, call: HttpCall, host: str) -> requests.PreparedRequest:
        request = requests.Request(
            call.method,
            call.url,
            headers=dict(call.headers),
            data=call.body,
            auth=call.auth or _no_auth,
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
        except (urllib3.exceptions.HTTPError, OSError):
            pass
        return bytes(body[:_LONGEST_BODY])


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Without this, requests would look for credentials in the user's ``.netrc``."""
    return request


def _on_this_machine(url: str) -> bool:
    """A proxy of the machine cannot reach its loopback addresses for us."""
    return (urlsplit(url).hostname or "") in {"127.0.0.1", "::1", "localhost"}


def _failure(error: BaseException, host: str) -> CallFailed:
    """Say what failed, without the library's text: that shows the URL, which may hold secrets."""
    if any(isinstance(cause, NotPublic) for cause in _causes(error)):
        return CallFailed(f"{host} is not on the public internet, so it is not called.", left=False)
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
