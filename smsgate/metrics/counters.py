"""What is counted and timed: a closed list of families, and counting in a process.

Labels are names that operators or this code chose: accounts, programs, intents, outcomes. No
number, text, address or secret is ever a label; what does not look like a name becomes ``other``.
Counting takes well under a microsecond: it only appends to a queue, which needs no lock; adding up
is left to the thread that gathers.
"""

from __future__ import annotations

import functools
import re
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

OTHER = "other"
_NAME = re.compile(r"[a-z0-9_.-]{0,40}")
_DIGITS = re.compile(r"[0-9]{7}")
_QUICK_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_SLOW_S = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Until a confirmation's deadline (compliance: five minutes)."""


@dataclass(frozen=True, slots=True)
class Family:
    """Counts, or times where it has ``buckets``."""

    name: str
    """Without the ``smsgate_`` and ``_total`` that Prometheus sees."""
    says: str
    labels: tuple[str, ...]
    buckets: tuple[float, ...] = ()
    """Upper bounds in seconds."""


FAMILIES: list[Family] = []
"""All of them."""


def _family(
    name: str, says: str, labels: tuple[str, ...], buckets: tuple[float, ...] = ()
) -> Family:
    FAMILIES.append(Family(name, says, labels, buckets))
    return FAMILIES[-1]


WEBHOOKS = _family(
    "webhook_requests",
    "Requests of providers: accepted, or the name of the error that refused them",
    ("account", "result"),
)
MESSAGES = _family(
    "messages",
    "Messages accepted, by what they ask for; duplicate had come before",
    ("account", "intent"),
)
EVENTS = _family(
    "events",
    "Events that workers applied, by intent and outcome",
    ("account", "intent", "outcome"),
)
REPLIES = _family(
    "replies",
    "Replies that are settled, by outcome",
    ("account", "kind", "outcome"),
)
RECEIPTS = _family(
    "receipts",
    "Replies of ours of which the provider told the end: delivered, undelivered, failed",
    ("account", "outcome"),
)
CALLS = _family(
    "provider_calls",
    "Calls of providers that were to send a reply, by what their answer meant",
    ("account", "result"),
)
GATE = _family(
    "gate_answers",
    "Numbers that senders asked the gate about: allowed, or why not",
    ("program", "reason"),
)
REFUSED_KEYS = _family(
    "refused_keys",
    "Requests that a key would have opened: missing, wrong, throttled (too many wrong ones)",
    ("endpoint", "reason"),
)
STORED_S = _family(
    "stored_seconds",
    "From a provider's request to its answer, by when its message is stored",
    ("account",),
    _QUICK_S,
)
APPLIED_S = _family(
    "applied_seconds", "From the receipt of a message to its being applied", ("account",), _SLOW_S
)
CONFIRMED_S = _family(
    "confirmed_seconds",
    "From the receipt of a message to the moment when the provider took our reply",
    ("account",),
    _SLOW_S,
)
CALL_S = _family(
    "provider_call_seconds", "How long providers took for such a call", ("account",), _QUICK_S
)
DELIVERIES = _family(
    "deliveries",
    "Calls of your own programs: accepted, not_accepted (tried again), failed after a day of them",
    ("program", "kind", "outcome"),
)
DELIVERY_S = _family(
    "delivery_call_seconds",
    "How long your own programs took for such a call",
    ("program", "kind"),
    _QUICK_S,
)
DELIVERED_S = _family(
    "delivered_seconds",
    "From the moment when there was something to deliver to its being accepted",
    ("program", "kind"),
    _SLOW_S,
)

OPT_OUT_LIST = _family(
    "opt_out_list",
    "Opt-outs taken from a provider's own list, reported to it, refused",
    ("account", "outcome"),
)


@functools.lru_cache(1024)
def label(value: str) -> str:
    """The value where it is a name, else ``other``."""
    return value if _NAME.fullmatch(value) and not _DIGITS.search(value) else OTHER


Sums: TypeAlias = Mapping[str, int]
"""By field: ``name|label|…``, and of times ``…|le=BOUND`` and ``…|us``, their sum."""

