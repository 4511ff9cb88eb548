"""Whole processes: what they write to standard error while they work, fail and end."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from smsgate.domain.messages import InboundMessage
from smsgate.process.configuration import load_configuration
from smsgate.process.published_programs import publish_programs
from smsgate.process.services import build_services
from smsgate.providers import PROVIDERS
from tests.fakes.processes import PATIENCE_S, wait_until
from tests.fakes.scripted_api import ScriptedApi
from tests.fakes.served import free_port
from tests.fakes.twilio_api import Answer, TwilioApi
from tests.scan import canaries
from tests.scan.canaries import NUMBER, STOP, TEXT, WRONG, Canaries
from tests.scan.conftest import SID, environ_of

pytestmark = pytest.mark.full  # whole systems of processes
SEEN = Canaries()
PROCESSES = ("web", "worker", "sender", "clock")


class System:
    """The processes of the Procfile, and how they are texted."""

    def __init__(self, folder: Path, environ: dict[str, str], groups) -> None:
        self._folder = folder
        self._groups = groups
        self._running: dict[str, subprocess.Popen[str]] = {}
        self.port = free_port()
        self.environ = {"PATH": os.environ["PATH"], "WEB_CONCURRENCY": "1"} | environ
        self.environ["PORT"] = str(self.port)
        self.accounts = load_configuration(self.environ).settings.accounts

    def start(self, *names: str, **changed: str) -> None:
        for name in names:
            command = [sys.executable, "-m", "smsgate.cli", "run", name]
            command += ["--host", "127.0.0.1"] if name == "web" else []
            with (self._folder / f"{name}.log").open("a") as log:
                environ = {**self.environ, **changed}
                self._running[name] = self._groups.start(command, env=environ, output=log)

    def end(self) -> None:
        for process in self._running.values():
            self._groups.end(process)
        self._running.clear()

    def logs(self) -> str:
        return "\n".join(path.read_text() for path in self._folder.glob("*.log"))

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> int:
        """The status of an answer, which is scanned; 0 where there is none."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            said = answer.read() + str(answer.getheaders()).encode()
        except (OSError, http.client.HTTPException):
            return 0
        else:
            assert SEEN.in_(said) == [], path
            return answer.status
        finally:
            connection.close()

    def text(self, name: str, id_: str, body: str, **headers: str) -> int:
        account = self.accounts[name]
        message = InboundMessage(name, id_, NUMBER, "+14155550999", body)
        url = f"{account.public_url}/webhooks/{name}"
        request = PROVIDERS[account.provider].inbound(message, account, url)
        parts = urlsplit(request.url)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        return self.ask(request.method, target, request.body, **{**request.headers, **headers})


def strange(system: System) -> None:
    """What strangers and broken clients send."""
    for path in (f"/webhooks/kannel/{WRONG}?from={NUMBER[1:]}&text={WRONG}", f"/{WRONG}", "/o/x"):
        assert system.ask("GET", path) in (403, 404)
    assert system.text("twilio", "SM9", STOP, **{"x-twilio-signature": WRONG}) == 403
    assert system.ask("POST", f"/webhooks/{canaries.PATH_SECRET}", STOP.encode()) == 404
    check = json.dumps({"program": "alerts", "numbers": [NUMBER]}).encode()
    assert system.ask("POST", "/v1/check", check, authorization=f"Bearer {WRONG}") == 401
    with socket.create_connection(("127.0.0.1", system.port), timeout=PATIENCE_S) as line:
        line.sendall(f"GARBAGE {WRONG} {NUMBER}\r\n\r\n".encode())
        line.recv(1000)
    with socket.create_connection(("127.0.0.1", system.port), timeout=PATIENCE_S) as line:
        head = f"POST /webhooks/kannel/{WRONG} HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n"
        line.sendall(head.encode() + TEXT.encode())


@pytest.fixture
def hook():
    """Where feed and alerts are told."""
    with ScriptedApi({f"/{canaries.HOOK}": [(500, TEXT.encode()), (200, b"")]}) as api:
        yield api


@pytest.fixture
def api():
    with TwilioApi({SID: canaries.AUTH_TOKEN}) as api:
        api.script(Answer(400, code=21211), Answer(500))
        yield api


