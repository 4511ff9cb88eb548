"""What is broken, one kind a function; each breaks something and puts it right again."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping

import psycopg

from smsgate.store.outbox import LEASE_MS
from tests.fakes.cluster import ClusterNode
from tests.fakes.twilio_api import Answer, Drop, Hang, Step, TwilioApi
from tests.faults.model import Model
from tests.faults.system import NOBODY, FaultSystem, Node
from tests.journey.system import PROCESSES

Fault = Callable[[], None]
LONG_S = 4.0
"""Where anything may stay broken so long, a fault may also take half a minute."""


class Faults:
    """The kinds: of processes and the provider, and of the store; the two lots may overlap."""

    def __init__(
        self, system: FaultSystem, api: TwilioApi, model: Model, seed: int, *, longest_s: float
    ) -> None:
        """``longest_s``: how long anything stays broken."""
        self.injected: Counter[str] = Counter()
        self.deaths: list[str] = []
        self._system = system
        self._api = api
        self._model = model
        self._rng = random.Random(seed)
        self._longest_s = longest_s
        self._pause = threading.Event()

    @property
    def of_processes(self) -> Mapping[str, Fault]:
        slow = {"sender: stalls past its lease": self._sender_past_its_lease}
        return self._quick | (slow if self._longest_s >= LONG_S else {})

    @property
    def _quick(self) -> dict[str, Fault]:
        return {
            # First, while everything is well: later there may be nothing to refuse.
            "provider: 21610": self._opted_out,
            "provider: time-out": self._provider(Hang()),
            "web: kill -9 of one worker": self._web_child,
            "sender: kill -9 in a call": self._sender_in_a_call,
            "provider: dropped after the request": self._provider(Drop()),
            "worker: kill -9 in a backlog": self._worker_in_a_backlog,
            "provider: 429, Retry-After": self._provider(Answer(429, 20429, retry_after="1")),
            "web: kill -9 of all": self._killed("web"),
            "worker: two, one of them stalls": self._stalls_beside_another("worker"),
            "provider: 500": self._provider(Answer(500)),
            "worker: kill -9": self._killed("worker"),
            "one of them: SIGTERM and a new one": self._deployed,
            "sender: two, one of them stalls": self._stalls_beside_another("sender"),
            "clock: kill -9": self._killed("clock"),
            "sender: kill -9": self._killed("sender"),
        }

    @property
    def of_the_store(self) -> Mapping[str, Fault]:
        records = {"records: connections ended": self._records_disconnected}
        return (records if self._system.database_url is not None else {}) | {
            "redis: kill -9": self._redis_killed,
            "redis: hangs (SIGSTOP)": self._redis_hangs,
            "redis: cut in a reply": self._redis_cut,
            "redis: cut in a script's reply": self._redis_cut_in_scripts,
            "redis: OOM": self._redis_oom,
            "redis: READONLY": self._redis_readonly,
            "redis: scripts forgotten": self._redis_forgets_scripts,
        }

    def inject(self, kind: str, fault: Fault) -> None:
        fault()
        self.injected[kind] += 1

    def revive(self) -> None:
        """Note and restart processes that ended although nobody ended them."""
        for name in self._system.died():
            self.deaths.append(f"{name} ended by itself at {time.time():.3f}")
            self._system.bury(name)
            self._system.start(name)

    # --- processes --------------------------------------------------------------------------

    def _killed(self, name: str) -> Fault:
        def kill() -> None:
            self._system.kill(name)
            self._wait(0, self._longest_s / 3)
            self._system.start(name)

        return kill

    def _deployed(self) -> None:
        name = self._rng.choice(PROCESSES)
        self._system.end(name)
        self._system.start(name)

    def _web_child(self) -> None:
        self._system.kill_child("web")
        self._wait(0, self._longest_s / 3)

    def _worker_in_a_backlog(self) -> None:
        """Let work pile up, then kill the worker in the middle of it."""
        self._system.signal("worker", signal.SIGSTOP)
        self._wait(0.3, 0.8)
        self._system.signal("worker", signal.SIGCONT)
        self._wait(0, 0.08)
        self._killed("worker")()

    def _sender_in_a_call(self) -> None:
        """Make the provider slow, so that the kill finds calls under way."""
        self._wait_for_a_call()
        self._killed("sender")()

    def _sender_past_its_lease(self) -> None:
        """Stop a sender in the middle of a call until another one has given its reply up."""
        self._wait_for_a_call()
        self._system.signal("sender", signal.SIGSTOP)
        second = self._system.start_second("sender")
        self._wait(LEASE_MS / 1000 + 1, LEASE_MS / 1000 + 3)
        self._system.signal("sender", signal.SIGCONT)
        self._wait(0.5, 1)
        self._system.kill(second)

    def _wait_for_a_call(self) -> None:
        before = len(self._api.calls)
        self._api.script(*[Answer(after_s=0.6)] * 6)
        deadline = time.monotonic() + self._longest_s
        while len(self._api.calls) == before and time.monotonic() < deadline:
            self._wait(0.01, 0.02)
        self._wait(0, 0.2)

    def _stalls_beside_another(self, name: str) -> Fault:
        """Let work pile up, stop a process in the middle of it, let another one do it meanwhile."""

        def stall() -> None:
            second = self._system.start_second(name)
            self._wait(0.7, self._longest_s / 2)
            for _ in range(4):
                for one in (name, second):
                    self._system.signal(one, signal.SIGSTOP)
                self._wait(0.1, 0.4)
                self._system.signal(name, signal.SIGCONT)
                self._wait(0, 0.03)
                self._system.signal(name, signal.SIGSTOP)
                self._system.signal(second, signal.SIGCONT)
                self._wait(0.1, 0.4)
                self._system.signal(name, signal.SIGCONT)
            self._system.kill(second)

        return stall

    def _provider(self, step: Step) -> Fault:
        return lambda: self._api.script(*[step] * self._rng.randint(1, 4))

    def _opted_out(self) -> None:
        """The provider knows of opt-outs that we do not know."""
        numbers = [number.number for number in self._model.numbers]
        before = len(self._api.calls)
        self._api.opted_out = set(self._rng.sample(numbers, len(numbers) * 4 // 5))
        deadline = time.monotonic() + 3 * self._longest_s
        while self._refused_since(before) < 5 and time.monotonic() < deadline:
            self._wait(0.05, 0.1)
        self._api.opted_out = set()

    def _refused_since(self, before: int) -> int:
        """Refusals of what is no confirmation of an opt-out: those that have to suppress."""
        return sum(
            call.form["To"] in self._api.opted_out and "subscribed again" in call.form["Body"]
            for call in self._api.calls[before:]
        )

    # --- the store --------------------------------------------------------------------------

    def _redis_killed(self) -> None:
        self._wait(0, 0.05)
        self._model.pauses.begin(time.time())
        self._node().kill()
        self._model.pauses.end(time.time())

    def _redis_hangs(self) -> None:
        process = self._node().process
        self._model.pauses.begin(time.time())
        self._system.signal_process(process, signal.SIGSTOP)
        try:
            self._wait(1, self._longest_s)
        finally:
            self._system.signal_process(process, signal.SIGCONT)
            self._model.pauses.end(time.time())

    def _redis_cut(self) -> None:
        seconds = self._rng.uniform(0.3, self._longest_s / 2)
        share = self._rng.choice((0.05, 0.3, 1.0))
        for proxy in self._system.proxies:
            proxy.cut(seconds, share)
        self._pause.wait(seconds)

    def _redis_cut_in_scripts(self) -> None:
        """RQ goes on, so that jobs come that run scripts: add, commit, claim, settle."""
        seconds = self._rng.uniform(self._longest_s / 2, self._longest_s)
        for proxy in self._system.proxies:
            proxy.cut(seconds, 0.3, b"EVAL")
        self._pause.wait(seconds)

    def _redis_oom(self) -> None:
        with self._node().client() as client:
            client.config_set("maxmemory", "100kb")
            self._wait(0.3, self._longest_s / 2)
            client.config_set("maxmemory", "0")

    def _redis_readonly(self) -> None:
        """A node of a cluster follows nobody that it does not know: it lacks its replicas."""
        node = self._node()
        with node.client() as client:
            if isinstance(node, ClusterNode):
                client.config_set("min-replicas-to-write", 1)
                self._wait(0.3, self._longest_s / 2)
                client.config_set("min-replicas-to-write", 0)
            else:
                client.replicaof(*NOBODY)
                self._wait(0.3, self._longest_s / 2)
                client.replicaof("NO", "ONE")

    def _redis_forgets_scripts(self) -> None:
        with self._node().client() as client:
            client.script_flush()

    def _node(self) -> Node:
        return self._rng.choice(self._system.nodes)

    # --- the records ------------------------------------------------------------------------

    def _records_disconnected(self) -> None:
        """End every connection to the records, again and again for a while."""
        assert self._system.database_url is not None
        deadline = time.monotonic() + self._rng.uniform(0.3, self._longest_s / 2)
        with psycopg.connect(self._system.database_url, autocommit=True) as connection:
            while time.monotonic() < deadline:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE pid <> pg_backend_pid() AND datname = current_database()"
                )
                self._wait(0.05, 0.3)

    def _wait(self, least_s: float, most_s: float) -> None:
        self._pause.wait(self._rng.uniform(least_s, max(least_s, most_s)))
