"""The load generator: a process of its own that posts signed requests and times the answers.

Raw sockets and select, because what it spends is taken from the servers on the same machine. All
requests are made before the clock starts. Without a rate each connection asks again as soon as
it is answered; with one, requests are due at even distances, and an answer's time counts from
when its request was due, so that a server that stalls cannot hide it.

``python -m bench.load`` reads a plan as JSON from standard input and prints the figures as JSON.
"""

from __future__ import annotations

import gc
import json
import os
import select
import socket
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from bench import cpu
from bench.signed import signed_requests

GRACE_S = 15.0
"""How long the last answers are waited for."""


@dataclass(frozen=True)
class Plan:
    """What to send, to whom, for how long."""

    port: int
    connections: int
    seconds: float
    text: str
    first: int
    """Place of the first request in the row of all; see ``signed_requests``."""
    most: int
    """How many requests to have ready."""
    rate: float = 0.0
    """Requests a second; 0 for as many as are answered."""
    groups: Sequence[int] = ()
    """Process groups of the server and its store, for their CPU time."""


@dataclass(frozen=True)
class Figures:
    """What came of a plan."""

    per_second: float
    """Answers of 2xx within the time."""
    p50_ms: float
    p99_ms: float
    statuses: dict[str, int]
    """How often each status was answered, those after the time included; ``0``: none came."""
    sent: int
    cpu_us: float
    """CPU time that server and store spent on one request; 0 where that cannot be known."""
    others: float
    """Share of the machine that went to neither of them nor to this process."""

    @property
    def accepted(self) -> int:
        """All answers of 2xx."""
        return sum(count for status, count in self.statuses.items() if status.startswith("2"))


class Line:
    """One connection, opened when it is needed, and the request that it is waiting for."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None
        self._answer = b""
        self._usual = -1
        self.since = 0.0

    def ask(self, request: bytes, since: float) -> int:
        """Send a request; gives the file descriptor on which the answer will come."""
        self.since = since
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port))
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket.setblocking(False)
        self._socket.sendall(request)
        return self._socket.fileno()

    def hear(self) -> int | None:
        """Take what has come: the status once the answer is whole, 0 where it broke off."""
        assert self._socket is not None
        try:
            more = self._socket.recv(65536)
        except ConnectionError:
            more = b""
        if len(more) == self._usual and not self._answer:
            return int(more[9:12])
        self._answer += more
        return self._read() if more else self._closed()

    def _read(self) -> int | None:
        """Read an answer whose length is not the usual one."""
        head, end, body = self._answer.partition(b"\r\n\r\n")
        fields = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:])
        if not end or len(body) < int(fields[b"content-length"]):
            return None
        self._usual = len(self._answer)
        if fields.get(b"connection") == b"close":
            self._usual = -1
            self._close()
        self._answer = b""
        return int(head[9:12])

    def _closed(self) -> int:
        self._close()
        self._answer = b""
        return 0

    def _close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class Load:
    """One run of a plan."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._requests = signed_requests(plan.text, plan.first, plan.most)
        self._idle = deque(Line(plan.port) for _ in range(plan.connections))
        self._busy: dict[int, Line] = {}
        self._sent = 0
        self._statuses: Counter[int] = Counter()
        self._times: list[float] = []

    def run(self) -> Figures:
        """Send until the time is over, wait for the rest, and say what came of it."""
        usage = self._usage()
        self._start = time.perf_counter()
        self._end = self._start + self._plan.seconds
        while self._send() or self._busy:
            self._collect()
        took = time.perf_counter() - self._start
        used = [after - before for before, after in zip(usage, self._usage(), strict=True)]
        return self._figures(took, *used)

    def _usage(self) -> tuple[float, float, float]:
        """CPU seconds so far: of the server, of this process, of the machine."""
        return cpu.spent(self._plan.groups), time.process_time(), cpu.busy()

    def _send(self) -> bool:
        """Send what is due; whether there will be more."""
        now = time.perf_counter()
        if now >= self._end or self._sent == len(self._requests):
            return False
        while self._idle and self._sent < len(self._requests):
            due = self._due(now)
            if due > now:
                break
            line = self._idle.popleft()
            self._busy[line.ask(self._requests[self._sent], due)] = line
            self._sent += 1
        return True

    def _due(self, now: float) -> float:
        rate = self._plan.rate
        return self._start + self._sent / rate if rate else now

    def _collect(self) -> None:
        now = time.perf_counter()
        if now > self._end + GRACE_S:
            raise TimeoutError(f"{len(self._busy)} requests were not answered in time")
        wait = max(0.0, self._due(now) - now) if self._idle and now < self._end else 1.0
        for descriptor in select.select(self._busy, (), (), wait)[0]:
            line = self._busy[descriptor]
            status = line.hear()
            if status is not None:
                del self._busy[descriptor]
                self._note(status, line.since)
                self._idle.append(line)

    def _note(self, status: int, since: float) -> None:
        now = time.perf_counter()
        self._statuses[status] += 1
        if 200 <= status < 300 and now <= self._end:
            self._times.append(now - since)

    def _figures(self, took: float, server: float, own: float, busy: float) -> Figures:
        times = sorted(self._times) or [0.0]
        return Figures(
            per_second=len(self._times) / min(took, self._plan.seconds),
            p50_ms=times[len(times) // 2] * 1000,
            p99_ms=times[len(times) * 99 // 100] * 1000,
            statuses={str(status): count for status, count in self._statuses.items()},
            sent=self._sent,
            cpu_us=server / max(self._sent, 1) * 1e6,
            others=max(0.0, busy - server - own) / (took * (os.cpu_count() or 1)),
        )


def run_apart(plan: Plan) -> Figures:
    """Run a plan in a process of its own."""
    said = subprocess.run(
        [sys.executable, "-m", "bench.load"],
        input=json.dumps(asdict(plan)),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return Figures(**json.loads(said.stdout))


def main() -> int:
    """Run the plan on standard input."""
    load = Load(Plan(**json.load(sys.stdin)))
    gc.freeze()
    gc.disable()  # Nothing here is cyclic, and a pause would count as the server's.
    json.dump(asdict(load.run()), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
