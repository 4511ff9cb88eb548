"""Finds out why a request was refused, and which secret an accepted one fits."""

from __future__ import annotations

import hashlib
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace

from smsgate.domain.errors import SignatureExpired, SignatureRefused, StoreUnavailable, WebhookError
from smsgate.domain.messages import WebhookRequest
from smsgate.domain.signing import as_bytes, is_form
from smsgate.providers import PROVIDERS, usable
from smsgate.providers.base import Provider, TextMissing
from smsgate.providers.field_names import MASK, shown_names
from smsgate.providers.forms import form_pairs
from smsgate.settings import Account
from smsgate.store.account_requests import RefusedRequest
from smsgate.store.store import Store

MAX_PER_SECOND = 4
"""Refused requests of an account that a process examines; a flood costs no more than these."""
MAX_PER_ADDRESS = 2
"""Of those, from one address, so that a flood does not hide the others."""
ACCEPTANCE_PERIOD_S = 60.0
"""How often a process notes that requests of an account are accepted."""


class RefusedRequests:
    """Keeps refused requests with what explains them, and notes accepted ones."""

    def __init__(self, store: Store, accounts: Mapping[str, Account]) -> None:
        self._store = store
        self._accounts = accounts
        self._second = 0
        self._noted: Counter[tuple[str, str]] = Counter()
        self._due: dict[tuple[str, bool], float] = {}

    def note(
        self, account: Account, request: WebhookRequest, error: SignatureRefused | TextMissing
    ) -> None:
        """Keep a refused request if the rate allows. Does not raise."""
        if not self._has_room(account.name, request.address):
            return
        others = [
            one
            for one in self._accounts.values()
            if one.provider == account.provider and one is not account and usable(one)
        ]
        refused = describe_refusal(request, account, others, error, time.time_ns() // 1000)
        with suppress(StoreUnavailable):  # the webhook's own line in the log says so
            self._store.quarantine.add(account.name, refused)

    def note_accepted(self, account: Account, request: WebhookRequest) -> float:
        """Note that a request was accepted, and whether the newest of several secrets fits.

        Returns from which moment on (monotonic) the account's next one counts; that is 0 where it
        has several secrets, so that no use of an older one is missed.
        """
        several = any(len(account.values_of(key)) > 1 for key in account.secrets)
        newest = not several or fits_newest_secret(request, account, PROVIDERS[account.provider])
        now = time.monotonic()
        if now >= self._due.get((account.name, newest), 0.0):
            self._due[account.name, newest] = now + ACCEPTANCE_PERIOD_S
            with suppress(StoreUnavailable):
                self._store.acceptance.note(account.name, newest=newest, several=several)
        return 0.0 if several else now + ACCEPTANCE_PERIOD_S

    def _has_room(self, account: str, address: str) -> bool:
        second = int(time.monotonic())
        if second != self._second:
            self._second = second
            self._noted.clear()
        self._noted[account, address] += 1
        if address and self._noted[account, address] > MAX_PER_ADDRESS:
            return False
        self._noted[account, "all"] += 1
        return self._noted[account, "all"] <= MAX_PER_SECOND


_MAX_NAMES = 40
"""Of headers or fields that are kept."""
_SIGNATURE = re.compile(r"signature|^authorization$|^webhook-|^svix-")
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?|\[[0-9a-fA-F:]{2,45}\](:[0-9]{1,5})?")


def describe_refusal(
    request: WebhookRequest,
    account: Account,
    others: Iterable[Account],
    error: SignatureRefused | TextMissing,
    now_us: int,
) -> RefusedRequest:
    """What may be kept of a refused request, with what explains it.

    ``others`` are our other accounts at the same kind of provider.
    """
    headers = _shown_names(list(request.headers))
    if isinstance(error, TextMissing):
        cause, fields = "text", error.names
        sentence = (
            "It is genuine, and a text that is not there may be a STOP: compare what the provider "
            f"posts with docs/providers/{account.provider}.md."
        )
    else:
        form = request.body if is_form(request.headers.get("content-type", "")) else b""
        fields = _shown_names([name.decode(errors="replace") for name, _ in form_pairs(form)])
        cause, sentence = explain_refusal(request, account, others, error, now_us)
    return RefusedRequest(
        problem=str(error),
        finding=sentence,
        cause=cause,
        method=request.method[:10],
        url=masked_url(request.url, account.name),
        headers=headers,
        signatures={
            name: len(request.headers.get(name, "")) for name in filter(_SIGNATURE.search, headers)
        },
        body_bytes=len(request.body),
        body_sha256=hashlib.sha256(request.body).hexdigest(),
        fields=fields,
    )


def explain_refusal(
    request: WebhookRequest,
    account: Account,
    others: Iterable[Account],
    error: SignatureRefused,
    now_us: int,
) -> tuple[str, str]:
    """Which setting of ours explains a refusal (see ``RefusedRequest.cause``), and a sentence.

    Tries every address that a proxy may have changed, and every secret. What fits nothing may well
    be a stranger's forgery.
    """
    if isinstance(error, SignatureExpired):
        return "clock", "The signature is right and its time is not: check this host's clock."
    for url in other_urls(request):
        moved = replace(request, url=url)
        if _fits(moved, account, now_us):
            fits, ours = (masked_url(one, account.name) for one in (url, request.url))
            return (
                "url",
                f"The signature fits {fits}, but this account's public URL makes it {ours}.",
            )
    for other in others:
        # As it came, and as the other account would have received it.
        ours, theirs = f"/webhooks/{account.name}", f"/webhooks/{other.name}"
        urls = (request.url, request.url.replace(ours, theirs, 1))
        if any(_fits(replace(request, url=url), other, now_us) for url in urls):
            return "account", (
                f"It fits our account {other.name}: the provider calls /webhooks/{account.name} "
                "for it, or the two accounts' secrets were swapped."
            )
    return "", "It fits no URL and no secret of ours: a forgery, another secret, or a changed body."


def fits_newest_secret(request: WebhookRequest, account: Account, provider: Provider) -> bool:
    """Whether an accepted request fits the account's newest secrets.

    True where that is unknown: for schemes whose certificate is not at hand.
    """
    try:
        if provider.certificate(request, account) is not None:
            return True
    except WebhookError:
        return True
    newest = replace(account, secrets={key: some[:1] for key, some in account.secrets.items()})
    return _fits(request, newest, time.time_ns() // 1000)


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
    before, webhook, after = f"/{path}".partition(f"/webhooks/{account}")
    shown = before + webhook if webhook else f"/{MASK}"
    if after:
        shown += after if after in ("/", "/status", "/status/") else f"/{MASK}"
    names = _shown_names([name.decode(errors="replace") for name, _ in form_pairs(as_bytes(query))])
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
    except WebhookError:  # raised only for a sender that knows a secret
        return True
    return True


def _shown_names(names: list[str]) -> tuple[str, ...]:
    """The first names; what looks like no name is masked: anybody may put a number there."""
    return shown_names(names)[:_MAX_NAMES]
