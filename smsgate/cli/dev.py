"""``smsgate dev``: everything on this machine, with nothing else installed."""

from __future__ import annotations

import fcntl
import os
import secrets
import shlex
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import click
import requests
from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from smsgate.cli import redis_server
from smsgate.cli.config_watch import config_watch_of
from smsgate.cli.data_dir import (
    RUN_FILE,
    DevRun,
    data_dir,
    find_run,
    keep_secret,
    write_private,
    write_run,
)
from smsgate.cli.process_groups import GRACE_S, ProcessGroups
from smsgate.cli.supervisor import SupervisedProcess, Supervisor
from smsgate.domain.errors import RecordsNotReady, RecordsUnavailable, SmsGateError
from smsgate.features.operators.service import OperatorService
from smsgate.features.records_admin.cli import restore_if_needed
from smsgate.pipeline.configuration import Configuration, load_configuration
from smsgate.pipeline.configuration_rollout import publish_programs, refuse_dropped
from smsgate.pipeline.services import Services, build_records, build_services
from smsgate.pipeline.spool import Spool
from smsgate.store.write_lease import LASTS_MS

HOST = "127.0.0.1"
COLOURS = {"redis": "red", "web": "cyan", "worker": "green", "sender": "magenta", "clock": "yellow"}
SUBSCRIBER = "+14155550123"
OPEN_S = 30.0
"""How long the web process may take to answer."""
SETTLE_S = 5.0
"""How long after that a collaborator may still be unwell before it is told."""


class CannotStart(SmsGateError):
    """Something on this machine is in the way of ``smsgate dev``."""


@click.command(epilog="Example: smsgate dev --port 8000 --data-dir var")
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the web process.  [8000]")
@click.option(
    "--data-dir",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for data and secrets; created if missing.  [var]",
)
@click.pass_obj
def dev(obj: Mapping[str, Mapping[str, str]], port: int | None, directory: Path | None) -> None:
    """Run everything on this machine until Ctrl-C.

    Redis (REDIS_URL, else one of its own that keeps its data in the data directory), web,
    worker, sender and clock. A process that ends is restarted. The additional account
    `simulator` lets you try things out without a provider.
    """
    environ = dict(obj["environ"])
    if port is not None:
        environ["PORT"] = str(port)
    run(environ, (directory or data_dir(environ)).resolve())


def run(environ: Mapping[str, str], directory: Path) -> None:
    """Run everything until SIGINT, SIGTERM or SIGHUP. Raises the error that prevented the start."""
    console = Console(highlight=False)
    Spool(directory / "spool.sqlite3").check(make=True)
    with _ended_by_signal() as ending, _locked(directory) as lock, ProcessGroups([lock]) as groups:
        variables = _variables(environ, directory)
        configuration = load_configuration({**environ, **variables})
        _refuse_taken_port(configuration.settings.port)
        own = None
        if not environ.get("REDIS_URL"):
            own = redis_server.start(directory / "redis", groups)
            variables["REDIS_URL"] = own.url
            configuration = load_configuration({**environ, **variables})
        settings, env = configuration.settings, {**environ, **variables}
        url, key = f"http://{HOST}:{settings.port}", settings.api_keys[0].value
        watch = config_watch_of(settings, env, lambda said: _warn(console, said))
        supervisor = Supervisor(groups, console)
        with _prepared_store(configuration, directory, alone=own is not None) as services:
            try:
                if own is not None:
                    supervisor.run(
                        SupervisedProcess("redis", own.command, COLOURS["redis"], None, own.process)
                    )
                for name in ("web", "worker", "sender", "clock"):
                    command = [sys.executable, "-m", "workers", name]
                    command += ["--host", HOST] if name == "web" else []
                    supervisor.run(SupervisedProcess(name, command, COLOURS[name], env))
                write_run(directory, DevRun(os.getpid(), url, settings.redis_url, key, variables))
                watch.start()
                wrong = _wait_until_ready(url, key, ending)
                if not ending.is_set():
                    _report_start(console, url, configuration, wrong)
                ending.wait()
                console.print("Ending …")
            finally:
                watch.close()
                (directory / RUN_FILE).unlink(missing_ok=True)
                services.lease_renewal.close()
                supervisor.stop()


