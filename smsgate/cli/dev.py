"""``smsgate dev``: everything on this machine, with nothing else installed."""

from __future__ import annotations

import fcntl
import math
import os
import secrets
import shlex
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import click
import requests
from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from smsgate.cli import data_dir, redis_server, session, starter
from smsgate.cli.data_dir import DevRun, find_run, keep_secret
from smsgate.cli.process_groups import GRACE_S, ProcessGroups
from smsgate.cli.supervisor import SupervisedProcess, Supervisor
from smsgate.domain import errors
from smsgate.domain.errors import SmsGateError, StoreNotReady, StoreUnavailable
from smsgate.features.operators.service import first_link
from smsgate.features.records_admin.rebuild import restore_if_needed
from smsgate.files import replace_file
from smsgate.pipeline.background_thread import BackgroundThread
from smsgate.pipeline.build import describe_build
from smsgate.pipeline.configuration import Configuration, load_configuration
from smsgate.pipeline.published_programs import publish_programs, refuse_dropped
from smsgate.pipeline.services import Services, build_records, build_services
from smsgate.pipeline.spool import Spool
from smsgate.settings.read import FILE
from smsgate.store.store import Store
from smsgate.store.write_lease import LASTS_MS

HOST = "127.0.0.1"
PROCESSES = {"web": "cyan", "worker": "green", "sender": "magenta", "clock": "yellow"}
"""The colours of their lines; of Redis they are red."""
SUBSCRIBER = "+14155550123"
COMPANY = "My Company"
"""In the starter configuration of an empty folder."""
OPEN_S = 30.0
"""How long the web process may take to answer before that is told."""
SETTLE_S = 5.0
"""How long after that a collaborator may still be unwell before it is told."""
PERIOD_S = 0.1
"""How often the files of the configuration are looked at."""


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
    `simulator` lets you try things out without a provider. In a folder without config/ it writes
    a starter configuration, as `smsgate config new` does.
    """
    environ = dict(obj["environ"])
    folder = starter.config_dir(environ)
    if not environ.get("SMSGATE_CONFIG") and not (folder / FILE).exists():
        path, _ = starter.write_starter(folder, COMPANY)
        click.echo(f"{path} is written; edit it as you like.")
    if port is not None:
        environ["PORT"] = str(port)
    run(environ, (directory or data_dir.data_dir(environ)).resolve())


def run(environ: Mapping[str, str], directory: Path) -> None:
    """Run everything until SIGINT, SIGTERM or SIGHUP. Raises the error that prevented the start."""
    console, ending = Console(highlight=False), threading.Event()
    Spool(directory / "spool.sqlite3").check(make=True)
    with ExitStack() as stack:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            before = signal.signal(number, lambda *_: ending.set())
            stack.callback(signal.signal, number, before)
        groups = stack.enter_context(ProcessGroups([stack.enter_context(_locked(directory))]))
        supervisor = Supervisor(groups, console)
        stack.callback(supervisor.stop)
        variables = _variables(environ, directory)
        configuration = load_configuration({**environ, **variables})
        settings = configuration.settings
        _refuse_taken_port(settings.port)
        if not environ.get("REDIS_URL"):
            own = redis_server.start(directory / "redis", groups)
            supervisor.run(SupervisedProcess("redis", own.command, "red", process=own.process))
            variables["REDIS_URL"] = own.url
            configuration = load_configuration({**environ, **variables})
        env, url = {**environ, **variables}, f"http://{HOST}:{settings.port}"
        services = stack.enter_context(closing(build_services(configuration)))
        _prepare_store(services, directory, alone="REDIS_URL" in variables)
        for name, colour in PROCESSES.items():
            command = [sys.executable, "-m", "smsgate.cli", "run", name]
            command += ["--host", HOST] if name == "web" else []
            supervisor.run(SupervisedProcess(name, command, colour, env))
        key = settings.api_keys[0].get_secret_value()
        stack.callback(data_dir.forget_run, directory)
        data_dir.write_run(directory, DevRun(os.getpid(), url, env["REDIS_URL"], key, variables))
        watch = ConfigWatch(
            settings.config_dir,
            lambda: _restart(env, services.store, supervisor),
            lambda text: _warn(console, text),
        )
        stack.callback(watch.close)
        watch.start()
        wrong = _wait_until_ready(url, key, ending, lambda text: _warn(console, text))
        if not ending.is_set():
            for name, said in wrong.items():
                _warn(console, f"WARNING {name}: {said}")
            welcome(console, url, configuration)
        ending.wait()
        console.print("Ending …")


def _variables(environ: Mapping[str, str], directory: Path) -> dict[str, str]:
    """Return the additional variables of the processes; the first start makes secrets."""

    def secret(file: str) -> str:
        return keep_secret(directory / file, lambda: secrets.token_hex(24))

    port = environ.get("PORT") or "8000"
    found = {
        "PORT": port,
        "SMSGATE_DATA_DIR": str(directory),
        "SMSGATE_CONFIG": str(starter.config_dir(environ).resolve()),
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
def _locked(directory: Path) -> Iterator[int]:
    """Hold the data directory's lock.

    The lock is free once the last process on the data has ended, so a start right after a
    kill -9 waits for the old processes.
    """
    until, pause = time.monotonic() + GRACE_S + 5, threading.Event()
    with (directory / "lock").open("a") as lock:
        while True:
            with suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            other = find_run(directory)
            if other or time.monotonic() > until:
                where = f" at {other.url} (process {other.pid})" if other else ""
                raise CannotStart(
                    f"A smsgate dev runs on {directory} already{where}. "
                    "Another data directory: smsgate dev --data-dir var2 --port 8001"
                )
            pause.wait(0.1)
        yield lock.fileno()


def _prepare_store(services: Services, directory: Path, *, alone: bool) -> None:
    """Make a new store ready, once for a data directory, and publish the programs.

    A store that is empty later was flushed; making that one ready would allow texting everybody
    who had opted out. Where no other host uses the store (``alone``), the gate answers at once:
    what this host has in its spool is told here, and there is no other to wait for. The write lease
    is renewed from here too, so that it does not lapse while the processes start.
    """
    services.records.migrate()
    with session.progress() as progress:
        if restored := restore_if_needed(services, progress):
            session.out.print(restored, markup=False)
    metadata, note = services.store.metadata, directory / "store-id"
    if note.exists() and not metadata.store_id():
        raise CannotStart(
            f"The store is empty, but {directory} has been in use with one that was ready: it was "
            "flushed, or is another one. Restore it; or make it ready with `smsgate init` if it is "
            "new; or start over with another data directory: smsgate dev --data-dir var2"
        )
    replace_file(note, metadata.create() + "\n")
    refuse_dropped(services.settings, services.store)
    publish_programs(services.settings, services.store)
    services.lease_renewal.renew()
    if alone:
        services.store.write_lease.open(LASTS_MS)
    services.lease_renewal.start(quiet=True)  # the processes log the same


def _restart(environ: Mapping[str, str], store: Store, supervisor: Supervisor) -> str:
    """Let every process read the changed configuration; return its version.

    Raises ``ConfigurationError`` with every fault; nothing is restarted then.
    """
    changed = load_configuration(environ)
    with suppress(StoreUnavailable, StoreNotReady):  # processes look again when they start
        refuse_dropped(changed.settings, store)
    supervisor.restart(PROCESSES)
    return changed.version


class ConfigWatch(BackgroundThread):
    """Starts the processes anew when a file of the configuration was changed, unless it has faults.

    ``restart()`` returns the version that they run then; ``say`` is given a text for a person.
    """

    def __init__(
        self, folder: Path, restart: Callable[[], str], say: Callable[[str], None]
    ) -> None:
        super().__init__("config watch", first_pause_s=PERIOD_S, close_timeout_s=10.0)
        self._folder, self._restart, self._say = folder, restart, say
        self._loaded = self._seen = self._file_versions()

    def run_once(self) -> float:
        """Restart if a file has changed, and none since the last look.

        Of a file that is half written, what is there may be a configuration without a fault.
        """
        before, self._seen = self._seen, self._file_versions()
        if before == self._seen != self._loaded:
            self._loaded = self._seen
            try:
                version = self._restart()
                self._say(f"{self._folder} has changed: the processes restart, version {version}.")
            except SmsGateError as error:
                self._say(
                    f"{error}\nProcesses that run keep what they have; fix it, none starts now."
                )
        return PERIOD_S

    def _file_versions(self) -> frozenset[tuple[str, int, int, int]]:
        """Name, inode, last write and size of each file."""
        found = set()
        for file in (self._folder / "smsgate.toml", *(self._folder / "keywords").glob("*.toml")):
            with suppress(OSError):  # gone, which changes what is found
                about = file.stat()
                found.add((file.name, about.st_ino, about.st_mtime_ns, about.st_size))
        return frozenset(found)


def _wait_until_ready(
    url: str, key: str, ending: threading.Event, say: Callable[[str], None]
) -> Mapping[str, str]:
    """Wait for the web process, however long it takes; return what is not well, by collaborator."""
    found: Mapping[str, str] | None = None
    until = time.monotonic() + OPEN_S
    with requests.Session() as http:
        http.trust_env = False  # no proxy leads to this machine
        http.headers["Authorization"] = f"Bearer {key}"
        while not ending.wait(0.1):
            with suppress(requests.RequestException):
                answer = http.get(f"{url}/readyz", timeout=10).json()
                if found is None:
                    until = time.monotonic() + SETTLE_S
                found = answer["collaborators"]
                if answer["ready"]:
                    break
            if time.monotonic() >= until:
                if found is not None:
                    break
                say("The web process does not answer yet; the lines above may say why.")
                until = math.inf
    return {name: said for name, said in (found or {}).items() if said != "ok"}


def _warn(console: Console, text: str) -> None:
    console.print(Text(text, style="bold yellow"), soft_wrap=True)


def welcome(console: Console, url: str, configuration: Configuration) -> None:
    """Say where things are and what to try next, with commands that can be copied."""
    for warning in configuration.warnings:
        _warn(console, f"WARNING {warning}")
    settings, directory = configuration.settings, configuration.settings.data_dir.resolve()
    program = "smsgate" if shutil.which("smsgate") else sys.argv[0]
    tries = [f'{program} text "Stop." --from {SUBSCRIBER}']
    tries += [f"{program} check {SUBSCRIBER} --program {one.name}" for one in settings.programs][:1]
    tries += [f"{program} history {SUBSCRIBER}"]
    if directory != data_dir.data_dir({}).resolve():  # a second terminal would not find it
        tries.insert(0, f"export SMSGATE_DATA_DIR={shlex.quote(str(directory))}")
    body = Text.assemble(
        "Be a subscriber, in a second terminal:\n\n",
        *[(f"  {line}\n", "bold") for line in tries],
        f"\nConsole     {url}/console\n",
        f"HTTP        {url}   (/readyz, /webhooks/<account>, /v1)\n",
        f"Accounts    {', '.join(settings.accounts)}\n",
        f"Data        {settings.data_dir}\n",
        f"Version     {describe_build()}\n",
        "\nCtrl-C ends everything; what was acknowledged is kept.",
    )
    console.print(Panel(body, title="smsgate is ready", expand=False, border_style="green"))
    # What is wrong with the records was said already, among what is not ready.
    with (
        suppress(errors.RecordsUnavailable),
        closing(build_records(settings)) as records,
    ):
        link = first_link(records)
        if link:  # outside the frame, which would break it into lines
            console.print("Become the console's first admin, within an hour:")
            console.print(Text(url + link, style="bold"), soft_wrap=True)
