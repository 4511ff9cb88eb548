"""From Save to recognised: an operator saves a keyword while it is texted 200 times a second.

Two web processes and a worker; the keyword is saved through the console that one of the two serves.
Shown is when the first text was recognised, when the last one was not, and how long webhooks took
in the seconds before and in those around Save.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

import requests
from rich.console import Console

from bench.backlog import applied_events, until_applied
from bench.contender import Contender
from bench.load import Figures
from bench.servers import Servers
from bench.signed import FIRST_NUMBER
from bench.whole import Server, Whole
from smsgate.cli.process_groups import ProcessGroups
from smsgate.process.configuration import load_configuration
from smsgate.process.services import build_services
from tests.fakes.browser import PASSWORD
from tests.fakes.full_house import add_people

WORD = "qwyjibo"
PER_SECOND = 200
CONNECTIONS = 16
SECONDS = 20.0
SAVED_AFTER_S = 5.0
WARM_UP_S = 8.0
"""The worker starts meanwhile."""
SET = f"""
language = "en"
extends = true
[[entries]]
intent = "opt_out"
words = "{WORD}"
"""
_CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')


def main(arguments: Sequence[str]) -> int:
    """Measure and print; exit code 1 where a webhook was refused."""
    parser = argparse.ArgumentParser(prog="python -m bench.content", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="smsgate-bench-") as folder, ProcessGroups() as groups:
        found = _measure(Path(folder), groups)
    if given.json:
        print(json.dumps({"bench": "content", **found}))
    else:
        for name, value in found.items():
            Console().print(f"{name:<32} {value:,.1f}")
    return 1 if found["refused"] else 0


def _measure(folder: Path, groups: ProcessGroups) -> Mapping[str, float]:
    server, environ = Servers(folder, groups).console()
    with closing(build_services(load_configuration(environ))) as services:
        add_people(services)
        whole = Whole(folder, groups, environ, services, server)
        whole.start("worker")
        texts = Contender("smsgate", "", server, WORD)
        operator = _sign_in(server)
        texts.take(WARM_UP_S, CONNECTIONS, PER_SECOND)
        before = texts.take(SECONDS / 2, CONNECTIONS, PER_SECOND)
        measured: list[Figures] = []
        first = texts.sent
        load = threading.Thread(
            target=lambda: measured.append(texts.take(SECONDS, CONNECTIONS, PER_SECOND))
        )
        load.start()
        time.sleep(SAVED_AFTER_S)
        saved_s = time.time()
        _save(operator, server)
        save_took_s = time.time() - saved_s
        load.join()
        until_applied(services)
        came_s = {one.number: one.received_us / 1e6 for one in applied_events(services)}
    sent = [f"+{FIRST_NUMBER + place}" for place in range(first, texts.sent)]
    last = max(place for place, number in enumerate(sent) if number not in came_s)
    return {
        "refused": texts.refused,
        "save, s": save_took_s,
        "first recognised after, s": min(came_s.values()) - saved_s,
        "all recognised after, s": came_s[sent[last + 1]] - saved_s,
        "p99 before, ms": before.p99_ms,
        "p50 around Save, ms": measured[0].p50_ms,
        "p99 around Save, ms": measured[0].p99_ms,
    }


def _sign_in(server: Server) -> requests.Session:
    session = requests.Session()
    session.headers["Origin"] = f"http://127.0.0.1:{server.port}"
    _post(session, server, "in", {"name": "admin", "password": PASSWORD}, "in")
    return session


def _save(session: requests.Session, server: Server) -> None:
    form = {"content": SET, "base": "0", "note": "bench", "sure": "1"}
    _post(session, server, "keywords/sets/en/save", form, "keywords/sets/en")


def _post(
    session: requests.Session, server: Server, path: str, form: Mapping[str, str], page: str
) -> None:
    """Send a form of the console, with the token of its page."""
    console = f"http://127.0.0.1:{server.port}/console"
    shown = session.get(f"{console}/{page}", timeout=30, allow_redirects=False)
    found = _CSRF.search(shown.text)
    if found is None:
        raise RuntimeError(f"{page}: {shown.status_code} {shown.headers} {shown.text[:2000]}")
    sent = {**form, "csrf_token": found[1]}
    answer = session.post(f"{console}/{path}", sent, timeout=30, allow_redirects=False)
    if answer.status_code != 303:
        raise RuntimeError(f"{path}: {answer.status_code} {answer.text[:2000]}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
