"""The conditions that an operator must know of, and which of them hold in a snapshot. Pure.

Their words stand in ``conditions.toml``: Home, doctor, ``/readyz`` and alerts show them, and
``docs/alerts.yml`` is made of them (``make alerts``). ``monitor.py`` finds which hold.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from importlib import resources
from types import MappingProxyType
from typing import Literal

import msgspec

from smsgate.consent.reviews import REVIEW_DEADLINE_US
from smsgate.domain.errors import Obstacle
from smsgate.metrics.snapshot import KINDS, Backlog, ProcessSnapshot, SpoolDepth, SystemSnapshot

REVIEW_DEADLINE_S = REVIEW_DEADLINE_US / 1_000_000
MAX_INBOX_AGE_S = 30.0
"""Fifteen rounds of the clock, each of which asks for lost jobs again."""
MAX_OUTBOX_AGE_S = 60.0
"""A fifth of the time that a confirmation has."""
MAX_DELIVERY_AGE_S = 600.0
"""Retries after seconds are normal; an application that is down is not."""
MAX_HOLD_AGE_S = 60.0
MAX_RECORDS_LAG_S = 60.0
"""The records are a second behind in normal running."""
MANY = 200_000
"""Events that wait before there is an alarm; some 300 MB of Redis's memory."""
MEMORY = 0.8
"""Share of ``maxmemory`` that Redis uses before there is an alarm."""
WARN_SHARE = 0.5
"""Share of a bound from which on there is a warning, while there is time."""
MEMORY_WARN_SHARE = 0.6
MAX_MIXED_S = 60.0
"""Processes are restarted one after the other."""
MAX_REFUSED_REQUESTS = 20
"""In ten minutes. Any public address gets some; more mean a wrong secret or a forger at work."""
MAX_OPT_OUT_LIST_FAILING_S = 3600.0
"""A provider's opt-out list is compared once an hour."""
_SHOWN = 3
"""Senders and reasons that are named; the others are counted."""
Severity = Literal["page", "ticket"]


class Condition(msgspec.Struct, frozen=True, rename={"for_": "for"}):
    """One thing that needs attention now, or an entry of ``conditions.toml``, which has no subject.

    That file says what each field is for.
    """

    name: str
    severity: Severity
    title: str
    """What is wrong: a sentence without its full stop."""
    text: str
    """Figures and causes, and what to do, in whole sentences for the console."""
    command: str = ""
    collaborator: str = ""
    page: tuple[str, str] = ("", "")
    expr: str = ""
    for_: str = ""
    subject: str = ""
    """What it is about, such as ``outbox`` or a collaborator; name and subject identify it."""

    @property
    def id(self) -> str:
        """The same for the same condition, as long as it lasts."""
        return f"{self.name} {self.subject}"

    @property
    def sentences(self) -> str:
        """What is wrong, and what to do."""
        return f"{self.title}. {self.text}"

    @property
    def is_failure(self) -> bool:
        """Whether something fails now; otherwise it is a warning."""
        return self.severity == "page"


def _read_table() -> Mapping[str, Condition]:
    text = resources.files(__package__).joinpath("conditions.toml").read_text("utf-8")
    return MappingProxyType(msgspec.convert(tomllib.loads(text), dict[str, Condition]))


TABLE = _read_table()
"""Every kind of condition, by its key in ``conditions.toml``."""


def condition(
    key: str, subject: str, detail: str = "", command: str = "", **figures: str
) -> Condition:
    """A condition of the table that holds now.

    ``detail`` says more about this one, ``command`` replaces the general one, and ``figures`` are
    the placeholders of the title.
    """
    kind = TABLE[key]
    detail = f"{detail[:1].upper()}{detail[1:].rstrip('.')}. " if detail else ""
    return msgspec.structs.replace(
        kind,
        subject=subject,
        title=kind.title.format_map(figures),
        text=detail + kind.text,
        command=command or kind.command.format_map(figures),
    )


def prometheus_rules() -> str:
    """The content of ``docs/alerts.yml``: the table as rules for Prometheus."""
    labels = ("account", "address", "collaborator", "host")
    figures = {name: f"{{{{ $labels.{name} }}}}" for name in labels} | {
        "age": "{{ $value | humanizeDuration }}",
        "count": "{{ $value | humanize }}",
        "messages": "{{ $value }} messages",
        "replies": "{{ $value }} replies",
        "reasons": "",
    }
    lines = [
        "# Rules for Prometheus: put this file under `rule_files:`. `smsgate doctor` has the same",
        "# conditions with the same bounds. Made by `make alerts` from monitoring/conditions.toml.",
        "groups:",
        "  - name: smsgate",
        "    rules:",
    ]
    for kind in (one for one in TABLE.values() if one.expr):
        lines += [f"      - alert: {kind.name}", f"        expr: {_quoted(kind.expr)}"]
        lines += [f"        for: {kind.for_}"] * bool(kind.for_)
        lines += [f"        labels: {{severity: {kind.severity}}}", "        annotations:"]
        texts = {"summary": kind.title, "remedy": kind.text, "command": kind.command}
        lines += [
            f"          {name}: {_quoted(text.format_map(figures))}" for name, text in texts.items()
        ]
    return "\n".join([*lines, ""])


