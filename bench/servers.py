"""Starts what is measured: each server on a loopback port of its own, each with its own Redis."""

from __future__ import annotations

import http.client
import os
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import redis

from bench.signed import ORIGIN, SID, TOKEN
from bench.whole import Server, Whole
from smsgate.cli import redis_server
from smsgate.cli.process_groups import ProcessGroups
from smsgate.process.configuration import load_configuration
from smsgate.process.published_programs import publish_programs
from smsgate.process.services import build_services
from smsgate.store.keys import PARTITION_KEYS

PROCESSES = 2
"""Of each server, as many as the machines have cores that the figures are made on."""
THREADS = 32
_ROOT = Path(__file__).parent.parent
_START_S = 30.0

BEHIND_A_PROXY = "[web]\ntrust_proxy = true\n"
"""More of the configuration."""

Serve = Callable[[str, int], list[str]]
"""From an application factory and a port to a command."""

_CONFIG = """
[accounts.twilio]
provider    = "twilio"
account_sid = "${TWILIO_ACCOUNT_SID}"
auth_token  = "${TWILIO_AUTH_TOKEN}"
api_url     = "%s"

[programs.alerts]
name     = "Acme Alerts"
account  = "twilio"
senders  = ["*"]
keywords = ["en", "es"]
region   = "US"

[programs.confirmed]
name     = "Acme Confirmed"
account  = "twilio"
senders  = ["+14155550888"]
keywords = ["en", "es"]
region   = "US"
confirm  = "always"
"""


class Servers:
    """Starts servers in a folder; the groups ends them."""

    def __init__(self, folder: Path, groups: ProcessGroups) -> None:
        self._folder = folder
        self._groups = groups

    def smsgate(self, more: str = "") -> Server:
        """Start smsgate's web processes; no worker, so that all stays in the inbox.

        ``more``: of the configuration.
        """
        return self._smsgate(more=more)[0]

    def whole(self) -> Whole:
        """The same with one web process, and the means to start the others."""
        port = _free_port()
        command = [sys.executable, "-m", "bench.provider", str(port)]
        with (self._folder / "provider.log").open("w") as log:
            self._groups.start(command, cwd=_ROOT, output=log)
        server, environ = self._smsgate(processes=1, api_url=f"http://127.0.0.1:{port}")
        services = build_services(load_configuration(environ))
        return Whole(self._folder, self._groups, environ, services, server)

    def api(self, key: str) -> tuple[Server, Mapping[str, str]]:
        """Start smsgate's web processes for calls of the API; gives their environment, too."""
        often = "[api]\ncalls_per_second = 100_000\nburst = 100_000\n"  # in the way, never reached
        return self._smsgate(more=often, SMSGATE_API_KEYS=key)

    def console(self) -> tuple[Server, Mapping[str, str]]:
        """Start smsgate's web processes with a console; gives their environment, too."""
        key = "the-key-of-the-console-of-the-benchmark"
        return self._smsgate(SMSGATE_SECRET_KEYS=key, SMSGATE_PUBLIC_URL="")

    def _smsgate(
        self,
        processes: int = PROCESSES,
        api_url: str = "",
        more: str = "",
        **added: str,
    ) -> tuple[Server, Mapping[str, str]]:
        store = redis_server.start(self._folder / "redis-of-smsgate", self._groups)
        config = self._folder / "config"
        config.mkdir()
        (config / "smsgate.toml").write_text(_CONFIG % api_url + more)
        port = _free_port()
        environ = {
            **_environ(store.url),
            "SMSGATE_CONFIG": str(config),
            "SMSGATE_PRIVATE_HOSTS": "127.0.0.1",
            "SMSGATE_DATA_DIR": str(self._folder / "var"),
            "SMSGATE_PUBLIC_URL": ORIGIN,
            "TWILIO_ACCOUNT_SID": SID,
            "PORT": str(port),
            "WEB_CONCURRENCY": str(processes),
            **added,
        }
        _prepare(environ)
        command = [sys.executable, "-m", "smsgate.cli", "run", "web", "--host", "127.0.0.1"]
        group = self._start("smsgate", port, command, environ)
        return Server(port, (group, store.process.pid), lambda: _kept(store.url)), environ

    def tutorial(self, name: str, serve: Serve, app: str = "tutorial") -> Server:
        """Start the tutorial app under a server; no worker, so that all stays in the queue."""
        store = redis_server.start(self._folder / f"redis-{name}", self._groups)
        port = _free_port()
        command = serve(f"bench.peers.{app}:create_app", port)
        group = self._start(name, port, command, _environ(store.url))
        return Server(port, (group, store.process.pid), lambda: _queued(store.url))

    def limit(self, name: str) -> Server:
        """Start a handler of ``bench.limits``, on the server that smsgate is on."""
        port = _free_port()
        command = granian(f"bench.limits:{name}", port)
        return Server(port, (self._start(name, port, command, _environ("")),))

    def redis(self) -> str:
        """Start a Redis that nobody but a client of its own asks; gives its URL."""
        return redis_server.start(self._folder / "redis-alone", self._groups).url

    def _start(
        self, name: str, port: int, command: Sequence[str], environ: Mapping[str, str]
    ) -> int:
        """Start a process and wait until it answers; gives its process group."""
        path = self._folder / f"{name}.log"
        with path.open("w") as log:
            process = self._groups.start(command, env=environ, cwd=_ROOT, output=log)
        deadline = time.monotonic() + _START_S
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{name} did not start:\n{path.read_text()[-2000:]}")
            time.sleep(0.05)
        return process.pid


