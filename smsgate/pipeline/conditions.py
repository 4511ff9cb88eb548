"""Conditions that need attention, each with its remedy. Pure.

Alerts, the doctor and the dashboard show them. ``docs/alerts.yml`` has the same conditions as rules
for Prometheus; a test compares them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from smsgate.consent.reviews import REVIEW_DEADLINE_US
from smsgate.metrics.snapshot import KINDS, Backlog, ProcessSnapshot, SystemSnapshot
from smsgate.pipeline.archive_report import MANY, MEMORY
from smsgate.pipeline.forwards import GIVEN_UP_US
from smsgate.pipeline.spool import waiting

REVIEW_DEADLINE_S = REVIEW_DEADLINE_US / 1_000_000
MAX_INBOX_AGE_S = 30.0
"""Fifteen rounds of the clock, each of which asks for lost jobs again."""
MAX_OUTBOX_AGE_S = 60.0
"""A fifth of the time that a confirmation has."""
MAX_FORWARD_AGE_S = 600.0
"""Retries after seconds are normal; an application that is down is not."""
MAX_HOLD_AGE_S = 60.0
MAX_RECORDS_LAG_S = 60.0
"""The records are a second behind in normal running."""
WARN_SHARE = 0.5
"""Share of a bound from which on there is a warning, while there is time."""
MEMORY_WARN_SHARE = 0.6
MAX_MIXED_S = 60.0
"""Processes are restarted one after the other."""
WRITES_REFUSED = "SmsgateStoreRefusesWrites"
MAX_REFUSED_REQUESTS = 20
"""In ten minutes. Any public address gets some; more mean a wrong secret or a forger at work."""
MAX_OPT_OUT_LIST_FAILING_S = 3600.0
"""A provider's opt-out list is compared once an hour."""
_SHOWN_SENDERS = 3
_OF_AN_ACCOUNT = frozenset(
    {
        "SmsgateAccountSilent",
        "SmsgateOptOutsBlockedNobody",
        "SmsgateOptOutListFails",
        "SmsgateRefusedBurst",
    }
)
DURABLE = "`appendonly yes`, `appendfsync always`, `maxmemory-policy noeviction` in redis.conf"


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that needs attention."""

    name: str
    """The name of the rule in ``docs/alerts.yml``."""
    subject: str
    is_failure: bool
    """Whether something fails now; otherwise it is a warning."""
    problem: str
    remedy: str
    """The command or setting that helps."""

    @property
    def headline(self) -> str:
        """The problem, with the subject where the problem does not name it."""
        return f"{self.subject}: {self.problem}" if self.name in _OF_AN_ACCOUNT else self.problem


def conditions(snapshot: SystemSnapshot, *, here: str = "") -> list[Condition]:
    """All conditions but those of durability. The spool of the place ``here`` is left out."""
    return [
        *_store(snapshot),
        *_people(snapshot),
        *_spools(snapshot, here),
        *_accounts(snapshot),
    ]


def durability_conditions(snapshot: SystemSnapshot) -> list[Condition]:
    """Settings of Redis that could lose acknowledged writes."""
    return [
        Condition("SmsgateWeakDurability", "durability", False, problem, DURABLE)
        for problem in snapshot.weaknesses
    ]


def _store(snapshot: SystemSnapshot) -> Iterator[Condition]:
    """Conditions of the store, and of all that waits in it while it takes writes."""
    if snapshot.write_obstacle is not None:
        problem = (
            f"{snapshot.write_obstacle.problem}: opt-outs wait on disk, and the gate answers that "
            "it cannot tell"
        )
        yield Condition(WRITES_REFUSED, "store", True, problem, snapshot.write_obstacle.remedy)
        return
    if snapshot.store_obstacle is not None:
        # While the store is rebuilt nothing can be applied or sent; this condition says so alone.
        problem, remedy = snapshot.store_obstacle.problem, snapshot.store_obstacle.remedy
        if snapshot.rebuild is not None:
            begin = "rebuilding the store"
            if snapshot.rebuild.why:
                begin = f"store lost, rebuilding ({snapshot.rebuild.why})"
            problem, remedy = f"{begin}: {snapshot.rebuild.text()} so far", "wait until it is done"
        problem = f"{problem}; nobody can be texted until it is ready"
        yield Condition("SmsgateStoreLost", "store", True, problem, remedy)
        yield from _stopped_processes(snapshot)
        return
    if snapshot.gate_obstacle is not None and not {"web", "clock"} <= {*snapshot.stopped}:
        problem = f"the gate cannot tell, so nobody can be texted: {snapshot.gate_obstacle.problem}"
        yield Condition("SmsgateGateShut", "gate", True, problem, snapshot.gate_obstacle.remedy)
    yield from _stopped_processes(snapshot)
    yield from _configurations(snapshot.processes)
    processes = snapshot.processes
    if processes is not None and not snapshot.backlog.clock and "clock" not in snapshot.stopped:
        problem = f"the clock ({processes.where('clock')}) is running but makes no progress"
        remedy = "check its log, then restart `smsgate run clock`"
        yield Condition("SmsgateClockAway", "clock", True, problem, remedy)
    yield from (*_queues(snapshot), *_forwards(snapshot), *_records(snapshot))


_AWAY = {
    "web": "SmsgateAway",
    "worker": "SmsgateWorkerAway",
    "sender": "SmsgateSenderAway",
    "clock": "SmsgateClockAway",
}
_CONSEQUENCES = {
    "web": "providers get no answer to their webhooks, and the API is down",
    "worker": "opt-outs block, but are not applied or confirmed",
    "sender": "confirmations wait, and after five minutes they are no longer sent",
    "clock": "events do not reach the records, and lost jobs are not recovered",
}
"""What it means that no process of a kind runs."""


def _stopped_processes(snapshot: SystemSnapshot) -> Iterator[Condition]:
    processes, stopped = snapshot.processes, snapshot.stopped
    if processes is None:
        return
    if len(stopped) == len(KINDS):
        problem = "no smsgate process is running: nothing is received, applied or sent"
        remedy = "start `smsgate dev`, or `smsgate run web`, `worker`, `sender` and `clock`"
        yield Condition("SmsgateAway", "processes", True, problem, remedy)
        return
    for kind in stopped:
        last = processes.last_seen.get(kind)
        seen = f" (last seen on {last.host} {_span(last.ago_s)} ago)" if last else ""
        problem = f"no {kind} is running{seen}: {_CONSEQUENCES[kind]}"
        yield Condition(_AWAY[kind], kind, True, problem, f"start `smsgate run {kind}`")


def _configurations(processes: ProcessSnapshot | None) -> Iterator[Condition]:
    """Where processes do not run what operators wrote and saved."""
    if processes is None:
        return
    if processes.mixed_s > MAX_MIXED_S:
        versions = Counter(one.version for one in processes.running)
        found = ", ".join(f"{version} in {count}" for version, count in versions.most_common())
        problem = f"the processes run different versions of the configuration: {found}"
        remedy = "restart the processes that run the older one; doctor lists them"
        yield Condition("SmsgateVersionsDiffer", "processes", False, problem, remedy)
    changed = sorted({f"{path} on {one.host}" for one in processes.running for path in one.changed})
    if changed:
        problem = f"changed and not loaded yet: {', '.join(changed)}"
        remedy = "`smsgate config check`, then restart the processes"
        yield Condition("SmsgateFilesNotLoaded", "configuration", False, problem, remedy)
    held = {one.problem: one for one in processes.running if one.problem}
    for problem, one in held.items():
        text = f"{one.name} on {one.host} keeps older keyword sets and replies: {problem}"
        remedy = "correct the set in the console, or let every process run the same smsgate"
        yield Condition("SmsgateContentNotTaken", "content", True, text, remedy)


def _queues(snapshot: SystemSnapshot) -> Iterator[Condition]:
    """What waits for too long, unless the process that it waits for does not run at all."""
    backlog, stopped = snapshot.backlog, snapshot.stopped
    is_inbox_late = backlog.inbox.oldest_s > MAX_INBOX_AGE_S
    if is_inbox_late and "worker" not in stopped:
        problem = (
            f"{backlog.inbox.count:,} entries wait to be applied, the oldest for "
            f"{_span(backlog.inbox.oldest_s)}"
        )
        remedy = "start another `smsgate run worker`, and check the log of the worker"
        yield Condition("SmsgateInboxStuck", "inbox", True, problem, remedy)
    if backlog.holds.oldest_s > MAX_HOLD_AGE_S and not is_inbox_late and "worker" not in stopped:
        age = _span(backlog.holds.oldest_s)
        problem = f"an opt-out accepted {age} ago is not applied yet"
        remedy = "check `smsgate history NUMBER` and the log of the worker; the number is blocked"
        yield Condition("SmsgateHoldStuck", "holds", True, problem, remedy)
    if backlog.outbox.oldest_s > MAX_OUTBOX_AGE_S and "sender" not in stopped:
        age, failing = _span(backlog.outbox.oldest_s), reply_problems(backlog)
        waiting_replies = f"{backlog.outbox.count:,} replies wait to be sent, the oldest for {age}"
        problem = "; ".join([waiting_replies, *failing])
        remedy = "start another `smsgate run sender`; after 5 min replies are no longer sent"
        if failing:
            remedy = (
                "`smsgate replies list` shows each; check the account at its provider: after 5 min "
                "replies are no longer sent"
            )
        yield Condition("SmsgateOutboxStuck", "outbox", True, problem, remedy)


def reply_problems(backlog: Backlog) -> list[str]:
    """For each account whose replies its provider did not accept: its error, and what waits."""
    is_sample = sum(one.count for one in backlog.replies) < backlog.outbox.count
    return [
        f"account {one.account}: {one.problem}; {'at least ' if is_sample else ''}{one.count:,} "
        f"waiting, the first expires in {_span(max(one.expires_s, 0.0))}"
        for one in backlog.replies
        if one.problem
    ]


def _people(snapshot: SystemSnapshot) -> Iterator[Condition]:
    """What needs a decision of staff."""
    reviews, dead = snapshot.backlog.reviews, snapshot.backlog.dead
    if reviews.oldest_s > REVIEW_DEADLINE_S / 2:
        problem = (
            f"{reviews.count:,} texts need review, the oldest for {_span(reviews.oldest_s)} "
            f"of {_span(REVIEW_DEADLINE_S)}"
        )
        remedy = "`smsgate review list`, then `smsgate review decide`"
        is_over = reviews.oldest_s > REVIEW_DEADLINE_S
        yield Condition("SmsgateReviewsOld", "reviews", is_over, problem, remedy)
    if dead:
        problem = f"{dead:,} {'reply' if dead == 1 else 'replies'} couldn't be sent"
        remedy = "`smsgate replies list --state failed`, then `smsgate replies retry` or `dismiss`"
        yield Condition("SmsgateDeadLetters", "replies", False, problem, remedy)


def _forwards(snapshot: SystemSnapshot) -> Iterator[Condition]:
    forwards, dead = snapshot.backlog.forwards, snapshot.backlog.forwards_dead
    if forwards.oldest_s > MAX_FORWARD_AGE_S and "sender" not in snapshot.stopped:
        problem = (
            f"{forwards.count:,} messages wait for your application, the oldest for "
            f"{_span(forwards.oldest_s)} of {_span(GIVEN_UP_US / 1_000_000)}"
        )
        remedy = "`smsgate deliveries list` shows what your application answers"
        yield Condition("SmsgateForwardsStuck", "forwards", True, problem, remedy)
    if dead:
        problem = f"{dead:,} messages couldn't be delivered to your application"
        remedy = (
            "`smsgate deliveries list --state failed`, then `smsgate deliveries retry` or `dismiss`"
        )
        yield Condition("SmsgateForwardsDead", "forwards", False, problem, remedy)


def _records(snapshot: SystemSnapshot) -> Iterator[Condition]:
    ledger, memory = snapshot.ledger, snapshot.memory
    if ledger.oldest_s > MAX_RECORDS_LAG_S and "clock" not in snapshot.stopped:
        behind = _span(ledger.oldest_s)
        problem = f"the records are {behind} behind: losing Redis now would lose that much"
        remedy = "`smsgate records status` shows the cause"
        yield Condition("SmsgateRecordsLag", "records lag", True, problem, remedy)
    if ledger.count >= MANY * WARN_SHARE or memory >= MEMORY_WARN_SHARE:
        is_full = ledger.count >= MANY or memory >= MEMORY
        problem = (
            f"{ledger.count:,} of {MANY:,} events await the records; Redis uses {memory:.0%} of "
            "its memory"
        )
        remedy = "bring the records' database back, or raise `maxmemory`"
        yield Condition("SmsgateLedgerFull", "ledger", is_full, problem, remedy)


def _spools(snapshot: SystemSnapshot, here: str) -> Iterator[Condition]:
    for one in snapshot.spools:
        if one.problem:
            problem = f"host {one.place}: {one.problem}"
            remedy = "fix it on that host; until then a STOP is lost while Redis is unreachable"
            yield Condition("SmsgateSpoolUnusable", "spool", True, problem, remedy)
        elif one.count and one.place != here:
            age = _span(one.oldest_s)
            problem = f"{waiting(one.count)} on host {one.place}, the oldest {age}"
            remedy = (
                "let `web` on that host reach Redis, then it delivers them by itself; keep its "
                "data directory"
            )
            yield Condition("SmsgateSpool", "spool", True, problem, remedy)


def _accounts(snapshot: SystemSnapshot) -> Iterator[Condition]:
    for one in snapshot.accounts:
        subject, quiet_s = f"account {one.name}", snapshot.now_s - one.accepted_s
        if one.silent_after_s and quiet_s > one.silent_after_s:
            span = _span(quiet_s) if one.accepted_s else "30 d"
            problem = f"no valid request for {span}"
            remedy = (
                f"run `smsgate doctor {one.name}`, and check the webhook in the provider's settings"
            )
            yield Condition("SmsgateAccountSilent", subject, True, problem, remedy)
        if one.refused >= MAX_REFUSED_REQUESTS:
            problem = f"{one.refused} or more requests refused in the last 10 min"
            remedy = (
                f"`smsgate doctor {one.name}` shows why: a wrong secret, a forger, missing texts"
            )
            yield Condition("SmsgateRefusedBurst", subject, False, problem, remedy)
        if one.unblocked:
            shown = ", ".join(map(repr, one.unblocked[:_SHOWN_SENDERS]))
            more = len(one.unblocked) - _SHOWN_SENDERS
            problem = (
                f"opt-outs that blocked nobody, from {shown}{f' and {more} more' * (more > 0)}"
            )
            remedy = (
                "`smsgate history SENDER` says why: set `region`, or add the number that was "
                "texted to a program's `senders`; then opt the person out"
            )
            yield Condition("SmsgateOptOutsBlockedNobody", subject, False, problem, remedy)
        status = one.opt_out_list
        if status is not None and status.problem:
            failing_s = snapshot.now_s - status.failing_since_s
            if failing_s > MAX_OPT_OUT_LIST_FAILING_S:
                problem = (
                    f"the provider's opt-out list could not be compared for {_span(failing_s)}: "
                    f"{status.problem}"
                )
                remedy = f"run `smsgate doctor {one.name}`; the provider's page says what it needs"
                yield Condition("SmsgateOptOutListFails", subject, False, problem, remedy)


def _span(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