def _quoted(text: str) -> str:
    """A string of YAML."""
    return "'" + text.replace("'", "''") + "'"


def conditions(snapshot: SystemSnapshot) -> list[Condition]:
    """All that hold, as far as the store and what it was told show it."""
    return [
        *_store(snapshot),
        *_people(snapshot),
        *spool_conditions(snapshot.spools),
        *_accounts(snapshot),
        *(
            condition("alerts_fail", address, problem, address=address)
            for address, problem in snapshot.alert_failures.items()
        ),
        *_durability(snapshot),
    ]


def _durability(snapshot: SystemSnapshot) -> Iterator[Condition]:
    """Settings of Redis that could lose acknowledged writes, or opt-outs."""
    evicting = [one for one in snapshot.weaknesses if one.startswith("maxmemory-policy")]
    weak = [one for one in snapshot.weaknesses if one not in evicting]
    if evicting:
        yield condition("may_evict", "eviction", evicting[0])
    if weak:
        yield condition("weak_durability", "store", "; ".join(weak))


def _store(snapshot: SystemSnapshot) -> Iterator[Condition]:
    """Conditions of the store, and of all that waits in it while it takes writes."""
    if snapshot.write_obstacle is not None:
        yield hindered("store_refuses_writes", snapshot.write_obstacle)
        return
    if snapshot.store_obstacle is not None:
        # While the store is rebuilt nothing can be applied or sent; this condition says so alone.
        obstacle = snapshot.store_obstacle
        if snapshot.rebuild is not None:
            begin = "rebuilding the store"
            if snapshot.rebuild.why:
                begin = f"store lost, rebuilding ({snapshot.rebuild.why})"
            problem = f"{begin}: {snapshot.rebuild.text()} so far"
            obstacle = Obstacle(problem, "wait until it is done")
        yield hindered("store_lost", obstacle)
        yield from _stopped_processes(snapshot)
        return
    if snapshot.gate_obstacle is not None and not {"web", "clock"} <= {*snapshot.stopped}:
        yield hindered("gate_shut", snapshot.gate_obstacle)
    yield from _stopped_processes(snapshot)
    yield from _configurations(snapshot.processes)
    processes = snapshot.processes
    if processes is not None and not snapshot.backlog.clock and "clock" not in snapshot.stopped:
        yield condition("clock_stuck", "clock", f"it runs: {processes.where('clock')}")
    yield from (*_queues(snapshot), *_deliveries(snapshot), *_records(snapshot))


def hindered(key: str, obstacle: Obstacle) -> Condition:
    """A condition of the store with its cause and what removes that."""
    return condition(key, "store", obstacle.problem, obstacle.remedy)


def _stopped_processes(snapshot: SystemSnapshot) -> Iterator[Condition]:
    processes, stopped = snapshot.processes, snapshot.stopped
    if processes is None:
        return
    if len(stopped) == len(KINDS):
        yield condition("all_away", "processes")
        return
    for kind in stopped:
        yield condition("away" if kind == "web" else f"{kind}_away", kind)


def _configurations(processes: ProcessSnapshot | None) -> Iterator[Condition]:
    """Where processes do not run what operators wrote and saved."""
    if processes is None:
        return
    if processes.mixed_s > MAX_MIXED_S:
        versions = Counter(one.version for one in processes.running)
        found = ", ".join(f"{version} in {count}" for version, count in versions.most_common())
        yield condition("versions_differ", "processes", f"they run {found}")
    changed = sorted({f"{path} on {one.host}" for one in processes.running for path in one.changed})
    if changed:
        yield condition("files_not_loaded", "configuration", f"changed: {', '.join(changed)}")
    held = {one.problem: one for one in processes.running if one.problem}
    for problem, one in held.items():
        where = f"{one.name} on {one.host}"
        yield condition("content_not_taken", f"content of {where}", f"{where}: {problem}")


def _queues(snapshot: SystemSnapshot) -> Iterator[Condition]:
    """What waits for too long, unless the process that it waits for does not run at all."""
    backlog, stopped = snapshot.backlog, snapshot.stopped
    inbox, outbox = backlog.inbox, backlog.outbox
    is_inbox_late = inbox.oldest_s > MAX_INBOX_AGE_S
    if is_inbox_late and "worker" not in stopped:
        waiting = f"{inbox.count:,} entries wait"
        yield condition("inbox_stuck", "inbox", waiting, age=span(inbox.oldest_s))
    if backlog.holds.oldest_s > MAX_HOLD_AGE_S and not is_inbox_late and "worker" not in stopped:
        yield condition("hold_stuck", "holds", age=span(backlog.holds.oldest_s))
    if "sender" not in stopped:
        if outbox.oldest_s > MAX_OUTBOX_AGE_S:
            details = "; ".join([f"{outbox.count:,} wait", *reply_problems(backlog).values()])
            yield condition("outbox_stuck", "outbox", details, age=span(outbox.oldest_s))
        else:
            for account, problem in reply_problems(backlog).items():
                subject = f"account {account}"
                yield condition("replies_not_accepted", subject, problem, account=account)


