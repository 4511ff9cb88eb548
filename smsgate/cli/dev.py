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
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import click
import requests

from smsgate.cli import data_dir, redis_server, session
from smsgate.cli.config import write_starter
from smsgate.cli.data_dir import DevRun, config_dir, find_run, keep_secret
from smsgate.cli.process_groups import ProcessGroups
from smsgate.cli.supervisor import Supervisor
from smsgate.domain import errors
from smsgate.domain.errors import SmsGateError
from smsgate.features.operators.service import ActionAuthor, first_link
from smsgate.features.records_admin.rebuild import restore_if_needed
from smsgate.files import replace_file
from smsgate.pipeline.build import describe_build
from smsgate.pipeline.configuration import Configuration, load_configuration
from smsgate.pipeline.published_programs import publish_programs, refuse_dropped
from smsgate.pipeline.services import Services, build_services
from smsgate.pipeline.spool import Spool
from smsgate.records import Records
from smsgate.settings.read import FILE
from smsgate.store.store import Store
from smsgate.store.write_lease import LASTS_MS

HOST = "127.0.0.1"
PROCESSES = {"web": "cyan", "worker": "green", "sender": "magenta", "clock": "yellow"}
"""The colours of their lines; of Redis they are red."""
SUBSCRIBER = "+14155550123"
COMPANY = "My Company"
"""In the starter configuration of an empty folder."""
SETTLE_S = 5.0
"""How long a collaborator may be unwell, once the web process answers, before that is told."""
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
    path = config_dir(environ) / FILE
    if not environ.get("SMSGATE_CONFIG") and not path.exists():
        write_starter(environ, path, COMPANY)
        click.echo(f"{path} is written; edit it as you like.")
    if port is not None:
        environ["PORT"] = str(port)
    run(environ, (directory or data_dir.data_dir(environ)).resolve())


def run(environ: Mapping[str, str], directory: Path) -> None:
    """Run everything until SIGINT, SIGTERM or SIGHUP. Raises the error that prevented the start."""
    Spool(directory / "spool.sqlite3").check(make=True)
    with suppress(KeyboardInterrupt), ExitStack() as stack:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            before = signal.signal(number, signal.default_int_handler)
            stack.callback(signal.signal, number, before)
        groups = stack.enter_context(ProcessGroups([stack.enter_context(_locked(directory))]))
        supervisor = Supervisor(groups)
        stack.callback(supervisor.stop)
        variables = _variables(environ, directory)
        settings = load_configuration({**environ, **variables}).settings
        try:
            socket.create_server((HOST, settings.port)).close()
        except OSError as error:
            raise CannotStart(
                f"Port {settings.port} cannot be used ({error.strerror}). "
                "Another one: smsgate dev --port 8001"
            ) from error
        if not environ.get("REDIS_URL"):
            own = redis_server.start(directory / "redis", groups)
            supervisor.run("redis", own.command, "red", process=own.process)
            variables["REDIS_URL"] = own.url
        env, url = {**environ, **variables}, f"http://{HOST}:{settings.port}"
        watched = changes(settings.config_dir)
        next(watched)  # from now on
        configuration = load_configuration(env)
        services = stack.enter_context(closing(build_services(configuration)))
        _prepare_store(services, directory, alone="REDIS_URL" in variables)
        lease = services.lease_renewal.thread()
        lease.start()
        stack.callback(lease.close)
        for name, colour in PROCESSES.items():
            command = [sys.executable, "-m", "smsgate.cli", "run", name]
            command += ["--host", HOST] if name == "web" else []
            supervisor.run(name, command, colour, env)
        key = settings.api_keys[0].get_secret_value()
        stack.callback(data_dir.forget_run, directory)
        data_dir.write_run(directory, DevRun(os.getpid(), url, env["REDIS_URL"], key, variables))
        for title, text in _wait_until_ready(url, key).items():
            _warn(f"WARNING {title}: {text}")
        welcome(url, configuration)
        pause = threading.Event()
        for is_changed in watched:
            if is_changed:
                reload(env, services.store, supervisor)
            pause.wait(PERIOD_S)


def _variables(environ: Mapping[str, str], directory: Path) -> dict[str, str]:
    """Return the additional variables of the processes; the first start makes secrets."""

    def secret(file: str) -> str:
        return keep_secret(directory / file, lambda: secrets.token_hex(24))

    port = environ.get("PORT") or "8000"
    found = {
        "PORT": port,
        "SMSGATE_DATA_DIR": str(directory),
        "SMSGATE_CONFIG": str(config_dir(environ).resolve()),
        "SMSGATE_SIMULATOR_TOKEN": secret("simulator-token"),
        "SMSGATE_SIMULATOR_URL": f"http://{HOST}:{port}/simulator",
        "WEB_CONCURRENCY": environ.get("WEB_CONCURRENCY") or "1",
    }
    for name, file in (("SMSGATE_API_KEYS", "api-key"), ("SMSGATE_SECRET_KEYS", "secret-key")):
        if not (environ.get(name) or environ.get(f"{name}_FILE")):
            found[name] = secret(file)
    return found


