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
from smsgate.metrics.snapshot import SpoolDepth, SystemSnapshot
from smsgate.pipeline.monitoring import COLLABORATORS, Monitor
from smsgate.store.store import Store
from smsgate.web.api_key_guard import ApiKeyGuard

_GAUGES: Mapping[str, tuple[str, Callable[[SystemSnapshot], float]]] = {
    "inbox_entries": ("Entries that wait for a worker", lambda one: one.backlog.inbox.count),
    "inbox_oldest_seconds": ("Age of the oldest entry", lambda one: one.backlog.inbox.oldest_s),
    "outbox_replies": ("Replies that are not settled", lambda one: one.backlog.outbox.count),
    "outbox_oldest_seconds": ("Age of the oldest", lambda one: one.backlog.outbox.oldest_s),
    "holds": ("Opt-outs that block and are not applied", lambda one: one.backlog.holds.count),
    "hold_oldest_seconds": ("Age of the oldest hold", lambda one: one.backlog.holds.oldest_s),
    "reviews": ("Texts in review", lambda one: one.backlog.reviews.count),
    "review_oldest_seconds": ("Age of the oldest", lambda one: one.backlog.reviews.oldest_s),
    "dead_letters": ("Replies that failed, to retry or dismiss", lambda one: one.backlog.dead),
    "deliveries_pending": ("For your own programs", lambda one: one.backlog.deliveries.count),
    "delivery_oldest_seconds": ("Age of the oldest", lambda one: one.backlog.deliveries.oldest_s),
    "deliveries_failed": ("Failed after a day", lambda one: one.backlog.deliveries_failed),
    "ledger_events": ("Events that wait for the records", lambda one: one.ledger.count),
    "ledger_oldest_seconds": ("How far the records are behind", lambda one: one.ledger.oldest_s),
    "store_memory_ratio": ("Share of its maxmemory that Redis uses", lambda one: one.memory),
}


def blueprint(store: Store, monitor: Monitor, keys: ApiKeyGuard) -> Blueprint:
    """Return the route."""
    routes = Blueprint("metrics", __name__)

    @routes.get("/metrics")
    def metrics() -> Response:
        """Answer in the text format that the caller understands."""
        keys.check_monitor_key("metrics", request.environ)
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return Response(encode(MetricsCollector(store, monitor)), content_type=content_type)

    return routes


class MetricsCollector(Collector):
    """Reads the store when collected; shows a store that is away as such, not as an error."""

    def __init__(self, store: Store, monitor: Monitor) -> None:
        self._store, self._monitor = store, monitor

    def collect(self) -> Iterable[Metric]:
        """Every metric that can be read."""
        state = self._monitor.look(make_folder=True)
        yield _gauge("build_info", "Which smsgate answers", {__version__: 1}, "version")
        says = "Whether webhooks are accepted: into Redis, or onto the disk of the answering host"
        yield _gauge("accepts", says, state.accepts)
        ready = {name: name not in state.unusable for name in COLLABORATORS}
        yield _gauge(
            "ready", "Whether a collaborator is well (1) or not (0)", ready, "collaborator"
        )
        held = Counter((one.name, one.severity, one.subject) for one in state.conditions)
        says = "Conditions that hold; doctor and Home say what to do"
        yield _gauge("conditions", says, held, "alert", "severity", "subject")
        if state.snapshot is None:
            yield from _by_host([state.spool], time.time())
            return
        for name, (says, value) in _GAUGES.items():
            yield _gauge(name, says, value(state.snapshot))
        yield from _by_host(state.snapshot.spools, state.snapshot.now_s)
        accepted = {one.name: one.accepted_s for one in state.snapshot.accounts if one.accepted_s}
        says = "When a request was last accepted, to the minute"
        yield _gauge("account_accepted_timestamp_seconds", says, accepted, "account")
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


def _by_host(spools: Collection[SpoolDepth], now_s: float) -> Iterator[Metric]:
    """A host with several data directories has one sample: the sum, and the worst."""
    counts, ages = ({one.host: 0.0 for one in spools} for _ in range(2))
    for one in spools:
        counts[one.host] += one.count
        age_s = one.oldest_s + now_s - one.at_s if one.count else 0.0
        ages[one.host] = max(ages[one.host], age_s)
    yield _gauge("spool_messages", "Messages on a host's disk", counts, "host")
    yield _gauge("spool_oldest_seconds", "How long the oldest of them waits", ages, "host")


def _gauge(
    name: str, says: str, values: float | Mapping[Any, float], *labels: str
) -> GaugeMetricFamily:
    """A gauge: one value, or several by the values of their labels."""
    gauge = GaugeMetricFamily(f"smsgate_{name}", says, labels=labels)
    for key, value in (values if isinstance(values, Mapping) else {(): values}).items():
        gauge.add_metric([key] if isinstance(key, str) else key, value)
    return gauge