_QUEUED = 200_000
"""Counts that wait to be added up; many seconds' worth. If nobody gathers, the oldest are lost."""
_SEPARATOR = "|"
BOUND, SUM = "le=", "us"
_INF = "inf"
_REFUSED = 400
_NO_MESSAGE = ("handshake", "nothing", "receipt")
"""Outcomes of requests that were accepted and had no message in them."""

Request: TypeAlias = tuple[str, int, str, float]
"""A provider's request: the account, or nothing where we have none of that name; the status of our
answer; its outcome as the log has it; seconds until the answer."""
Noted: TypeAlias = tuple[Family, tuple[str, ...], float | Sequence[float]]
"""A family, the values of its labels, and how many times; of times the seconds of each."""


class Counters:
    """What was counted since it was last gathered. Threads may share it."""

    def __init__(self) -> None:
        self._waiting: deque[Noted] = deque(maxlen=_QUEUED)
        self._requests: deque[Request] = deque(maxlen=_QUEUED)
        self.note: Callable[[Noted], None] = self._waiting.append
        """Count something, or note how long something took: see ``Noted``."""
        self.request: Callable[[Request], None] = self._requests.append
        """Count a provider's request. One for several counts: it is the hottest of all ways."""

    def gather(self) -> Counter[str]:
        """Return the sums so far, and reset them."""
        found: Counter[str] = Counter()
        for family, labels, value in self._seen():
            start = _start(family.name, labels)
            if not isinstance(value, Sequence):
                found[start] += int(value)
                continue
            bounds = _BOUNDS[family.name]
            for seconds in value:
                found[f"{start}|{SUM}"] += max(int(seconds * 1_000_000), 0)
                found[f"{start}|{BOUND}{bounds[bisect_left(family.buckets, seconds)]}"] += 1
        return +found

    def clear(self) -> None:
        """Forget what was counted."""
        self._waiting.clear()
        self._requests.clear()

    def _seen(self) -> Iterator[Noted]:
        """What waits, taken out. Others may append meanwhile."""
        for _ in range(len(self._waiting)):
            yield self._waiting.popleft()
        requests = [self._requests.popleft() for _ in range(len(self._requests))]
        # Most are alike but for their times: a thread that adds up thousands holds up webhooks.
        for alike, times in Counter([request[:3] for request in requests]).items():
            yield from _of_requests(*alike, times)
        for account, status, outcome, took_s in requests:
            if _has_message(status, outcome):
                yield STORED_S, (account,), (took_s,)


def _of_requests(account: str, status: int, outcome: str, times: int) -> Iterator[Noted]:
    if not _has_message(status, outcome):
        yield WEBHOOKS, (account, outcome), times
        return
    yield WEBHOOKS, (account, "accepted"), times
    for intent in outcome.split():
        yield MESSAGES, (account, intent), times


def _has_message(status: int, outcome: str) -> bool:
    return status < _REFUSED and outcome not in _NO_MESSAGE


def by_family(sums: Sums) -> dict[str, dict[tuple[str, ...], int]]:
    """By family and labels the count; of times, the last label is ``le=BOUND`` or ``us``.

    Fields that this version does not know are passed over.
    """
    known = {one.name: len(one.labels) + bool(one.buckets) for one in FAMILIES}
    found: dict[str, dict[tuple[str, ...], int]] = {name: {} for name in known}
    for field, value in sums.items():
        name, *labels = field.split(_SEPARATOR)
        if known.get(name) == len(labels):
            found[name][tuple(labels)] = value
    return found


def bounds_of(family: Family) -> tuple[str, ...]:
    """The upper bounds of its buckets as they are written, the last one without end."""
    return (*map(repr, family.buckets), _INF)


_BOUNDS = {family.name: bounds_of(family) for family in FAMILIES}


@functools.lru_cache(1024)
def _start(name: str, labels: tuple[str, ...]) -> str:
    return _SEPARATOR.join([name, *map(label, labels)])
