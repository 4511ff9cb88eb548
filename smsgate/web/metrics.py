"""``/metrics``: everything that is counted and measured, for Prometheus.

Any web process answers for all processes and hosts, so one address is to be scraped, also that
of a load balancer. It wants a key: what is counted tells how a business is doing, and asking
costs round trips.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import accumulate

from flask import Blueprint, Response, request
from prometheus_client import CollectorRegistry
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
from smsgate.metrics.counters import FAMILIES, Family, FamilyValues, bounds_of, by_family
from smsgate.metrics.snapshot import (
    KINDS,
    ProcessSnapshot,
    RebuildProgress,
    SpoolDepth,
    SystemSnapshot,
)
from smsgate.pipeline.archive_report import MANY
from smsgate.pipeline.conditions import REVIEW_DEADLINE_S
from smsgate.pipeline.monitoring import spool_of_this_host, take_snapshot
from smsgate.pipeline.readiness import ACCEPTS, is_well
from smsgate.pipeline.services import Services
from smsgate.web.api_key_guard import ApiKeyGuard

_PREFIX = "smsgate_"
_ACCEPTS = (
    "Whether webhooks are accepted (1): into Redis, or onto the disk of the host that answers"
)
_READY = "Whether a collaborator is well (1) or not (0)"


def blueprint(services: Services, keys: ApiKeyGuard) -> Blueprint:
    """Return the route."""
    routes = Blueprint("metrics", __name__)

    @routes.get("/metrics")
    def metrics() -> Response:
        """Answer in the text format that the caller understands."""
        keys.check_monitor_key("metrics", request.environ)
        registry = CollectorRegistry(auto_describe=False)
        registry.register(MetricsCollector(services))
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return Response(encode(registry), content_type=content_type)

    return routes


class MetricsCollector(Collector):
    """Reads the store when collected; shows a store that is away as such, not as an error."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterable[Metric]:
        """Every metric that can be read."""
        services = self._services
        yield _gauge("build_info", "Which smsgate answers", {__version__: 1.0}, "version")
        ready = {name: float(is_well(state)) for name, state in services.readiness.ready().items()}
        yield _gauge("accepts", _ACCEPTS, {"": ready.pop(ACCEPTS)})
        yield _gauge("ready", _READY, ready, "collaborator")
        try:
            snapshot = take_snapshot(services.store, services.settings, services.spool)
            sums = by_family(services.store.metrics.sums())
        except StoreUnavailable:
            here = spool_of_this_host(services.spool)
            yield from _by_host([here] if here is not None else [], time.time())
            return
        yield from _snapshot_metrics(snapshot)
        for family in FAMILIES:
            yield _family_metric(family, sums[family.name])


def _family_metric(family: Family, found: FamilyValues) -> Metric:
    name = _PREFIX + family.name
    if not family.buckets:
        counter = CounterMetricFamily(name, family.says, labels=family.labels)
        for labels, count in sorted(found.counts.items()):
            counter.add_metric(labels, count)
        return counter
    histogram = HistogramMetricFamily(name, family.says, labels=family.labels)
    bounds = [bound.replace("inf", "+Inf") for bound in bounds_of(family)]
    for labels, times in sorted(found.times.items()):
        below = accumulate(times.buckets)
        histogram.add_metric(
            labels, [*zip(bounds, map(float, below), strict=True)], times.sum_us / 1_000_000
        )
    return histogram


def _snapshot_metrics(snapshot: SystemSnapshot) -> Iterator[Metric]:
    backlog = snapshot.backlog
    for name, says, value in (
        ("inbox_entries", "Entries of the inbox that wait for a worker", backlog.inbox.count),
        ("inbox_oldest_seconds", "How long the oldest entry has waited", backlog.inbox.oldest_s),
        ("outbox_replies", "Replies that are not settled", backlog.outbox.count),
        ("holds", "Opt-outs that block and are not applied yet", backlog.holds.count),
        ("hold_oldest_seconds", "How long the oldest hold has lasted", backlog.holds.oldest_s),
        ("reviews", "Texts in review", backlog.reviews.count),
        (
            "review_oldest_seconds",
            "How long the oldest of them waits",
            backlog.reviews.oldest_s,
        ),
        ("review_deadline_seconds", "How long a text may be in review", REVIEW_DEADLINE_S),
        ("dead_letters", "Replies that failed, to retry or dismiss", backlog.dead),
        ("deliveries_pending", "What waits for your own programs", backlog.deliveries.count),
        (
            "delivery_oldest_seconds",
            "How long the oldest of them waits",
            backlog.deliveries.oldest_s,
        ),
        (
            "deliveries_failed",
            "What your own programs did not accept within a day",
            backlog.deliveries_failed,
        ),
        ("ledger_events", "Events that wait for the records", snapshot.ledger.count),
        ("ledger_events_bound", "At how many waiting events smsgate is not ready", MANY),
        ("ledger_oldest_seconds", "How far the records are behind", snapshot.ledger.oldest_s),
        ("store_memory_ratio", "Share of its maxmemory that Redis uses", snapshot.memory),
        ("store_weaknesses", "Settings of Redis that could lose writes", len(snapshot.weaknesses)),
        (
            "store_lost",
            "Whether the store is not ready: lost, new or rebuilding",
            bool(snapshot.store_obstacle),
        ),
        ("store_writable", "Whether Redis takes writes", snapshot.write_obstacle is None),
        (
            "gate_open",
            "Whether the gate answers (1) or cannot tell (0)",
            snapshot.gate_obstacle is None and snapshot.store_obstacle is None,
        ),
    ):
        yield _gauge(name, says, {"": float(value)})
    if snapshot.processes is not None:
        says = "Whether a process clock does its rounds"
        yield _gauge("clock_running", says, {"": float(backlog.clock)})
        yield _processes(snapshot.processes)
        running = snapshot.processes.running
        for name, says, number in (
            (
                "configurations_mixed_seconds",
                "How long processes have run different versions of the configuration",
                snapshot.processes.mixed_s,
            ),
            (
                "configuration_files_not_loaded",
                "Processes whose files were changed since they read them",
                sum(bool(one.changed) for one in running),
            ),
            (
                "content_not_taken",
                "Processes that cannot use the newest keyword sets and replies",
                sum(bool(one.problem) for one in running),
            ),
        ):
            yield _gauge(name, says, {"": float(number)})
    if snapshot.rebuild is not None:
        yield from _rebuild(snapshot.rebuild)
    yield from _by_host(snapshot.spools, snapshot.now_s)
    yield from _by_account(snapshot)


