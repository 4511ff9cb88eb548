"""How many messages one sender hands to a program's application that answers in 50 ms.

    python -m bench.forwarding [--messages 10000] [--json]

A real process ``sender`` on a Redis of its own with ``appendfsync always``; every number has two
messages, which wait for each other. Beside it in the same run: the same calls made by 64 threads of
the HTTP client alone, without Redis and order. Limit: 500 messages a second. Exit code 1 where it
is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.console import Console
from rich.table import Table

from smsgate.cli import redis_server
from smsgate.cli.process_groups import ProcessGroups
from smsgate.domain.entry_parts import ForwardContent, OriginalRequest
from smsgate.domain.messages import Arrival, Decision, Entry, HttpCall, Intent
from smsgate.features.deliveries.sender import MAX_CALLS
from smsgate.outbound import Outbound
from smsgate.process.configuration import load_configuration
from smsgate.process.published_programs import publish_programs
from smsgate.process.services import Services, build_services
from smsgate.store.keys import PARTITIONS

LEAST = 500
ANSWER_S = 0.05
_FORM = "application/x-www-form-urlencoded"
_ROOT = Path(__file__).parent.parent
_CONFIG = """
[accounts.twilio]
provider    = "twilio"
account_sid = "AC55555555555555555555555555555555"
auth_token  = "a-token-of-the-benchmark"

[programs.original]
name     = "Acme"
account  = "twilio"
senders  = ["*"]
keywords = ["en"]

[programs.original.forward]
url           = "%(url)s"
as            = "original"
allow_private = true

[programs.normal]
name     = "Acme"
account  = "twilio"
senders  = ["+14155550888"]
keywords = ["en"]

[programs.normal.forward]
url           = "%(url)s"
secret        = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
allow_private = true
"""


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.forwarding", description=__doc__)
    parser.add_argument("--messages", type=int, default=10_000, help="messages (default: 10,000)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given, _ = parser.parse_known_args(arguments)
    with tempfile.TemporaryDirectory(prefix="smsgate-bench-") as folder, ProcessGroups() as groups:
        found = _measured(Path(folder), groups, given.messages)
    if given.json:
        print(json.dumps({"bench": "forwarding", **found}))
    else:
        _show(found)
    return 0 if min(found["original"], found["normal"]) >= LEAST else 1


def _measured(folder: Path, groups: ProcessGroups, count: int) -> dict[str, float]:
    port = _free_port()
    application = [sys.executable, "-m", "bench.provider", str(port), str(ANSWER_S)]
    with (folder / "application.log").open("w") as log:
        groups.start(application, cwd=_ROOT, output=log)
    url = f"http://127.0.0.1:{port}/sms"
    environ = _environ(folder, redis_server.start(folder / "redis", groups).url, url)
    services = build_services(load_configuration(environ))
    services.store.metadata.create()
    services.records.migrate()
    publish_programs(services.settings, services.store)
    with (folder / "sender.log").open("w") as log:
        command = [sys.executable, "-m", "smsgate.cli", "run", "sender"]
        sender = groups.start(command, env=environ, cwd=_ROOT, output=log)
    _put(services, "original", 200)  # connections, threads, caches
    found: dict[str, float] = {}
    _handed_over(services, 200, sender)
    for program in ("original", "normal"):
        groups.end(sender)
        _put(services, program, count)
        with (folder / "sender.log").open("a") as log:
            sender = groups.start(command, env=environ, cwd=_ROOT, output=log)
        seconds, cpu_s = _handed_over(services, count, sender)
        found[program] = count * 0.9 / seconds
        found[f"{program}_cpu_us"] = cpu_s / count / 0.9 * 1e6
    groups.end(sender)
    found["client_alone"] = count / _client_alone_s(url, count)
    services.close()
    return found


def _environ(folder: Path, redis_url: str, url: str) -> Mapping[str, str]:
    (folder / "smsgate.toml").write_text(_CONFIG % {"url": url})
    return {
        "PATH": os.environ["PATH"],
        "SMSGATE_CONFIG": str(folder),
        "SMSGATE_DATA_DIR": str(folder / "var"),
        "REDIS_URL": redis_url,
    }


def _put(services: Services, program: str, count: int) -> None:
    """Messages as they are when they have been applied and recorded."""
    decision = Decision(Intent.NONE, rule="nothing_known")
    for at in range(0, count, 500):
        entries = [
            Entry(
                number=f"+1415{place // 2:07}",
                program=program,
                decision=decision,
                account="twilio",
                message_id=f"SM{program}{count}-{place}",
                sender="+14155550999",
                text=f"text {place}",
                forward_content=ForwardContent(
                    posted=_posted(place) if program == "original" else None
                ),
            )
            for place in range(at, min(at + 500, count))
        ]
        services.store.inbox.add([Arrival(entry) for entry in entries])
        for partition in services.store.inbox.busy():
            services.applier.drain(partition)
    services.archiver.move_all()


def _posted(place: int) -> OriginalRequest:
    fields = "&".join(f"Field{at}=of+twenty+as+Twilio+sends+them" for at in range(20))
    return OriginalRequest(
        "POST", f"{_FORM}; charset=UTF-8", f"Body=text+{place}&{fields}".encode()
    )


def _handed_over(
    services: Services, count: int, sender: subprocess.Popen[str]
) -> tuple[float, float]:
    """Seconds, and seconds of CPU, from a tenth of the messages taken to all.

    During the first tenth the process and its connections begin.
    """
    started = began = 0.0
    deadline = time.monotonic() + 120
    while (left := services.records.deliveries.counts().pending) and time.monotonic() < deadline:
        if sender.poll() is not None:
            raise RuntimeError("the sender ended")
        if not started and left <= count * 0.9:
            started, began = time.monotonic(), _cpu_s(sender.pid)
        time.sleep(0.02)
    if left:
        raise RuntimeError(f"{left} messages were not taken in two minutes")
    return time.monotonic() - started, _cpu_s(sender.pid) - began


def _client_alone_s(url: str, count: int) -> float:
    outbound, posted = Outbound(), _posted(1)
    call = HttpCall("POST", url, {"Content-Type": posted.content_type}, posted.form)
    started = time.monotonic()
    with ThreadPoolExecutor(MAX_CALLS["text"]) as threads:
        for _ in threads.map(lambda _: outbound.perform(call), range(count)):
            pass
    return time.monotonic() - started


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _show(found: Mapping[str, float]) -> None:
    table = Table(title="Messages handed over by one sender, the application answers in 50 ms")
    for heading in ("", "a second", "CPU µs each"):
        table.add_column(heading, justify="left" if not heading else "right")
    for program, title in (("original", "the provider's request"), ("normal", "our normal form")):
        cpu = f"{found[f'{program}_cpu_us']:,.0f}"
        table.add_row(f"{title} (goal: {LEAST})", f"{found[program]:,.0f}", cpu)
    table.add_row("limit: 64 threads of the HTTP client", f"{found['client_alone']:,.0f}", "")
    Console().print(table)
    load = os.getloadavg()[0]
    Console().print(f"load of the machine in the last minute: {load:.1f}, {PARTITIONS} partitions")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
