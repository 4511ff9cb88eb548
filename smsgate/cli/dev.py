"""``smsgate dev``: everything on this machine, with nothing else installed."""

from __future__ import annotations

import fcntl
import os
import secrets
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from smsgate.cli import private_file, readiness, redis_server, running
from smsgate.cli.leash import Leash
from smsgate.cli.supervisor import Part, Supervisor
from smsgate.cli.watchdog import GRACE_S
from smsgate.cli.watching import watching_of
from smsgate.cli.welcome import welcome
from smsgate.domain.errors import SmsGateError
from smsgate.features.records_admin.cli import restore_if_needed
from smsgate.pipeline.configuration import Configuration, load_configuration
from smsgate.pipeline.configuration_rollout import publish_programs, refuse_dropped
from smsgate.pipeline.services import Services, build_services
from smsgate.pipeline.spool import Spool
from smsgate.store.write_lease import LASTS_MS

HOST = "127.0.0.1"
COLOURS = {"redis": "red", "web": "cyan", "worker": "green", "sender": "magenta", "clock": "yellow"}
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class CannotStart(SmsGateError):
    """Something on this machine is in the way of ``smsgate dev``."""


@click.command(epilog="Example: smsgate dev --port 8000 --data-dir var")
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the web doors.  [8000]")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for data and secrets; made if it is not there.  [var]",
)
@click.pass_obj
def dev(obj: Mapping[str, Mapping[str, str]], port: int | None, data_dir: Path | None) -> None:
    """Run everything on this machine until Ctrl-C.

    Redis (REDIS_URL, else one of its own that keeps its data in the data directory), web,
    worker, sender and clock. What ends is started again. Beside the configured accounts there
    is one more, `simulator`, for trying things out without a provider.
    """
    given = dict(obj["environ"])
    if port is not None:
        given["PORT"] = str(port)
    directory = data_dir or Path(given.get("SMSGATE_DATA_DIR") or "var")
    run(given, directory.resolve())


def run(environ: Mapping[str, str], directory: Path) -> None:
    """Run everything until SIGINT, SIGTERM or SIGHUP. Raises what stood in the way of the start."""
    console = Console(highlight=False, stderr=False)
    ending = threading.Event()
    Spool(directory / "spool.sqlite3").check(make=True)
    with _told_by_signals(ending), _locked(directory) as lock, Leash(keep=[lock]) as leash:
        configuration, variables, own = _prepare(environ, directory, leash)
        settings = configuration.settings
        watching = watching_of(settings, {**environ, **variables}, console)
        supervisor = Supervisor(leash, console)
        with _prepared_store(configuration, directory, alone=own is not None) as services:
            try:
                _start(supervisor, own, {**environ, **variables})
                url = f"http://{HOST}:{settings.port}"
                api_key = settings.api_keys[0].value
                running.announce(
                    directory,
                    running.Running(os.getpid(), url, settings.redis_url, api_key, variables),
                )
                watching.start()
                _say_how_it_is(console, url, configuration, ending)
                ending.wait()
                console.print("Ending …")
            finally:
                watching.close()
                running.withdraw(directory)
                services.lease_renewal.close()
                supervisor.stop()


def _prepare(
    environ: Mapping[str, str], directory: Path, leash: Leash
) -> tuple[Configuration, dict[str, str], redis_server.RedisServer | None]:
    """Check everything that can be checked before the first process starts."""
    variables = _variables(environ, directory)
    configuration = load_configuration({**environ, **variables})
    _refuse_taken_port(configuration.settings.port)
    own = None
    if not environ.get("REDIS_URL"):
        own = redis_server.start(directory / "redis", leash)
        variables["REDIS_URL"] = own.url
        configuration = load_configuration({**environ, **variables})
    return configuration, variables, own