def _processes(processes: ProcessSnapshot) -> Metric:
    """A kind that runs nowhere has one sample of 0 without a host."""
    says = "Processes that gave a heartbeat in the last seconds"
    gauge = GaugeMetricFamily(f"{_PREFIX}processes", says, labels=["kind", "host"])
    for kind in KINDS:
        for host, count in (processes.hosts(kind) or {"": 0}).items():
            gauge.add_metric([kind, host], count)
    return gauge


def _rebuild(progress: RebuildProgress) -> Iterator[Metric]:
    done = {progress.what: float(progress.done)}
    yield _gauge("rebuild_done", "How many a rebuild of the store has restored", done, "what")
    if progress.total:
        total = {progress.what: float(progress.total)}
        yield _gauge("rebuild_expected", "How many there are to restore", total, "what")


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
    accepted = {one.name: one.accepted_s for one in snapshot.accounts if one.accepted_s}
    waits = {one.name: 0.0 for one in snapshot.accounts}
    waits |= {one.account: one.oldest_s for one in snapshot.backlog.replies}
    says = "How long ago the message came that the oldest waiting reply answers"
    yield _gauge("outbox_oldest_seconds", says, waits, "account")
    failing = dict.fromkeys(waits, 0.0)
    failing |= {one.account: float(one.count) for one in snapshot.backlog.replies if one.problem}
    says = "Waiting replies of an account whose provider did not accept the last attempt"
    yield _gauge("outbox_not_accepted", says, failing, "account")
    says = "When a request was last accepted, to the minute"
    yield _gauge("account_accepted_timestamp_seconds", says, accepted, "account")
    silent = {one.name: one.silent_after_s for one in snapshot.accounts if one.silent_after_s}
    says = "How long an account may be silent (silent_hours)"
    yield _gauge("account_silent_after_seconds", says, silent, "account")
    unblocked = {one.name: float(len(one.unblocked)) for one in snapshot.accounts}
    says = "Senders of opt-outs that blocked nobody, in the last week"
    yield _gauge("opt_outs_blocked_nobody", says, unblocked, "account")
    yield from _opt_out_lists(snapshot)
    failing = dict.fromkeys(snapshot.alert_failures, 1.0)
    yield _gauge(
        "alerts_failing", "Addresses that did not take the newest alert", failing, "address"
    )


def _opt_out_lists(snapshot: SystemSnapshot) -> Iterator[Metric]:
    """What is not known has no sample."""
    lists = {one.name: one.opt_out_list for one in snapshot.accounts if one.opt_out_list}
    failing = {
        name: snapshot.now_s - one.failing_since_s if one.problem else 0.0
        for name, one in lists.items()
    }
    says = "Since when the provider's own opt-out list could not be compared; 0 where it can"
    yield _gauge("opt_out_list_failing_seconds", says, failing, "account")
    says = "Opt-outs that the provider's own list and ours do not share, when it was last read"
    gauge = GaugeMetricFamily(
        f"{_PREFIX}opt_out_list_differences", says, labels=["account", "only"]
    )
    compared = [(name, one.comparison) for name, one in lists.items() if one.comparison]
    for name, comparison in compared:
        gauge.add_metric([name, "there"], comparison.there_only)
        if comparison.here_only is not None:
            gauge.add_metric([name, "here"], comparison.here_only)
    yield gauge
    read = {name: comparison.at_s for name, comparison in compared}
    says = "When the provider's own opt-out list was last read to its end"
    yield _gauge("opt_out_list_read_timestamp_seconds", says, read, "account")


def _gauge(name: str, says: str, values: Mapping[str, float], label: str = "") -> GaugeMetricFamily:
    gauge = GaugeMetricFamily(_PREFIX + name, says, labels=[label] if label else [])
    for one, value in values.items():
        gauge.add_metric([one] if label else [], value)
    return gauge