def reply_problems(backlog: Backlog) -> dict[str, str]:
    """By account whose replies its provider did not accept: its error, and what waits."""
    is_sample = sum(one.count for one in backlog.replies) < backlog.outbox.count
    return {
        one.account: f"account {one.account}: {one.problem}; "
        f"{'at least ' if is_sample else ''}{one.count:,} "
        f"waiting, the first expires in {span(max(one.expires_s, 0.0))}"
        for one in backlog.replies
        if one.problem
    }


def _people(snapshot: SystemSnapshot) -> Iterator[Condition]:
    """What needs a decision of staff."""
    reviews, dead = snapshot.backlog.reviews, snapshot.backlog.dead
    if reviews.oldest_s > REVIEW_DEADLINE_S / 2:
        key = "reviews_overdue" if reviews.oldest_s > REVIEW_DEADLINE_S else "reviews_old"
        waiting = f"{_count(reviews.count, 'text')} in review"
        yield condition(key, "reviews", waiting, age=span(reviews.oldest_s))
    if dead:
        replies = "1 reply" if dead == 1 else f"{dead:,} replies"
        reasons = _reasons(snapshot.backlog)
        yield condition("dead_letters", "replies", replies=replies, reasons=reasons)


def _reasons(backlog: Backlog) -> str:
    """Where replies failed and why, the most frequent first."""
    causes = [f"at {account}: {why}" for account, why, _ in backlog.dead_reasons]
    if len(causes) == 1:
        return f" {causes[0]}"
    counted = [
        f"{count:,} {cause}"
        for (_, _, count), cause in zip(backlog.dead_reasons, causes, strict=True)
    ]
    return f": {'; '.join(counted[:_SHOWN])}{' …' * (len(counted) > _SHOWN)}" if counted else ""


def _deliveries(snapshot: SystemSnapshot) -> Iterator[Condition]:
    pending, failed = snapshot.backlog.deliveries, snapshot.backlog.deliveries_failed
    if pending.oldest_s > MAX_DELIVERY_AGE_S and "sender" not in snapshot.stopped:
        waiting = f"{_count(pending.count, 'message')} waiting"
        yield condition("deliveries_stuck", "deliveries", waiting, age=span(pending.oldest_s))
    if failed:
        yield condition("deliveries_failed", "deliveries", messages=_count(failed, "message"))


def _records(snapshot: SystemSnapshot) -> Iterator[Condition]:
    ledger, memory = snapshot.ledger, snapshot.memory
    if ledger.oldest_s > MAX_RECORDS_LAG_S and "clock" not in snapshot.stopped:
        yield condition("records_lag", "records", age=span(ledger.oldest_s))
    if ledger.count >= MANY * WARN_SHARE or memory >= MEMORY_WARN_SHARE:
        key = "ledger_full" if ledger.count >= MANY or memory >= MEMORY else "ledger_filling"
        waiting = (
            f"{ledger.count:,} of {MANY:,} events await the records; Redis uses {memory:.0%} of "
            "its memory"
        )
        yield condition(key, "records", waiting)


def spool_conditions(spools: Iterable[SpoolDepth]) -> Iterator[Condition]:
    """Those of the spools of hosts."""
    for one in spools:
        subject = f"spool of {one.place}"
        if one.problem:
            yield condition("spool_unusable", subject, one.problem, host=one.place)
        elif one.count:
            messages, age = _count(one.count, "message"), span(one.oldest_s)
            detail = f"the oldest has waited {age}"
            yield condition("spool", subject, detail, messages=messages, host=one.place)


def _accounts(snapshot: SystemSnapshot) -> Iterator[Condition]:
    for one in snapshot.accounts:
        name, quiet_s = one.name, snapshot.now_s - one.accepted_s
        subject = f"account {name}"
        if not one.has_secret:
            yield condition("account_without_secret", subject, account=name)
        if one.silent_after_s and quiet_s > one.silent_after_s:
            last = f"the last came {span(quiet_s)} ago" if one.accepted_s else "none came in 30 d"
            yield condition("account_silent", subject, last, account=name)
        if one.refused >= MAX_REFUSED_REQUESTS:
            yield condition("refused_burst", subject, account=name, count=f"{one.refused:,}")
        if one.unblocked:
            shown = ", ".join(map(repr, one.unblocked[:_SHOWN]))
            more = len(one.unblocked) - _SHOWN
            senders = f"they came from {shown}{f' and {more} more' * (more > 0)}"
            yield condition("blocked_nobody", subject, senders, account=name)
        status = one.opt_out_list
        if status is not None and status.problem:
            failing_s = snapshot.now_s - status.failing_since_us / 1_000_000
            if failing_s > MAX_OPT_OUT_LIST_FAILING_S:
                age, problem = span(failing_s), status.problem
                yield condition("opt_out_list_fails", subject, problem, account=name, age=age)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"


def span(seconds: float) -> str:
    """Return a duration in words, such as ``12 min``."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
