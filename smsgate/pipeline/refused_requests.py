"""What is found out about requests behind the answer: why one was refused, which secret fitted."""

from __future__ import annotations

import hashlib
import queue
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial

from smsgate.domain.errors import SignatureExpired, SignatureRefused, StoreUnavailable, WebhookError
from smsgate.domain.messages import WebhookRequest
from smsgate.domain.signing import as_bytes, form_pairs, is_form
from smsgate.providers import PROVIDERS, usable
from smsgate.providers.base import Provider
from smsgate.providers.reading import MASK, TextMissing, shown_names
from smsgate.settings import Account
from smsgate.store import Store
from smsgate.store.account_requests import RefusedRequest

PER_SECOND = 4
"""Refused requests of an account that a process looks into; a flood costs no more than these."""
OF_ADDRESS = 2
"""How many of those one address may have, so that a flood does not hide the others."""
EVERY_S = 60.0
"""How often a process notes that an account's requests are accepted, by each kind of secret."""

_OF_PROXIES = (
    "cf-connecting-ip",
    "forwarded",
    "true-client-ip",
    "via",
    "x-client-ip",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-real-ip",
)
"""Headers by which a request tells that it came through a proxy."""


class RefusedRequests:
    """Looks into refused requests, and notes accepted ones, in a thread of its own."""

    def __init__(self, store: Store, accounts: Mapping[str, Account]) -> None:
        """Start no thread before the first request."""
        self._store = store
        self._accounts = accounts
        self._rotating = {name for name, one in accounts.items() if _has_several(one)}
        places = PER_SECOND * max(1, len(accounts))
        self._queue: queue.Queue[Callable[[], None] | None] = queue.Queue(places)
        self._lock = threading.Lock()
        self._worker: threading.Thread | None = None
        self._second = 0
        self._noted: Counter[tuple[str, str]] = Counter()
        self._due: dict[tuple[str, bool], float] = {}

    def note(
        self, account: Account, request: WebhookRequest, error: SignatureRefused | TextMissing
    ) -> None:
        """Take one refused request where the rate allows; returns at once and raises nothing."""
        with self._lock:
            second = int(time.monotonic())
            if second != self._second:
                self._second = second
                self._noted.clear()
            if not self._may_look(account.name, request.address):
                return
        # The server's own view of the headers does not outlive the answer.
        kept = replace(request, headers=dict(request.headers))
        self._later(partial(self._keep, account, kept, error))

    def accepted(self, account: Account, request: WebhookRequest) -> None:
        """Note that a request was accepted, and by which secret where there are several.

        Of those it verifies each once more, so that no use of an older secret is missed.
        """
        several = account.name in self._rotating
        newest = not several or fits_newest(request, account, PROVIDERS[account.provider])
        now = time.monotonic()
        if now < self._due.get((account.name, newest), 0.0):
            return
        self._due[account.name, newest] = now + EVERY_S
        note = self._store.acceptance.note
        proxied = any(name in request.headers for name in _OF_PROXIES)
        self._later(partial(note, account.name, newest=newest, several=several, proxied=proxied))

    def close(self) -> None:
        """Look into what is queued, then end."""
        if self._worker is not None:
            with suppress(queue.Full):
                self._queue.put(None, timeout=5)
            self._worker.join(timeout=5)

    def _may_look(self, account: str, address: str) -> bool:
        of_account, of_address = (account, ""), (account, address)
        if self._noted[of_account] >= PER_SECOND:
            return False
        if address:
            if self._noted[of_address] >= OF_ADDRESS:
                return False
            self._noted[of_address] += 1
        self._noted[of_account] += 1
        return True

    def _later(self, work: Callable[[], None]) -> None:
        with self._lock:
            if self._worker is None:
                self._worker = threading.Thread(target=self._run, name="quarantine", daemon=True)
                self._worker.start()
        with suppress(queue.Full):
            self._queue.put_nowait(work)

    def _run(self) -> None:
        while (work := self._queue.get()) is not None:
            with suppress(StoreUnavailable):  # the webhook's own line has said it
                work()

    def _keep(
        self, account: Account, request: WebhookRequest, error: SignatureRefused | TextMissing
    ) -> None:
        if isinstance(error, TextMissing):
            self._store.quarantine.add(account.name, without_text(request, account, error))
            return
        others = [
            one
            for one in self._accounts.values()
            if one.provider == account.provider and one is not account and usable(one)
        ]
        refused = diagnosed(request, account, others, error, time.time_ns() // 1000)
        self._store.quarantine.add(account.name, refused)


def _has_several(account: Account) -> bool:
    return any(len(account.values_of(key)) > 1 for key in account.secrets)


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
