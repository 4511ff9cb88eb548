"""Accepted webhooks a second: smsgate, the tutorial app, and the limits beside them.

All servers run at once, each behind an nginx of its own where there is one, set up as
``deploy/nginx.conf`` says. They are asked one after the other, in rounds, by the same generator
with the same bytes; the order changes from round to round, and medians of the rounds count. Then
smsgate and the tutorial app get the same load: half of what the latter can take, and little. At
the end, what was stored must be what was accepted, message by message.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from bench import report
from bench.alone import Alone
from bench.contender import Contender
from bench.servers import BEHIND_A_PROXY, Serve, Servers, granian, granian_asgi, gthread, gunicorn
from bench.signed import WORDS
from bench.whole import Server
from smsgate.cli.process_groups import ProcessGroups
from tests.fakes.nginx import NGINX, nginx

STOP = "STOP"
ORDINARY = f"Running late, please tell {WORDS}"
"""A text that differs each time: a cache would not help against real ones."""
LOOK_ALIKE = "running late, see you at the bus stop"
"""An ordinary text that takes the whole model to tell."""
FEW_PER_S = 50.0
LOOK_ALIKE = "running late, see you at the bus stop"
"""An ordinary text that takes the whole model to tell."""
FEW_PER_S = 50.0
WARM_UP_S = 1.5


def main(arguments: Sequence[str]) -> int:
    """Measure and print; exit code 1 where a request was refused or a count does not fit."""
    given = _parser().parse_args(arguments)
    with (
        tempfile.TemporaryDirectory(prefix="smsgate-bench-") as folder,
        ProcessGroups() as groups,
        ExitStack() as proxies,
    ):
        contenders = _contenders(Servers(Path(folder), groups), proxies)
        rate = _measure(contenders, given.rounds, given.seconds, given.connections)
        found = report.result(contenders, rate, vars(given))
    if given.json:
        print(json.dumps(found))
    else:
        report.show(found)
    return 0 if report.exact(found) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.webhooks", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of one round of one contender")
    parser.add_argument("--connections", type=int, default=32)
    return parser


def _contenders(servers: Servers, proxies: ExitStack) -> list[Contender]:
    def behind(server: Server) -> Server:
        if not NGINX:
            return server
        folder = Path(proxies.enter_context(tempfile.TemporaryDirectory(prefix="smsgate-nginx-")))
        return replace(server, port=proxies.enter_context(nginx(folder, server.port)))

    def tutorial(name: str, serve: Serve, app: str = "tutorial") -> Server:
        return behind(servers.tutorial(name, serve, app))

    def limit(name: str) -> Server:
        return behind(servers.limit(name))

    ours, alone = behind(servers.smsgate(BEHIND_A_PROXY)), servers.redis()
    nobody = Server(0, ())
    return [
        Contender("smsgate", "smsgate, STOP", ours, STOP),
        Contender("ordinary", "smsgate, ordinary text", ours, ORDINARY, counted=False),
        Contender("look_alike", "smsgate, look-alike", ours, LOOK_ALIKE, counted=False),
        Contender("tutorial", "tutorial app", tutorial("tutorial", gunicorn), STOP),
        Contender("threads", "tutorial on gthread", tutorial("threads", gthread), STOP),
        Contender("granian", "tutorial on Granian", tutorial("granian", granian), STOP),
        Contender("twin", "FastAPI twin", tutorial("twin", granian_asgi, "twin"), STOP),
        Contender("reading", "limit: read, verify", limit("reading"), STOP, counted=False),
        Contender("empty", "limit: nothing", limit("empty"), STOP, counted=False),
        Alone("redis", "limit: Redis, one script", nobody, STOP, url=alone),
        Alone("grouped", "limit: Redis, four at once", nobody, STOP, url=alone, grouped=4),
    ]


def _measure(contenders: list[Contender], rounds: int, seconds: float, connections: int) -> float:
    """Run all rounds; gives the rate of the even load, which is half of the tutorial app's."""
    for contender in contenders:
        contender.take(WARM_UP_S, connections)
    for number in range(rounds):
        start = number % len(contenders)
        for contender in contenders[start:] + contenders[:start]:
            contender.rounds.append(contender.take(seconds, connections))
    named = {contender.name: contender for contender in contenders}
    rate = named["tutorial"].per_second / 2
    for _ in range(rounds):
        for contender in (named["smsgate"], named["tutorial"]):
            contender.paced.append(contender.take(seconds / 2, connections, rate))
            contender.calm.append(contender.take(seconds * 2, connections, FEW_PER_S))
    return rate


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
