"""A running system whose Redis stands behind a proxy, and what can be done to it."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import redis

from smsgate.cli.process_groups import ProcessGroups
from smsgate.domain.messages import InboundMessage, WebhookRequest
from smsgate.providers import PROVIDERS
from smsgate.store.connection import open_redis
from smsgate.store.inbox import APPLY, SEND
from smsgate.store.keys import PARTITION_KEYS
from tests.fakes.cluster import start_nodes, url_of
from tests.fakes.served import free_port, open_tcp
from tests.faults.model import Message
from tests.faults.proxy import RedisProxy
from tests.journey.system import LONGEST_S, System, command_of, until

twilio = PROVIDERS["twilio"]

ALL = range(len(PARTITION_KEYS))
QUEUES = {"worker": APPLY[0], "sender": SEND[0]}
ANSWER_S = 60.0
"""How long the harness waits for an answer of Redis."""
NOBODY = ("127.0.0.1", "1")
"""Where no Redis listens."""


class Node(Protocol):
    """A Redis that can be broken: the server, or one of a cluster's."""

    @property
    def process(self) -> subprocess.Popen[str]: ...

    def kill(self) -> None:
        """Kill it with -9, start it again, and wait until it serves."""

    def client(self) -> redis.Redis:
        """A client that does not go through the proxy."""


class _Server:
    """The Redis of the system."""

    def __init__(self, system: System) -> None:
        self._system = system

    @property
    def process(self) -> subprocess.Popen[str]:
        return self._system.redis.process

    def kill(self) -> None:
        self._system.kill_redis()

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self._system.redis.url, socket_timeout=ANSWER_S)


