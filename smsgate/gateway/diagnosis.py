"""Why was a signature refused? Tries the addresses that a proxy or a setting may have changed.

Pure, and meant for one refused request: it verifies a few dozen times.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace

from smsgate.errors import SignatureExpired, SignatureRefused, WebhookError
from smsgate.messages import WebhookRequest
from smsgate.providers.contract import Provider
from smsgate.settings import Account
from smsgate.signing import as_bytes, form_pairs, is_form
from smsgate.store.quarantine import Refused

MASK = "•••"
_MOST = 40
"""Names of headers or fields that are kept."""
_NAME = re.compile(r"[A-Za-z][A-Za-z_.-]{0,39}[0-9]?")
_SIGNATURE = re.compile(r"signature|^authorization$|^webhook-|^svix-")
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?|\[[0-9a-fA-F:]{2,45}\](:[0-9]{1,5})?")


def diagnosed(
    request: WebhookRequest,
    account: Account,
    provider: Provider,
    error: SignatureRefused,
    now_us: int,
) -> Refused:
    """Return what may be kept of a refused request, with what was found out about it."""
    form = request.body if is_form(request.headers.get("content-type", "")) else b""
    headers = list(request.headers)
    return Refused(
        problem=str(error),
        finding=finding(request, account, provider, error, now_us),
        method=request.method[:10],
        url=masked_url(request.url, account.name),
        headers=_names(headers),
        signatures={
            name: len(request.headers[name])
            for name in _names([one for one in headers if _SIGNATURE.search(one)])
            if name in request.headers
        },
        body_bytes=len(request.body),
        body_sha256=hashlib.sha256(request.body).hexdigest(),
        fields=_names([name.decode(errors="replace") for name, _ in form_pairs(form)]),
    )


def finding(
    request: WebhookRequest,
    account: Account,
    provider: Provider,
    error: SignatureRefused,
    now_us: int,
) -> str:
    """Say in a sentence what the signature fits, if anything; every secret is tried."""
    if isinstance(error, SignatureExpired):
        return "The signature is right and its time is not: check this host's clock."
    for url in other_urls(request):
        if _fits(replace(request, url=url), account, provider, now_us):
            fits, ours = (masked_url(one, account.name) for one in (url, request.url))
            return f"The signature fits {fits}, but this account's public URL makes it {ours}."
    return "It fits no URL that was tried: another secret, or the body was changed on the way."


def other_urls(request: WebhookRequest) -> Iterator[str]:
    """The addresses that the provider may have been given instead, likeliest first."""
    # Not urlsplit, which raises for some hosts that anybody may send.
    ours, _, target = request.url.partition("://")[2].partition("/")
    path, _, query = target.partition("?")
    slash = path.removesuffix("/") if path.endswith("/") else f"{path}/"
    tails = dict.fromkeys([target, f"{slash}?{query}" if query else slash, path, slash])
    for tail in tails:
        for host in _hosts(request, ours):
            for scheme in ("https", "http"):
                url = f"{scheme}://{host}/{tail}"
                if url != request.url:
                    yield url


def masked_url(url: str, account: str) -> str:
    """Origin and webhook path of a URL; what follows in the path and values are masked."""
    address, mark, query = url.partition("?")
    scheme, separator, rest = address.partition("://")
    host, _, path = rest.partition("/")
    before, door, after = f"/{path}".partition(f"/webhooks/{account}")
    shown = before + door if door else f"/{MASK}"
    if after:
        shown += after if after in ("/", "/status", "/status/") else f"/{MASK}"
    names = _names([name.decode(errors="replace") for name, _ in form_pairs(as_bytes(query))])
    asked = "&".join(f"{name}={MASK}" for name in names)
    return f"{scheme}{separator}{host}{shown}{mark}{asked}"


def _hosts(request: WebhookRequest, ours: str) -> dict[str, None]:
    forwarded = request.headers.get("x-forwarded-host", "").rpartition(",")[2].strip()
    given = [ours, request.headers.get("host", ""), forwarded]
    known = [host for host in given if _HOST.fullmatch(host)]
    bare = [re.sub(r":[0-9]+$", "", host) for host in known]
    ports = [f"{host}:{port}" for host in bare for port in (443, 80)]
    return dict.fromkeys([*known, *bare, *ports])


def _fits(request: WebhookRequest, account: Account, provider: Provider, now_us: int) -> bool:
    try:
        provider.verify(request, account, now_us)
    except SignatureExpired:
        return True
    except SignatureRefused:
        return False
    except WebhookError:  # told only to a sender that knows a secret
        return True
    return True


def _names(names: list[str]) -> tuple[str, ...]:
    """Names as they are where they look like names; anybody may have put a number there."""
    shown = (name if _NAME.fullmatch(name) else MASK for name in names)
    return tuple(dict.fromkeys(shown))[:_MOST]
