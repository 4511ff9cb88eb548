"""``/metrics``: everything that is counted and measured, for Prometheus.

Any web process answers for all processes and hosts, so one address is to be scraped, also that
of a load balancer. It wants a key: what is counted tells how a business is doing, and asking
costs round trips.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import accumulate
from typing import Any

from flask import Blueprint, Response, request
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from smsgate import __version__
from smsgate.domain.errors import StoreUnavailable
from smsgate.metrics.counters import BOUND, FAMILIES, SUM, Family, bounds_of, by_family
from smsgate.metrics.snapshot import KINDS, ProcessSnapshot, SpoolDepth, SystemSnapshot
from smsgate.monitoring.conditions import MANY, REVIEW_DEADLINE_S
from smsgate.monitoring.monitor import COLLABORATORS, Monitor
from smsgate.store.store import Store
from smsgate.web.api_key_guard import ApiKeyGuard

_GAUGES: Mapping[str, tuple[str, Callable[[SystemSnapshot], float]]] = {
    "inbox_entries": ("Entries that wait for a worker", lambda one: one.backlog.inbox.count),
    "inbox_oldest_seconds": ("Age of the oldest entry", lambda one: one.backlog.inbox.oldest_s),
    "outbox_replies": ("Replies that are not settled", lambda one: one.backlog.outbox.count),
    "holds": ("Opt-outs that block and are not applied", lambda one: one.backlog.holds.count),
    "hold_oldest_seconds": ("Age of the oldest hold", lambda one: one.backlog.holds.oldest_s),
    "reviews": ("Texts in review", lambda one: one.backlog.reviews.count),
    "review_oldest_seconds": ("Age of the oldest", lambda one: one.backlog.reviews.oldest_s),
    "review_deadline_seconds": ("How long a review may take", lambda _: REVIEW_DEADLINE_S),
    "dead_letters": ("Replies that failed, to retry or dismiss", lambda one: one.backlog.dead),
    "deliveries_pending": ("For your own programs", lambda one: one.backlog.deliveries.count),
    "delivery_oldest_seconds": ("Age of the oldest", lambda one: one.backlog.deliveries.oldest_s),
    "deliveries_failed": ("Failed after a day", lambda one: one.backlog.deliveries_failed),
    "ledger_events": ("Events that wait for the records", lambda one: one.ledger.count),
    "ledger_events_bound": ("At how many smsgate is not ready", lambda _: MANY),
    "ledger_oldest_seconds": ("How far the records are behind", lambda one: one.ledger.oldest_s),
    "store_memory_ratio": ("Share of its maxmemory that Redis uses", lambda one: one.memory),
    "store_weaknesses": ("Settings that could lose writes", lambda one: len(one.weaknesses)),
    "store_lost": ("New, lost or being rebuilt", lambda one: one.store_obstacle is not None),
    "store_writable": ("Whether Redis takes writes", lambda one: one.write_obstacle is None),
    "gate_open": (
        "Whether the gate answers (1) or cannot tell (0)",
        lambda one: one.gate_obstacle is None and one.store_obstacle is None,
    ),
}


def blueprint(store: Store, monitor: Monitor, keys: ApiKeyGuard) -> Blueprint:
    """Return the route."""
    routes = Blueprint("metrics", __name__)

    @routes.get("/metrics")
    def metrics() -> Response:
        """Answer in the text format that the caller understands."""
        keys.check("metrics", request.environ)
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return Response(encode(MetricsCollector(store, monitor)), content_type=content_type)

    return routes


class MetricsCollector(Collector):
    """Reads the store when collected; shows a store that is away as such, not as an error."""

    def __init__(self, store: Store, monitor: Monitor) -> None:
        self._store, self._monitor = store, monitor

    def collect(self) -> Iterable[Metric]:
        """Every metric that can be read."""
        state = self._monitor.look()
        yield _gauge("build_info", "Which smsgate answers", {__version__: 1}, "version")
        says = "Whether webhooks are accepted: into Redis, or onto the disk of the answering host"
        yield _gauge("accepts", says, state.accepts)
        ready = {name: name not in state.unusable for name in COLLABORATORS}
        yield _gauge(
            "ready", "Whether a collaborator is well (1) or not (0)", ready, "collaborator"
        )
        held = Counter((one.name, one.severity) for one in state.conditions)
        yield _gauge("conditions", "Conditions that hold, by alert", held, "alert", "severity")
        if state.snapshot is None:
            yield from _by_host([state.spool], time.time())
            return
        yield from _snapshot_metrics(state.snapshot)
        with suppress(StoreUnavailable):
            sums = by_family(self._store.metrics.sums())
            for family in FAMILIES:
                yield _family_metric(family, sums[family.name])


def _family_metric(family: Family, found: Mapping[tuple[str, ...], int]) -> Metric:
    name = f"smsgate_{family.name}"
    if not family.buckets:
        counter = CounterMetricFamily(name, family.says, labels=family.labels)
        for labels, count in sorted(found.items()):
            counter.add_metric(labels, count)
        return counter
    histogram = HistogramMetricFamily(name, family.says, labels=family.labels)
    bounds = bounds_of(family)
    for labels in sorted({key[:-1] for key in found}):
        counts = [float(found.get((*labels, BOUND + bound), 0)) for bound in bounds]
        below = zip([*bounds[:-1], "+Inf"], accumulate(counts), strict=True)
        histogram.add_metric(labels, [*below], found.get((*labels, SUM), 0) / 1_000_000)
    return histogram


def _snapshot_metrics(snapshot: SystemSnapshot) -> Iterator[Metric]:
    for name, (says, value) in _GAUGES.items():
        yield _gauge(name, says, value(snapshot))
    if snapshot.processes is not None:
        says = "Whether a process clock does its rounds"
        yield _gauge("clock_running", says, snapshot.backlog.clock)
        yield from _processes(snapshot.processes)
    if snapshot.rebuild is not None:
        what, done, total = snapshot.rebuild.what, snapshot.rebuild.done, snapshot.rebuild.total
        yield _gauge("rebuild_done", "How many a rebuild has restored", {what: done}, "what")
        if total:
            yield _gauge("rebuild_expected", "How many there are", {what: total}, "what")
    yield from _by_host(snapshot.spools, snapshot.now_s)
    yield from _by_account(snapshot)
    failing = dict.fromkeys(snapshot.alert_failures, 1)
    says = "Addresses that did not take the newest alert"
    yield _gauge("alerts_failing", says, failing, "address")


def _processes(processes: ProcessSnapshot) -> Iterator[Metric]:
    """A kind that runs nowhere has one sample of 0 without a host."""
    running = {
        (kind, host): count
        for kind in KINDS
        for host, count in (processes.hosts(kind) or {"": 0}).items()
    }
    says = "Processes that gave a heartbeat in the last seconds"
    yield _gauge("processes", says, running, "kind", "host")
    says = "How long processes have run different versions of the configuration"
    yield _gauge("configurations_mixed_seconds", says, processes.mixed_s)
    changed = sum(bool(one.changed) for one in processes.running)
    says = "Processes whose files were changed since they read them"
    yield _gauge("configuration_files_not_loaded", says, changed)
    older = sum(bool(one.problem) for one in processes.running)
    says = "Processes that cannot use the newest keyword sets and replies"
    yield _gauge("content_not_taken", says, older)


def _by_host(spools: Collection[SpoolDepth], now_s: float) -> Iterator[Metric]:
    """A host with several data directories has one sample: the sum, and the worst."""
    unusable, counts, ages = ({one.host: 0.0 for one in spools} for _ in range(3))
    for one in spools:
        unusable[one.host] = max(unusable[one.host], float(bool(one.problem)))
        counts[one.host] += one.count
        age_s = one.oldest_s + now_s - one.at_s if one.count else 0.0
        ages[one.host] = max(ages[one.host], age_s)
    says = "Whether no message can be kept on a host's disk"
    yield _gauge("spool_unusable", says, unusable, "host")
    yield _gauge("spool_messages", "Messages on a host's disk", counts, "host")
    yield _gauge("spool_oldest_seconds", "How long the oldest of them waits", ages, "host")


def _by_account(snapshot: SystemSnapshot) -> Iterator[Metric]:
    """What is not known has no sample."""
    accounts, replies = snapshot.accounts, snapshot.backlog.replies
    none = {one.name: 0.0 for one in accounts}
    waits = none | {one.account: one.oldest_s for one in replies}
    yield _gauge("outbox_oldest_seconds", "Age of the oldest waiting reply", waits, "account")
    failing = none | {one.account: one.count for one in replies if one.problem}
    says = "Waiting replies whose provider did not accept the last attempt"
    yield _gauge("outbox_not_accepted", says, failing, "account")
    accepted = {one.name: one.accepted_s for one in accounts if one.accepted_s}
    says = "When a request was last accepted, to the minute"
    yield _gauge("account_accepted_timestamp_seconds", says, accepted, "account")
    silent = {one.name: one.silent_after_s for one in accounts if one.silent_after_s}
    says = "How long an account may be silent (silent_hours)"
    yield _gauge("account_silent_after_seconds", says, silent, "account")
    without = {one.name: not one.has_secret for one in accounts}
    says = "Whether an account has no secret, so that it takes no text"
    yield _gauge("account_without_secret", says, without, "account")
    unblocked = {one.name: len(one.unblocked) for one in accounts}
    says = "Senders of opt-outs that blocked nobody, in the last week"
    yield _gauge("opt_outs_blocked_nobody", says, unblocked, "account")
    lists = {one.name: one.opt_out_list for one in accounts if one.opt_out_list}
    since = {
        name: snapshot.now_s - one.failing_since_us / 1_000_000 if one.problem else 0
        for name, one in lists.items()
    }
    says = "Since when the provider's own opt-out list could not be compared; 0 where it can"
    yield _gauge("opt_out_list_failing_seconds", says, since, "account")
    compared = [(name, one.comparison) for name, one in lists.items() if one.comparison]
    read = {name: one.at_s for name, one in compared}
    says = "When the provider's own opt-out list was last read to its end"
    yield _gauge("opt_out_list_read_timestamp_seconds", says, read, "account")
    only = {(name, "there"): one.there_only for name, one in compared}
    says = "Opt-outs that the provider's own list and ours do not share, when it was last read"
    yield _gauge("opt_out_list_differences", says, only, "account", "only")


def _gauge(
    name: str, says: str, values: float | Mapping[Any, float], *labels: str
) -> GaugeMetricFamily:
    """A gauge: one value, or several by the values of their labels."""
    gauge = GaugeMetricFamily(f"smsgate_{name}", says, labels=labels)
    for key, value in (values if isinstance(values, Mapping) else {(): values}).items():
        gauge.add_metric([key] if isinstance(key, str) else key, value)
    return gauge
