"""A real Redis Cluster of three primaries on loopback, without replicas."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import redis

from smsgate.cli.process_groups import ProcessGroups
from smsgate.cli.redis_server import find_server
from tests.fakes import served

SLOTS = ((0, 5460), (5461, 10922), (10923, 16383))
START_S = 180.0
"""What takes longer hangs, however loaded the machine is."""


@dataclass(slots=True)
class ClusterNode:
    """One primary; ``start`` starts it on the data that its directory has."""

    directory: Path
    port: int
    announced: int
    """The port that clients are told to connect to."""
    groups: ProcessGroups
    process: subprocess.Popen[str] = field(init=False)

    def start(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        options = {
            "port": self.port,
            "bind": "127.0.0.1",
            "cluster-enabled": "yes",
            "cluster-announce-port": self.announced,
            "cluster-announce-bus-port": self.port + 10_000,
            "dir": self.directory,
            "appendonly": "yes",
            "appendfsync": "always",
            "save": "",
            "maxmemory-policy": "noeviction",
        }
        command = [str(find_server())]
        for name, value in options.items():
            command += [f"--{name}", str(value)]
        self.process = self.groups.start(tuple(command), output=subprocess.DEVNULL)

    def kill(self) -> None:
        """Kill it with -9, start it again, and wait until it serves its slots."""
        self.groups.signal(self.process, signal.SIGKILL)
        self.groups.wait(self.process)
        self.start()
        with self.client() as client:
            until(lambda: _whole(client))

    def client(self) -> redis.Redis:
        """A client of this node alone."""
        return redis.Redis(port=self.port, socket_timeout=60)


def start_cluster(directory: Path, groups: ProcessGroups) -> str:
    """Start the nodes, join them, and wait until all slots are served; gives the URL."""
    return url_of(start_nodes(directory, groups))


def url_of(nodes: list[ClusterNode]) -> str:
    return "redis+cluster://" + ",".join(f"127.0.0.1:{node.announced}" for node in nodes)


def start_nodes(
    directory: Path,
    groups: ProcessGroups,
    announced: Callable[[int], int] = lambda port: port,
    slots: Sequence[tuple[int, int]] = SLOTS,
) -> list[ClusterNode]:
    """Start the nodes of a cluster and wait until all slots are served.

    ``announced`` gives the port at which clients reach the node of a port; ``slots`` has the first
    and the last slot of each node.
    """
    ports = [free_port() for _ in slots]
    nodes = [ClusterNode(directory / str(port), port, announced(port), groups) for port in ports]
    for node in nodes:
        node.start()
    clients = [node.client() for node in nodes]
    for client, (first, last) in zip(clients, slots, strict=True):
        until(client.ping)
        client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, last)
    for node in nodes[1:]:
        clients[0].execute_command("CLUSTER", "MEET", "127.0.0.1", node.port)
    for client in clients:
        until(lambda client=client: _whole(client, len(slots)))
        client.close()
    return nodes


def _whole(client: redis.Redis, nodes: int = len(SLOTS)) -> bool:
    """Whether a node sees every slot served and knows all nodes."""
    info = client.execute_command("CLUSTER", "INFO")
    text = info if isinstance(info, dict) else dict(
        line.split(":") for line in info.decode().split() if ":" in line
    )  # fmt: skip
    return text["cluster_state"] == "ok" and text["cluster_known_nodes"] == str(nodes)


def until(condition) -> None:
    """Wait until the condition holds; what cannot be asked yet does not."""
    ends = time.monotonic() + START_S
    while time.monotonic() < ends:
        try:
            if condition():
                return
        except redis.RedisError:
            pass
        time.sleep(0.05)  # the server gives no sign of its own
    raise TimeoutError("it did not come up")


def free_port() -> int:
    """A port that nobody has, with the port of a cluster's own talk."""
    # A node also takes its port plus 10,000.
    while True:
        port = served.free_port()
        with socket.socket() as bus, suppress(OSError):
            bus.bind(("127.0.0.1", port + 10_000))
            return port
