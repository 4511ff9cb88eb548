"""Redis alone: the script that takes a STOP, asked by a client that does nothing else.

What ``redis-benchmark`` would do, which the wheels with a server leave out: so many connections,
each with one request on its way, all requests packed before the clock starts. With more than
one script in a request it is asked as a busy web process asks it, which groups its callers.

``python -m bench.alone`` reads a plan as JSON from standard input and prints scripts a second.
"""

from __future__ import annotations

import json
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import cast

import hiredis
import redis

from bench.contender import Contender
from bench.load import Figures
from smsgate.domain.messages import ALL, Arrival, Decision, Entry, Intent
from smsgate.store.connection import Client, Script
from smsgate.store.inbox import _call
from smsgate.store.keys import partition_of

MOST_PER_S = 150_000
"""Scripts that are made ready for a second."""


@dataclass(frozen=True)
class Plan:
    """What to ask, of whom, for how long."""

    url: str
    connections: int
    seconds: float
    first: int
    grouped: int
    """Scripts in one request."""


def requests(plan: Plan, sha: str) -> Iterator[bytes]:
    """Return requests; no number and no message id twice."""
    place = plan.first
    for _ in range(int(MOST_PER_S * plan.seconds / plan.grouped)):
        commands = []
        for _ in range(plan.grouped):
            entry = _entry(place)
            keys, args = _call(partition_of(entry.number), [Arrival(entry)])
            command = ("EVALSHA", sha, len(keys), *keys, *args)
            # The stub of hiredis takes commands of one word only.
            commands.append(hiredis.pack_command(command))  # type: ignore[arg-type]
            place += 1
        yield b"".join(commands)


def _entry(place: int) -> Entry:
    number = f"+{12_120_000_000 + place}"
    return Entry(
        number=number,
        program="alerts",
        decision=Decision(Intent.OPT_OUT, "keyword", keyword="stop", language="en"),
        scope=ALL,
        account="twilio",
        message_id=f"SM{place:032x}",
        sender="+14155550999",
        text="STOP",
        answered="provider",
    )


def measure(plan: Plan) -> float:
    """Ask until the time is over; scripts a second."""
    client = redis.Redis.from_url(plan.url)
    sha = str(client.script_load(Script(cast("Client", client), "add").source))
    pool = client.connection_pool
    # Sockets that are signed in; redis-py has no public name for them.
    made = [pool.get_connection() for _ in range(plan.connections)]
    lines: list[socket.socket] = [one._sock for one in made]  # type: ignore[misc]  # noqa: SLF001
    readers = {line.fileno(): (line, hiredis.Reader()) for line in lines}
    waiting = iter(list(requests(plan, sha)))
    started = time.perf_counter()
    ends, done = started + plan.seconds, 0
    left = dict.fromkeys(readers, plan.grouped)
    for line in lines:
        line.sendall(next(waiting))
    while time.perf_counter() < ends:
        for at in select.select(list(readers), (), (), 1)[0]:
            line, reader = readers[at]
            reader.feed(line.recv(65536))
            while (answer := reader.gets()) is not False:
                assert isinstance(answer, list), answer
                done += 1
                left[at] -= 1
            if not left[at]:
                left[at] = plan.grouped
                line.sendall(next(waiting))
    return done / (time.perf_counter() - started)


@dataclass
class Alone(Contender):
    """Redis as one that is measured beside the servers."""

    url: str = ""
    grouped: int = 1
    counted: bool = field(default=False)

    def take(
        self,
        seconds: float,
        connections: int,
        rate: float = 0.0,  # noqa: ARG002 - as fast as it answers, always
    ) -> Figures:
        """Measure once, in a process of its own."""
        plan = Plan(self.url, connections, seconds, self.sent, self.grouped)
        said = subprocess.run(
            [sys.executable, "-m", "bench.alone"],
            input=json.dumps(asdict(plan)),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        self.sent += int(MOST_PER_S * seconds)
        self.accepted = self.sent  # every answer that is none ends the process
        return Figures(float(said.stdout), 0, 0, {}, 0, 0, 0)


if __name__ == "__main__":
    print(measure(Plan(**json.load(sys.stdin))))
