"""A real primary with a replica and a Sentinel that watches them, on loopback."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import redis

from smsgate.cli.process_groups import ProcessGroups
from smsgate.cli.redis_server import find_server
from tests.fakes.cluster import free_port, until

NAME = "ours"
_WATCHING = """\
port {port}
bind 127.0.0.1
dir "{directory}"
sentinel monitor {name} 127.0.0.1 {primary} 1
sentinel down-after-milliseconds {name} 500
sentinel failover-timeout {name} 3000
"""


@dataclass(frozen=True)
class Sentinels:
    """Where they are, and the processes of the first primary and of its replica."""

    url: str
    primary: subprocess.Popen[str]
    replica: subprocess.Popen[str]


def start_sentinels(directory: Path, groups: ProcessGroups, *more: str) -> Sentinels:
    """Start all three and wait until the Sentinel knows the replica and the replica has all.

    ``more`` are lines of the Sentinel's configuration; with one that wants a password of its own,
    it is not waited for.
    """
    first, second, watching = free_port(), free_port(), free_port()
    primary = _server(directory / "first", first, groups)
    replica = _server(directory / "second", second, groups, "--replicaof", "127.0.0.1", str(first))
    assert replica.poll() is None
    with redis.Redis(port=second) as client:
        until(lambda: client.info("replication")["master_link_status"] == "up")
    configuration = directory / "sentinel.conf"
    told = {"port": watching, "directory": directory, "name": NAME, "primary": first}
    configuration.write_text("\n".join([_WATCHING.format(**told), *more, ""]))
    groups.start((str(find_server()), str(configuration), "--sentinel"), output=subprocess.DEVNULL)
    if not more:
        with redis.Redis(port=watching) as client:
            until(lambda: bool(client.sentinel_slaves(NAME)))
    return Sentinels(f"redis+sentinel://127.0.0.1:{watching}/{NAME}", primary, replica)


def _server(directory: Path, port: int, groups: ProcessGroups, *more: str) -> subprocess.Popen[str]:
    directory.mkdir(parents=True)
    options = ("--port", str(port), "--bind", "127.0.0.1", "--dir", str(directory), "--save", "")
    kept = (
        "--appendonly",
        "yes",
        "--maxmemory-policy",
        "noeviction",
        "--repl-diskless-sync-delay",
        "0",
    )
    command = (str(find_server()), *options, *kept, *more)
    return groups.start(command, output=subprocess.DEVNULL)