def granian(factory: str, port: int, interface: str = "wsgi") -> list[str]:
    """Return the command that serves an application by Granian."""
    command = [sys.executable, "-m", "granian", "--interface", interface, "--factory", factory]
    command += ["--host", "127.0.0.1", "--port", str(port), "--workers", str(PROCESSES)]
    if interface == "wsgi":
        command += ["--blocking-threads", str(THREADS)]
    return [*command, "--http", "1", "--no-ws", "--log-level", "error"]


def granian_asgi(factory: str, port: int) -> list[str]:
    """Return the command that serves an asynchronous application."""
    return granian(factory, port, "asgi")


def gunicorn(factory: str, port: int) -> list[str]:
    """Return the command that serves an application as tutorials do: sync workers."""
    command = [sys.executable, "-m", "gunicorn", "--workers", str(PROCESSES)]
    return [*command, "--bind", f"127.0.0.1:{port}", f"{factory}()"]


def gthread(factory: str, port: int) -> list[str]:
    """Return the command that serves an application by gunicorn's threads."""
    return [*gunicorn(factory, port), "--worker-class", "gthread", "--threads", str(THREADS)]


def _environ(redis_url: str) -> dict[str, str]:
    """Nothing but what is needed: Granian copies the environment into every request of its own."""
    return {"PATH": os.environ["PATH"], "REDIS_URL": redis_url, "TWILIO_AUTH_TOKEN": TOKEN}


def _prepare(environ: Mapping[str, str]) -> None:
    services = build_services(load_configuration(environ))
    services.records.migrate()
    services.store.metadata.create()
    services.store.write_lease.open(3_600_000)
    publish_programs(services.settings, services.store)
    services.close()


def _kept(redis_url: str) -> Mapping[str, int]:
    """How many messages smsgate holds, and how many numbers their holds block."""
    with redis.Redis.from_url(redis_url) as client:
        messages = sum(
            client.xlen(keys.inbox) + client.xlen(keys.ledger) for keys in PARTITION_KEYS
        )
        return {
            "messages": messages,
            "blocked numbers": sum(client.hlen(keys.holds) for keys in PARTITION_KEYS),
        }


def _queued(redis_url: str) -> Mapping[str, int]:
    with redis.Redis.from_url(redis_url) as client:
        return {"jobs": client.llen("rq:queue:default")}


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status > 0
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