@pytest.fixture
def system(tmp_path, redis_url, groups, api, hook):
    environ = environ_of(tmp_path, redis_url, api.url)
    file = tmp_path / "config" / "smsgate.toml"
    file.write_text(file.read_text().replace("http://127.0.0.1:9/", f"{hook.url}/"))
    services = build_services(load_configuration(environ))
    services.records.migrate()
    services.store.metadata.create(buckets=8)
    publish_programs(services.settings, services.store)
    services.close()
    made = System(tmp_path, environ, groups)
    yield made
    made.end()


def test_processes_that_work_and_fail_show_nothing(system, api, hook):
    system.start(*PROCESSES)
    assert wait_until(lambda: system.ask("GET", "/healthz") == 200)
    assert system.text("twilio", "SM1", STOP) == 200
    assert wait_until(lambda: api.calls)  # what the START would make unnecessary
    for number, body in enumerate((TEXT, f"HELP {TEXT}", "HELP", "START")):
        assert system.text("twilio", f"SM{number:032x}", body) == 200
    assert system.text("kannel", "k1", STOP) == 200
    strange(system)
    assert wait_until(lambda: len(api.calls) >= 2)
    key = {"authorization": f"Bearer {canaries.METRICS_KEY}"}
    assert system.ask("GET", "/metrics", **key) == 200
    assert system.ask("GET", "/readyz") in (200, 503)
    assert wait_until(lambda: hook.calls)
    system.end()
    logs = system.logs()
    assert logs.count('"webhook"') >= 7
    assert SEEN.in_(logs) == []


@pytest.mark.parametrize(
    "changed",
    [
        {"REDIS_URL": f"redis://:{canaries.REDIS_PASSWORD}@127.0.0.1:1/0"},
        {"DATABASE_URL": f"postgresql://u:{canaries.DATABASE_PASSWORD}@127.0.0.1:1/smsgate"},
        {"SMSGATE_PUBLIC_URL": f"x://{WRONG}", "REDIS_URL": canaries.REDIS_PASSWORD},
    ],
    ids=["redis away", "database away", "faults"],
)
def test_processes_without_their_collaborators_show_nothing(tmp_path, redis_url, groups, changed):
    system = System(tmp_path, environ_of(tmp_path, redis_url), groups)
    system.start(*PROCESSES, **changed)
    if "SMSGATE_PUBLIC_URL" in changed:
        assert wait_until(lambda: all(one.poll() == 2 for one in system._running.values()))
    else:
        assert wait_until(lambda: system.ask("GET", "/healthz") == 200)
        system.text("twilio", "SM1", STOP)
        strange(system)
        assert wait_until(lambda: " waits" in system.logs() or "wait for" in system.logs())
    system.end()
    assert system.logs()
    assert SEEN.in_(system.logs()) == []


def test_dev_shows_no_secret_but_those_that_it_made_for_its_user(tmp_path, redis_url, groups):
    environ = environ_of(tmp_path, redis_url)
    for name in ("SMSGATE_DATA_DIR", "SMSGATE_PUBLIC_URL"):
        del environ[name]
    port, log = free_port(), tmp_path / "dev.log"
    command = [sys.executable, "-m", "smsgate.cli", "dev", "--port", str(port)]
    with log.open("w") as output:
        environ |= {"PATH": os.environ["PATH"]}
        command += ["--data-dir", str(tmp_path / "dev")]
        process = groups.start(command, env=environ, output=output)
    run_file = tmp_path / "dev" / "run.json"
    assert wait_until(lambda: run_file.exists() and _well(port), 90)
    texting = [sys.executable, "-m", "smsgate.cli", "text", STOP, "--from", NUMBER]
    environ["SMSGATE_DATA_DIR"] = str(tmp_path / "dev")
    subprocess.run(texting, env=environ, check=False, capture_output=True, timeout=60)
    process.send_signal(signal.SIGINT)
    process.wait(30)
    groups.wait(process)
    said = log.read_text()
    assert "webhook" in said
    assert SEEN.in_(said) == []


def _well(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