def _variables(environ: Mapping[str, str], directory: Path) -> dict[str, str]:
    """Return the additional variables of the processes; the first start makes secrets."""

    def secret(file: str) -> str:
        return keep_secret(directory / file, lambda: secrets.token_hex(24))

    port = environ.get("PORT") or "8000"
    found = {
        "PORT": port,
        "SMSGATE_DATA_DIR": str(directory),
        "SMSGATE_CONFIG": str(Path(environ.get("SMSGATE_CONFIG") or "config").resolve()),
        "SMSGATE_SIMULATOR_TOKEN": secret("simulator-token"),
        "SMSGATE_SIMULATOR_URL": f"http://{HOST}:{port}/simulator",
        "WEB_CONCURRENCY": environ.get("WEB_CONCURRENCY") or "1",
    }
    for name, file in (("SMSGATE_API_KEYS", "api-key"), ("SMSGATE_SECRET_KEYS", "secret-key")):
        if not (environ.get(name) or environ.get(f"{name}_FILE")):
            found[name] = secret(file)
    return found


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
        metadata, note = services.store.metadata, directory / "store-id"
        if note.exists() and not metadata.store_id():
            raise CannotStart(
                f"The store is empty, but {directory} has been in use with one that was ready: it "
                "was flushed, or is another one. Restore it; or make it ready with `smsgate init` "
                "if it is new; or start over with another data directory: "
                "smsgate dev --data-dir var2"
            )
        write_private(note, metadata.create() + "\n")
        refuse_dropped(services.settings, services.store)
        publish_programs(services.settings, services.store)
        services.lease_renewal.renew()
        if alone:
            services.store.write_lease.open(LASTS_MS)
        services.lease_renewal.start(quiet=True)  # the processes log the same
        yield services


def _wait_until_ready(url: str, key: str, ending: threading.Event) -> dict[str, str] | None:
    """What is not quite well, by collaborator; None where the web process did not answer."""
    found: dict[str, str] | None = None
    until = time.monotonic() + OPEN_S
    with requests.Session() as http:
        http.trust_env = False  # no proxy leads to this machine
        http.headers["Authorization"] = f"Bearer {key}"
        while time.monotonic() < until and not ending.wait(0.1):
            with suppress(requests.RequestException):
                answer = http.get(f"{url}/readyz", timeout=10).json()
                if found is None:
                    until = time.monotonic() + SETTLE_S
                found = answer["collaborators"]
                if answer["ready"]:
                    break
    return found and {name: said for name, said in found.items() if said != "ok"}


def _report_start(
    console: Console, url: str, configuration: Configuration, wrong: Mapping[str, str] | None
) -> None:
    if wrong is None:
        console.print("[bold red]The web process does not answer[/]; the lines above say why.")
        return
    for name, said in wrong.items():
        _warn(console, f"WARNING {name}: {said}")
    welcome(console, url, configuration)


def _warn(console: Console, text: str) -> None:
    console.print(Text(text, style="bold yellow"), soft_wrap=True)


def welcome(console: Console, url: str, configuration: Configuration) -> None:
    """Say where things are and what to try next, with commands that can be copied."""
    for warning in configuration.warnings:
        _warn(console, f"WARNING {warning}")
    settings, program = configuration.settings, _program_as_typed(sys.argv[0])
    directory = settings.data_dir.resolve()
    tries = [f'{program} text "Stop." --from {SUBSCRIBER}']
    tries += [f"{program} check {SUBSCRIBER} --program {one.name}" for one in settings.programs][:1]
    tries += [f"{program} history {SUBSCRIBER}"]
    if directory != data_dir({}).resolve():  # elsewhere, a second terminal does not find it
        tries.insert(0, f"export SMSGATE_DATA_DIR={shlex.quote(str(directory))}")
    body = Text.assemble(
        "Be a subscriber, in a second terminal:\n\n",
        *[(f"  {line}\n", "bold") for line in tries],
        f"\nConsole     {url}/console\n",
        f"HTTP        {url}   (/readyz, /webhooks/<account>, /v1)\n",
        f"Accounts    {', '.join(settings.accounts)}\n",
        f"Data        {settings.data_dir}\n",
        "\nCtrl-C ends everything; what was acknowledged is kept.",
    )
    console.print(Panel(body, title="smsgate is ready", expand=False, border_style="green"))
    # What is wrong with the records was said already, among what is not ready.
    with suppress(RecordsUnavailable, RecordsNotReady), closing(build_records(settings)) as records:
        link = OperatorService(records).make_first_link()
        if link:  # outside the frame, which would break it into lines
            console.print("Become the console's first admin, within an hour:")
            console.print(Text(url + link, style="bold"), soft_wrap=True)


def _program_as_typed(started: str) -> str:
    """How one types the program that is running: by its name where PATH leads to it."""
    name = Path(started).name
    if name == "__main__.py":
        return "smsgate"
    found = shutil.which(name)
    return name if found and Path(found).resolve() == Path(started).resolve() else started


@contextmanager
def _ended_by_signal() -> Iterator[threading.Event]:
    """An event that the first SIGINT, SIGTERM or SIGHUP sets."""
    ending = threading.Event()
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, lambda *_: ending.set()) for number in numbers}
    try:
        yield ending
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
    deadline, pause = time.monotonic() + GRACE_S + 5, threading.Event()
    try:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                other = find_run(directory)
                if other or time.monotonic() > deadline:
                    where = f" at {other.url} (process {other.pid})" if other else ""
                    raise CannotStart(
                        f"A smsgate dev runs on {directory} already{where}. "
                        "Another data directory: smsgate dev --data-dir var2 --port 8001"
                    ) from None
                pause.wait(0.1)
        yield lock
    finally:
        os.close(lock)