class FaultSystem(System):
    """``start``, ``kill`` and the rest as they are; the processes reach Redis by proxies only."""

    def __init__(
        self,
        folder: Path,
        api_url: str,
        groups: ProcessGroups,
        seed: int,
        *,
        cluster: bool = False,
        database_url: str | None = None,
    ) -> None:
        """``cluster``: three nodes keep the store, and the server keeps RQ's queue alone.

        ``database_url``: of the records; SQLite where there is none.
        """
        self.folder = folder
        self.database_url = database_url
        self._seed = seed
        self._stopped_at: dict[str, float] = {}
        self.sender_stops: list[tuple[float, float]] = []
        """When a sender stood still: what it was at it does afterwards."""
        self._cluster_url: str | None = None
        self._through_proxy = False
        self.proxies: list[RedisProxy] = []
        self.nodes: list[Node] = []
        if cluster:
            nodes = start_nodes(
                folder / "cluster", groups, lambda port: self._proxy(lambda: port).port
            )
            self.nodes += nodes
            self._cluster_url = url_of(nodes)
        super().__init__(folder, api_url, groups)
        self.nodes.append(_Server(self))
        self._redis_port = free_port()
        open_tcp(self.redis.url, self._redis_port)
        self._queue_proxy = self._proxy(lambda: self._redis_port)
        self._through_proxy = True
        self.queue = redis.Redis.from_url(self.redis.url, socket_timeout=ANSWER_S)
        self.direct = open_redis(self._cluster_url, ANSWER_S) if self._cluster_url else self.queue

    def _proxy(self, port: Callable[[], int]) -> RedisProxy:
        proxy = RedisProxy(port, random.Random(self._seed + len(self.proxies)))
        self.proxies.append(proxy.__enter__())
        return proxy

    @property
    def environ(self) -> Mapping[str, str]:
        """The harness itself, which is built before there is a proxy, reaches Redis directly."""
        found = dict(super().environ)
        if self._through_proxy:
            found["REDIS_URL"] = f"redis://127.0.0.1:{self._queue_proxy.port}/0"
        if self._cluster_url is not None:
            found |= {"QUEUE_URL": found["REDIS_URL"], "REDIS_URL": self._cluster_url}
        if self.database_url is not None:
            found["DATABASE_URL"] = self.database_url
        return found

    def kill_redis(self) -> None:
        super().kill_redis()
        open_tcp(self.redis.url, self._redis_port)

    def close(self) -> None:
        super().close()
        self.direct.close()
        self.queue.close()
        for proxy in self.proxies:
            proxy.__exit__()

    def webhook(self, message: Message) -> WebhookRequest:
        """The signed request; each message goes to a sender of its own, which its reply names."""
        inbound = InboundMessage(
            account="twilio",
            message_id=message.id,
            number=message.number,
            sender=message.sender,
            text=message.text,
        )
        return twilio.inbound(inbound, self.account, f"{self.url}/webhooks/twilio")

    def signal(self, name: str, number: signal.Signals) -> None:
        self.signal_process(self._running[name], number)
        if number == signal.SIGSTOP:
            self._stopped_at[name] = time.time()
        elif number == signal.SIGCONT and "sender" in name:
            self.sender_stops.append((self._stopped_at[name], time.time()))

    def signal_process(self, process: subprocess.Popen[str], number: signal.Signals) -> None:
        self._groups.signal(process, number)

    def kill_child(self, name: str) -> bool:
        """Kill one child of a process with -9, such as one of those that serve."""
        children = [pid for pid in _children(self._running[name].pid) if _is_python(pid)]
        for pid in children[-1:]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return bool(children)

    def start_second(self, name: str) -> str:
        """Start a process beside the one of its kind; gives the name by which it can be killed."""
        second = f"second {name}"
        command = command_of(name)
        with (self.folder / f"{name}.log").open("a") as log:
            self._running[second] = self._groups.start(command, env=self.environ, output=log)
        return second

    def replace(self, name: str) -> int:
        """Start a new process beside the old one, end that once the new one works; its code."""
        before = self._at_work(name)
        second = self.start_second(name)
        until(lambda: name == "clock" or self._at_work(name) > before, LONGEST_S)
        code = self.end(name)
        self._running[name] = self._running.pop(second)
        return code

    def _at_work(self, name: str) -> int:
        """How many of a kind listen for requests, or for jobs."""
        if name == "web":
            return _listeners(self.port)
        return int(self.queue.scard(f"rq:workers:{QUEUES.get(name, name)}"))

    def died(self) -> list[str]:
        """Processes that ended although nobody ended them."""
        return [name for name, process in self._running.items() if process.poll() is not None]

    def bury(self, name: str) -> None:
        self._groups.wait(self._running.pop(name))

    def backlog(self) -> int:
        store = self.services.store
        return sum(store.client.xlen(PARTITION_KEYS[partition].inbox) for partition in ALL)

    def left_over(self) -> dict[str, int]:
        """Everything that must be empty when nothing is left to do; only what is not."""
        sizes: dict[str, int] = {"spool": self.services.spool.report().count}
        sizes["partitions of a shut gate"] = sum(
            one.obstacle() is not None for one in self.services.store.write_lease.states()
        )
        for keys in PARTITION_KEYS:
            counts = {
                "inbox": self.direct.xlen(keys.inbox),
                "outbox": self.direct.zcard(keys.outbox),
                "replies": self.direct.hlen(keys.replies),
                "claims": self.direct.hlen(keys.claims),
                "holds": self.direct.hlen(keys.holds),
                "reviews": self.direct.hlen(keys.reviews),
                "ledger": self.direct.xlen(keys.ledger),
            }
            for what, count in counts.items():
                sizes[what] = sizes.get(what, 0) + int(count)
        return {what: size for what, size in sizes.items() if size}

    def jobs_left(self) -> tuple[int, list[str]]:
        """What RQ still keeps of its jobs, and those among them that stay for ever.

        Those have no time to live, wait for no worker and are not among what dead workers left,
        which RQ finds in two places.
        """
        keys = [*self.queue.scan_iter("rq:job:*", count=1000)]
        found: set[bytes] = set()
        for name in QUEUES.values():
            found.update(self.queue.lrange(f"rq:queue:{name}", 0, -1))
            found.update(self.queue.lrange(f"rq:queue:{name}:intermediate", 0, -1))
            found.update(
                entry.partition(b":")[0] for entry in self.queue.zrange(f"rq:wip:{name}", 0, -1)
            )
        return len(keys), [
            f"{key.decode()}: {self.queue.hgetall(key)}"
            for key in keys
            if key.rpartition(b":")[2] not in found and self.queue.ttl(key) == -1
        ]

    def expire_leases(self) -> None:
        """Let the claims of dead senders be due at once instead of when their lease ends."""
        for keys in PARTITION_KEYS:
            for claimed in self.direct.hkeys(keys.claims):
                self.direct.zadd(keys.outbox, {claimed: 1}, xx=True)


def _listeners(port: int) -> int:
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    return sum(row[3] == "0A" and row[1].endswith(f":{port:04X}") for row in rows)


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task")
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in tasks.iterdir():
            found += [int(one) for one in (task / "children").read_text().split()]
    return sorted(found)


def _is_python(pid: int) -> bool:
    """Not the resource tracker that multiprocessing starts beside the workers."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return b"resource_tracker" not in command
