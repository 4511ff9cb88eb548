"""One run: traffic and faults, then quiet, then every check."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import requests

from smsgate.cli.process_groups import ProcessGroups
from smsgate.features.records_admin.comparison import differences
from tests.fakes.twilio_api import Answer, TwilioApi
from tests.faults import checks, ledger, reply_checks
from tests.faults.faults import Faults
from tests.faults.injector import Injector
from tests.faults.model import Model
from tests.faults.sampler import Sampler, ask
from tests.faults.system import FaultSystem
from tests.faults.traffic import Traffic
from tests.journey.system import API_KEY, LONGEST_S, PROCESSES, SID, TOKEN, until

PAGE = 500


@dataclass(frozen=True, slots=True)
class Plan:
    """How long, how many, how hard."""

    seconds: float
    seed: int
    numbers: int = 300
    rate: float = 60.0
    """Runs of texts a second, about."""
    gap_s: float = 1.0
    longest_s: float = 4.0
    """How long anything stays broken."""
    hurry: bool = False
    """Do not wait for the leases of dead senders."""
    drain_s: float = 600.0
    """How long the rest may take to be done; what takes longer hangs."""
    cluster: bool = False
    """The store is a cluster of three, and the queue a server of its own."""
    database_url: str | None = None
    """Of the records; SQLite where there is none."""


@dataclass(slots=True)
class Result:
    """What was done and what was found."""

    faults: Counter[str] = field(default_factory=Counter)
    counts: dict[str, int] = field(default_factory=dict)
    gate: Counter[str] = field(default_factory=Counter)
    slow: list[str] = field(default_factory=list)
    """Starts and ends that took long, which is no fault of smsgate's on a loaded machine."""
    violations: list[tuple[str, str]] = field(default_factory=list)
    """Check, and what it found."""

    def found(self, check: str, problems: Iterable[str]) -> None:
        self.violations += [(check, problem) for problem in problems]


def run(plan: Plan, folder: Path, groups: ProcessGroups, say: Callable[[str], None]) -> Result:
    """Build a system in an empty folder, attack it, let it drain, and check it."""
    offset_s = time.time() - time.monotonic()
    with TwilioApi({SID: TOKEN}) as api:
        system = FaultSystem(
            folder,
            api.url,
            groups,
            plan.seed,
            cluster=plan.cluster,
            database_url=plan.database_url,
        )
        try:
            system.start(*PROCESSES)
            say(f"a system runs in {folder}, seed {plan.seed}")
            model = Model(
                f"+1415{place:07}" for place in range(5_550_000, 5_550_000 + plan.numbers)
            )
            result = _attack(plan, system, api, model, say)
            _check(system, model, reply_checks.by_sender(api.calls, offset_s), result)
            _count(model, api, system, result)
        finally:
            system.close()
    return result


def _attack(
    plan: Plan, system: FaultSystem, api: TwilioApi, model: Model, say: Callable[[str], None]
) -> Result:
    result = Result()
    faults = Faults(system, api, model, plan.seed, longest_s=plan.longest_s)
    traffic = Traffic(system, model, plan.seed, plan.rate)
    sampler = Sampler(system, model, plan.seed)
    traffic.start()
    sampler.start()
    try:
        injector = Injector(faults, plan.seed, plan.seconds, plan.gap_s)
        injector.run()
    finally:
        traffic.end()
        say(f"{faults.injected.total()} faults injected; waiting for the rest to be done")
        left = _drain(plan, system, faults)
        sampler.end()
    result.faults = faults.injected
    result.gate = sampler.answers
    result.slow = system.slow
    result.found("harness", injector.problems)
    result.found("processes", faults.deaths)
    result.found("left over", [f"{count} in {what}" for what, count in left.items()])
    result.found("gate during the run", sampler.violations)
    return result


def _drain(plan: Plan, system: FaultSystem, faults: Faults) -> dict[str, int]:
    """Wait until nothing is left to do; gives what is left when that takes too long."""
    if plan.hurry:
        system.kill("sender")
        system.expire_leases()
        system.start("sender")
    deadline = time.monotonic() + plan.drain_s
    while (left := system.left_over()) and time.monotonic() < deadline:
        faults.revive()
        time.sleep(0.1)
    return left


def _check(
    system: FaultSystem, model: Model, calls: dict[str, list[reply_checks.Sent]], result: Result
) -> None:
    records = ledger.read(system)
    checks.add_refusals(model, records)
    result.found("answers", checks.check_answers(model))
    it = system.services
    result.found("chain of the records", map(str, it.records.verifier.verify()))
    result.found("store and records", map(str, differences(it.archiver)))
    result.found("one event each", checks.check_events(model, records))
    result.found("order", checks.check_order(model, records))
    result.found("final state", checks.check_states(model, records, _states(system, model)))
    result.found("replies", reply_checks.check_replies(model, records, calls, system.sender_stops))
    result.found("provider refusals", reply_checks.check_refusals(model, records, calls))
    result.counts |= records.outcomes()
    result.counts["replies given up without a call"] = reply_checks.unanswered(records, calls)


def _states(system: FaultSystem, model: Model) -> dict[str, str]:
    """What the gate says of every number, over HTTP."""
    states = {}
    numbers = [number.number for number in model.numbers]
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {API_KEY}"
        for at in range(0, len(numbers), PAGE):
            page = numbers[at : at + PAGE]
            results = until(lambda page=page: ask(session, system.url, page), LONGEST_S)
            for result in results:
                blocked = result["allowed"] is not True
                states[str(result["number"])] = "blocked" if blocked else "allowed"
    return {number: states.get(number, "unknown") for number in numbers}


def _count(model: Model, api: TwilioApi, system: FaultSystem, result: Result) -> None:
    messages = list(model.messages)
    attempts = [attempt for message in messages for attempt in message.attempts]
    left, for_ever = system.jobs_left()
    result.found("RQ jobs that stay for ever", for_ever)
    result.counts |= {
        "messages": len(messages),
        "deliveries": len(attempts),
        "acknowledged messages": sum(one.acknowledged for one in messages),
        "messages never acknowledged": sum(not one.acknowledged for one in messages),
        "answers 503": sum(one.status == 503 for one in attempts),
        "answers lost": sum(one.status == 0 for one in attempts),
        "replies cut by the proxy": sum(proxy.cuts for proxy in system.proxies),
        "RQ jobs left behind": left,
        "RQ jobs left behind for ever": len(for_ever),
        "calls to the provider": len(api.calls),
        "calls that were no 201": sum(one.answer != Answer() and not one.sid for one in api.calls),
    }
