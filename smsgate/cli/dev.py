"""``smsgate dev``: everything on this machine, with nothing else installed."""

from __future__ import annotations

import fcntl
import json
import shlex
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack, closing, suppress
from functools import partial
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import click

from smsgate.cli import data_dir, redis_server
from smsgate.cli.config import checked_configuration, write_starter
from smsgate.cli.data_dir import RUN_FILE, config_dir
from smsgate.cli.operations import make_ready
from smsgate.cli.process_groups import ProcessGroups, Supervisor
from smsgate.cli.session import person
from smsgate.domain.errors import SmsGateError
from smsgate.features.operators.service import first_link
from smsgate.files import keep_secret, replace_file
from smsgate.interface.commands import progress
from smsgate.metrics.snapshot import KINDS
from smsgate.pipeline.spool import Spool
from smsgate.process.configuration import UNUSABLE, Configuration, changed_files, load_configuration
from smsgate.process.services import Services, build_services
from smsgate.records.operator_actions import ActionAuthor
from smsgate.settings.read import FILE
from smsgate.store.write_lease import LASTS_MS

HOST = "127.0.0.1"
SUBSCRIBER = "+14155550123"
SETTLE_S = 10.0
"""How long a collaborator may be unwell, once the web process answers, before that is told."""
PERIOD_S = 0.5
"""How often processes and the files of the configuration are looked at."""


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
        write_starter(path)
    if port is not None:
        environ["PORT"] = str(port)
    run(environ, (directory or data_dir.data_dir(environ)).resolve())


def run(environ: Mapping[str, str], directory: Path) -> None:
    """Run everything until SIGINT, SIGTERM or SIGHUP. Raises the error that prevented the start."""
    Spool(directory / "spool.sqlite3").check(make=True)
    with suppress(KeyboardInterrupt), ExitStack() as stack:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            stack.callback(signal.signal, number, signal.getsignal(number))
            signal.signal(number, signal.default_int_handler)
        lock = stack.enter_context((directory / "lock").open("a"))
        try:  # it is free once the last process on the data has ended
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            click.echo(
                f"Another smsgate dev runs on {directory}: this one waits until that has ended. "
                "A second one beside it: smsgate dev --data-dir var2 --port 8001"
            )
            fcntl.flock(lock, fcntl.LOCK_EX)
        groups = stack.enter_context(ProcessGroups([lock.fileno()]))
        supervisor, variables = Supervisor(groups), _variables(environ, directory)
        env = {**environ, **variables}
        configuration = load_configuration(env)
        settings, url = configuration.settings, f"http://{HOST}:{configuration.settings.port}"
        try:
            socket.create_server((HOST, settings.port)).close()
        except OSError as error:
            raise click.UsageError(
                f"Port {settings.port} cannot be used ({error.strerror}). "
                "Another one: smsgate dev --port 8001"
            ) from error
        if "REDIS_URL" in variables:
            supervisor.run("redis", lambda: redis_server.start(directory / "redis", groups).process)
        services = stack.enter_context(closing(build_services(configuration)))
        _prepare_store(services, directory, alone="REDIS_URL" in variables)
        lease = services.lease_renewal.thread()
        lease.start()
        stack.callback(lease.close)
        for name in KINDS:
            command = [sys.executable, "-m", "smsgate.cli", "run", name]
            command += ["--host", HOST] if name == "web" else []
            supervisor.run(name, partial(groups.start, command, env=env, output=None))
        stack.callback((directory / RUN_FILE).unlink, missing_ok=True)
        key = settings.api_keys[0].get_secret_value()
        made = {"url": url, "redis_url": env["REDIS_URL"], "api_key": key, "environment": variables}
        replace_file(directory / RUN_FILE, json.dumps(made, indent=2))
        _wait_until_ready(services, settings.port, supervisor)
        author = ActionAuthor(person())
        welcome(url, configuration, first_link(services.records.database, author))
        pause, read_s = threading.Event(), configuration.read_s
        while not pause.wait(PERIOD_S):
            supervisor.look()
            written_s = time.time() - PERIOD_S  # a file that is newer may be half written
            if changed_files(settings, read_s) and not changed_files(settings, written_s):
                read_s = written_s
                _restart(env, supervisor)


