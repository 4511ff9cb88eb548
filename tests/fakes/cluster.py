"""A real Redis Cluster of three primaries on loopback, without replicas."""

from __future__ import annotations

import socket
import subprocess
import time
from pathlib import Path

import redis

from smsgate.cli.process_groups import ProcessGroups
from smsgate.cli.redis_server import find_server

SLOTS = ((0, 5460), (5461, 10922), (10923, 16383))
START_S = 30.0


def start_cluster(directory: Path, groups: ProcessGroups) -> str:
    """Start the nodes, join them, and wait until all slots are served; gives the URL."""
    ports = [free_port() for _ in SLOTS]
    for port in ports:
        _start(directory / str(port), port, groups)
    clients = [redis.Redis(port=port) for port in ports]
    for client, (first, last) in zip(clients, SLOTS, strict=True):
        until(client.ping)
        client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, last)
    for port in ports[1:]:
        clients[0].execute_command("CLUSTER", "MEET", "127.0.0.1", port)
    for client in clients:
        until(lambda client=client: _whole(client))
        client.close()
    return "redis+cluster://" + ",".join(f"127.0.0.1:{port}" for port in ports)


def _start(directory: Path, port: int, groups: ProcessGroups) -> None:
    directory.mkdir(parents=True)
    options = {
        "port": port,
        "bind": "127.0.0.1",
        "cluster-enabled": "yes",
        "dir": directory,
        "appendonly": "yes",
        "appendfsync": "always",
        "save": "",
        "maxmemory-policy": "noeviction",
    }
    command = [str(find_server())]
    for name, value in options.items():
        command += [f"--{name}", str(value)]
    groups.start(tuple(command), output=subprocess.DEVNULL)


def _whole(client: redis.Redis) -> bool:
    """Whether a node sees every slot served and knows all nodes."""
    info = client.execute_command("CLUSTER", "INFO")
    text = info if isinstance(info, dict) else dict(
        line.split(":") for line in info.decode().split() if ":" in line
    )  # fmt: skip
    return text["cluster_state"] == "ok" and text["cluster_known_nodes"] == str(len(SLOTS))


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
        with socket.socket() as probe, socket.socket() as bus:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
            try:
                bus.bind(("127.0.0.1", port + 10_000))
            except (OSError, OverflowError):
                continue
            return port