def _variables(environ: Mapping[str, str], directory: Path) -> dict[str, str]:
    """What the processes are told beside our own environment; secrets are made at first start."""
    port = environ.get("PORT") or "8000"
    simulator_token = private_file.kept(directory / "simulator-token", _token)
    found = {
        "PORT": port,
        "SMSGATE_DATA_DIR": str(directory),
        "SMSGATE_CONFIG": str(Path(environ.get("SMSGATE_CONFIG") or "config").resolve()),
        "SMSGATE_SIMULATOR_TOKEN": simulator_token,
        "SMSGATE_SIMULATOR_URL": f"http://{HOST}:{port}/simulator",
        "WEB_CONCURRENCY": environ.get("WEB_CONCURRENCY") or "1",
    }
    for name, file in (("SMSGATE_API_KEYS", "api-key"), ("SMSGATE_SECRET_KEYS", "secret-key")):
        if not (environ.get(name) or environ.get(f"{name}_FILE")):
            found[name] = private_file.kept(directory / file, _token)
    return found


def _token() -> str:
    return secrets.token_hex(24)


@contextmanager
def _prepared_store(
    configuration: Configuration, directory: Path, *, alone: bool
) -> Iterator[Services]:
    """Make a new store ready, once for a data directory, and publish the programs.

    A store that is empty later was flushed; making that one ready would allow texting everybody
    who had opted out. Where no other host uses the store (``alone``), the gate answers at once:
    what this host has in its spool is told here, and there is no other to wait for. The write lease
    is renewed from here too, so that it does not lapse while the processes start.
    """
    with closing(build_services(configuration)) as services:
        services.records.migrate()
        restore_if_needed(services)
        _mark(services, directory)
        refuse_dropped(services.settings, services.store)
        publish_programs(services.settings, services.store)
        services.lease_renewal.renew()
        if alone:
            services.store.write_lease.open(LASTS_MS)
        services.lease_renewal.start(quiet=True)  # the processes log the same
        yield services


def _mark(services: Services, directory: Path) -> None:
    """Give the store its metadata, and the data directory a note of it."""
    metadata, note = services.store.metadata, directory / "store-id"
    if note.exists() and not metadata.store_id():
        raise CannotStart(
            f"The store is empty, but {directory} has been in use with one that was ready: it was "
            "flushed, or is another one. Restore it; or make it ready with `smsgate init` if it "
            "is new; or begin anew with another data directory: smsgate dev --data-dir var2"
        )
    private_file.write(note, metadata.create() + "\n")


def _start(
    supervisor: Supervisor, own: redis_server.RedisServer | None, env: Mapping[str, str]
) -> None:
    if own is not None:
        supervisor.run(Part("redis", own.command, COLOURS["redis"], process=own.process))
    for name in ("web", "worker", "sender", "clock"):
        command = [sys.executable, "-m", "workers", name]
        command += ["--host", HOST] if name == "web" else []
        supervisor.run(Part(name, command, COLOURS[name], env))


def _say_how_it_is(
    console: Console, url: str, configuration: Configuration, ending: threading.Event
) -> None:
    wrong = readiness.wait(url, configuration.settings.api_keys[0].value, ending)
    if ending.is_set():
        return
    if wrong is None:
        console.print("[bold red]The web doors do not open[/]; the lines above say why.")
        return
    for name, said in wrong.items():
        console.print(Text(f"WARNING {name}: {said}", style="bold yellow"), soft_wrap=True)
    welcome(console, url, configuration)


def _refuse_taken_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise CannotStart(
                f"Port {port} cannot be used ({error.strerror}). "
                "Another one: smsgate dev --port 8001"
            ) from error


@contextmanager
def _told_by_signals(ending: threading.Event) -> Iterator[None]:
    before = {number: signal.signal(number, lambda *_: ending.set()) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _locked(directory: Path) -> Iterator[int]:
    """Hold the data directory's lock.

    The lock is free once the last process on the data has ended, so a start right after a
    kill -9 waits for the old processes.
    """
    lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _lock(lock, directory)
        yield lock
    finally:
        os.close(lock)


def _lock(lock: int, directory: Path) -> None:
    deadline = time.monotonic() + GRACE_S + 5
    pause = threading.Event()
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            other = running.find(directory)
            if other or time.monotonic() > deadline:
                where = f" at {other.url} (process {other.pid})" if other else ""
                raise CannotStart(
                    f"A smsgate dev runs on {directory} already{where}. "
                    "Another data directory: smsgate dev --data-dir var2 --port 8001"
                ) from None
            pause.wait(0.1)
        else:
            return
