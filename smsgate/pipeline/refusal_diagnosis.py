"""Why was a signature refused? Tries the addresses that a proxy or a setting may have changed.

Pure, and meant for one refused request: it verifies a few dozen times.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace

from smsgate.domain.errors import SignatureExpired, SignatureRefused, WebhookError
from smsgate.domain.messages import WebhookRequest
from smsgate.domain.signing import as_bytes, form_pairs, is_form
from smsgate.providers import PROVIDERS
from smsgate.providers.base import Provider
from smsgate.providers.reading import MASK, TextMissing, shown_names
from smsgate.settings import Account
from smsgate.store.account_requests import RefusedRequest

_MOST = 40
"""Names of headers or fields that are kept."""
_SIGNATURE = re.compile(r"signature|^authorization$|^webhook-|^svix-")
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?|\[[0-9a-fA-F:]{2,45}\](:[0-9]{1,5})?")


def diagnosed(
    request: WebhookRequest,
    account: Account,
    others: Iterable[Account],
    error: SignatureRefused,
    now_us: int,
) -> RefusedRequest:
    """Return what may be kept of a refused request, with what was found out about it.

    ``others`` are our other accounts at the same kind of provider.
    """
    form = request.body if is_form(request.headers.get("content-type", "")) else b""
    headers = list(request.headers)
    cause, said = explained(request, account, others, error, now_us)
    return RefusedRequest(
        problem=str(error),
        finding=said,
        cause=cause,
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


def without_text(request: WebhookRequest, account: Account, error: TextMissing) -> RefusedRequest:
    """Return what may be kept of a genuine request that lacks the text of a message."""
    return RefusedRequest(
        problem=str(error),
        finding=(
            "It is genuine, and a text that is not there may be a STOP: compare what the provider "
            f"posts with docs/providers/{account.provider}.md."
        ),
        cause="text",
        method=request.method[:10],
        url=masked_url(request.url, account.name),
        headers=_names(list(request.headers)),
        body_bytes=len(request.body),
        body_sha256=hashlib.sha256(request.body).hexdigest(),
        fields=error.names,
    )


def explained(
    request: WebhookRequest,
    account: Account,
    others: Iterable[Account],
    error: SignatureRefused,
    now_us: int,
) -> tuple[str, str]:
    """Which setting of ours explains a refusal (see ``RefusedRequest.cause``), and a sentence.

    Every address that a proxy may have changed and every secret is tried. What fits nothing may
    well be a stranger's forgery.
    """
    if isinstance(error, SignatureExpired):
        return "clock", "The signature is right and its time is not: check this host's clock."
    for url in other_urls(request):
        moved = replace(request, url=url)
        if _fits(moved, account, now_us):
            fits, ours = (masked_url(one, account.name) for one in (url, request.url))
            by = _by_which(moved, account, now_us)
            said = f"The signature fits {fits}{by}, but this account's public URL makes it {ours}."
            return "url", said
    for other in others:
        if any(_fits(one, other, now_us) for one in _to(request, account, other)):
            return "account", (
                f"It fits our account {other.name}: the provider calls /webhooks/{account.name} "
                "for it, or the two accounts' secrets were swapped."
            )
    return "", "It fits no URL and no secret of ours: a forgery, another secret, or a changed body."


def fits_newest(request: WebhookRequest, account: Account, provider: Provider) -> bool:
    """Whether a request that was accepted would be, had the account its newest secrets only.

    True where that cannot be told: for schemes whose certificate is not at hand.
    """
    try:
        if provider.certificate(request, account) is not None:
            return True
    except WebhookError:
        return True
    return _fits(request, _newest(account), time.time_ns() // 1000)


def _by_which(request: WebhookRequest, account: Account, now_us: int) -> str:
    """Which of several secrets a signature fits; nothing where there is one."""
    newest = _newest(account)
    if newest.secrets == account.secrets:
        return ""
    return f" with {'the newest' if _fits(request, newest, now_us) else 'an older'} secret"


def _newest(account: Account) -> Account:
    return replace(account, secrets={key: some[:1] for key, some in account.secrets.items()})


def _to(request: WebhookRequest, account: Account, other: Account) -> Iterator[WebhookRequest]:
    """The request as it came, and as it would have come to another account."""
    yield request
    door, theirs = f"/webhooks/{account.name}", f"/webhooks/{other.name}"
    yield replace(request, url=request.url.replace(door, theirs, 1))


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


def _fits(request: WebhookRequest, account: Account, now_us: int) -> bool:
    try:
        PROVIDERS[account.provider].verify(request, account, now_us)
    except SignatureExpired:
        return True
    except SignatureRefused:
        return False
    except WebhookError:  # told only to a sender that knows a secret
        return True
    return True


def _names(names: list[str]) -> tuple[str, ...]:
    """Names as they are where they look like names; anybody may have put a number there."""
    return shown_names(names)[:_MOST]