@contextmanager
def _locked(directory: Path) -> Iterator[int]:
    """Hold the data directory's lock, which is free once the last process on the data has ended.

    So a start right after a kill -9 waits for the old processes.
    """
    other = find_run(directory)
    if other:
        raise CannotStart(
            f"A smsgate dev runs on {directory} already at {other.url} (process {other.pid}). "
            "Another data directory: smsgate dev --data-dir var2 --port 8001"
        )
    with (directory / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
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
            click.echo(restored)
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


def changes(folder: Path) -> Iterator[bool]:
    """Say at each look whether a file of the configuration was changed, and none since the last.

    Of a file that is half written, what is there may be a configuration without a fault.
    """
    loaded = seen = _file_versions(folder)
    while True:
        before, seen = seen, _file_versions(folder)
        is_changed = before == seen != loaded
        if is_changed:
            loaded = seen
        yield is_changed


def _file_versions(folder: Path) -> frozenset[tuple[str, int, int]]:
    found = set()
    for file in (folder / FILE, *(folder / "keywords").glob("*.toml")):
        with suppress(OSError):  # gone, which changes what is found
            about = file.stat()
            found.add((file.name, about.st_mtime_ns, about.st_size))
    return frozenset(found)


def reload(env: Mapping[str, str], store: Store, supervisor: Supervisor) -> None:
    """Start the processes anew on the changed configuration, unless it has faults."""
    try:
        changed = load_configuration(env)
        with suppress(errors.StoreUnavailable, errors.StoreNotReady):  # processes look again
            refuse_dropped(changed.settings, store)
    except SmsGateError as error:
        _warn(f"{error}\nProcesses that run keep what they have; fix it, none starts now.")
        return
    supervisor.restart(PROCESSES)
    folder = changed.settings.config_dir
    _warn(f"{folder} has changed: the processes restart, version {changed.version}.")


def _wait_until_ready(url: str, key: str) -> Mapping[str, str]:
    """Wait for the web process, however long it takes; give conditions, texts by titles."""
    until, pause = math.inf, threading.Event()
    with requests.Session() as http:
        http.trust_env = False  # no proxy leads to this machine
        http.headers["Authorization"] = f"Bearer {key}"
        while not pause.wait(PERIOD_S):
            with suppress(requests.RequestException):
                answer = http.get(f"{url}/readyz", timeout=10).json()
                until = min(until, time.monotonic() + SETTLE_S)
                if answer["ready"] or time.monotonic() >= until:
                    break
    return {one["title"]: one["text"] for one in answer["conditions"]}


def _warn(text: str) -> None:
    click.secho(text, fg="yellow", bold=True)


def welcome(url: str, configuration: Configuration) -> None:
    """Say where things are and what to try next, with commands that can be copied."""
    for warning in configuration.warnings:
        _warn(f"WARNING {warning}")
    settings, directory = configuration.settings, configuration.settings.data_dir.resolve()
    program = "smsgate" if shutil.which("smsgate") else sys.argv[0]
    lines = [f'{program} text "Stop." --from {SUBSCRIBER}', f"{program} history {SUBSCRIBER}"]
    lines += [f"{program} check {SUBSCRIBER} --program {one.name}" for one in settings.programs][:1]
    if directory != data_dir.data_dir({}).resolve():  # a second terminal would not find it
        lines.insert(0, f"export SMSGATE_DATA_DIR={shlex.quote(str(directory))}")
    click.secho("\nsmsgate is ready. Be a subscriber, in a second terminal:\n", bold=True)
    click.echo("  " + "\n  ".join(lines))
    click.echo(f"\nConsole     {url}/console")
    click.echo(f"HTTP        {url}   (/readyz, /webhooks/<account>, /v1)")
    click.echo(f"Accounts    {', '.join(settings.accounts)}")
    click.echo(f"Data        {settings.data_dir}")
    click.echo(f"Version     {describe_build()}")
    click.echo("\nCtrl-C ends everything; what was acknowledged is kept.")
    # What is wrong with the records was said already, among what is not ready.
    with suppress(errors.RecordsUnavailable), closing(Records(settings.database_url)) as records:
        link = first_link(records.database, ActionAuthor(session.person()))
        if link:
            click.echo("Set the password of the console's first admin, within an hour:")
            click.secho(url + link, bold=True)