def _variables(environ: Mapping[str, str], directory: Path) -> dict[str, str]:
    """Return the additional variables of the processes; the first start makes secrets."""
    port = environ.get("PORT") or "8000"
    found = {
        "PORT": port,
        "SMSGATE_DATA_DIR": str(directory),
        "SMSGATE_CONFIG": str(config_dir(environ).resolve()),
        "SMSGATE_SIMULATOR_TOKEN": keep_secret(directory / "simulator-token"),
        "SMSGATE_SIMULATOR_URL": f"http://{HOST}:{port}/simulator",
        "WEB_CONCURRENCY": environ.get("WEB_CONCURRENCY") or "1",
    }
    if not environ.get("REDIS_URL"):
        found["REDIS_URL"] = redis_server.url_of(directory / "redis")
    for name, file in (("SMSGATE_API_KEYS", "api-key"), ("SMSGATE_SECRET_KEYS", "secret-key")):
        if not (environ.get(name) or environ.get(f"{name}_FILE")):
            found[name] = keep_secret(directory / file)
    return found


def _prepare_store(services: Services, directory: Path, *, alone: bool) -> None:
    """Make a new store ready, once for a data directory.

    A store that is empty later was flushed; making that one ready would allow texting everybody
    who had opted out. Where no other host uses the store (``alone``), the gate answers at once:
    what this host has in its spool is told here, and there is no other to wait for. The write lease
    is renewed from here too, so that it does not lapse while the processes start.
    """
    services.records.migrate()
    note = directory / "store-id"
    with progress() as tell:
        ready = make_ready(services.settings, services.archiver, tell, is_new=not note.exists())
    replace_file(note, ready.store + "\n")
    click.echo(ready.state)
    services.lease_renewal.renew()
    if alone:
        services.store.write_lease.open(LASTS_MS)


def _restart(env: Mapping[str, str], supervisor: Supervisor) -> None:
    """Let the processes start anew on the changed configuration, unless it has faults."""
    try:
        version = checked_configuration(env).version
    except SmsGateError as error:
        _warn(f"{error}\nProcesses that run keep what they have; fix it, none starts now.")
        return
    _warn(f"The configuration has changed: the processes restart, version {version}.")
    for name in KINDS:
        supervisor.running[name].terminate()


def _wait_until_ready(services: Services, port: int, supervisor: Supervisor) -> None:
    """Wait for the web process, however long it takes; warn of what is not in order then."""
    pause = threading.Event()
    while not _answers(port):
        supervisor.look()
        pause.wait(PERIOD_S)
    until = time.monotonic() + SETTLE_S
    while (state := services.monitor.look()).unusable and time.monotonic() < until:
        pause.wait(PERIOD_S)
    for condition in state.conditions:
        _warn(f"WARNING {condition.title}: {condition.text}")


def _answers(port: int) -> bool:
    with suppress(OSError, HTTPException), closing(HTTPConnection(HOST, port)) as web:
        web.request("GET", "/healthz")
        return web.getresponse().status == HTTPStatus.OK
    return False


def _warn(text: str) -> None:
    click.secho(text, fg="yellow", bold=True)


def welcome(url: str, configuration: Configuration, link: str | None) -> None:
    """Say where things are and what to try next, with commands that can be copied."""
    for warning in configuration.warnings:
        if UNUSABLE not in warning:  # a condition says it
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
    if link:
        click.echo("Become its first admin, within an hour:")
        click.secho(url + link, bold=True)
    click.echo(f"Data        {directory}")
    click.echo("\nCtrl-C ends everything; what was acknowledged is kept.")
