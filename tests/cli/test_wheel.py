"""The wheel, built and installed in environments of its own: what one gets without a checkout."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import redis

from smsgate.cli.process_groups import ProcessGroups
from smsgate.process.build import describe_build
from smsgate.process.configuration import load_configuration
from smsgate.process.published_programs import publish_programs
from smsgate.process.services import Services, build_services
from tests.fakes.processes import wait_until
from tests.fakes.served import free_port

pytestmark = [pytest.mark.full, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
NUMBER, OTHER = "+14155550123", "+14155550124"
WORKERS = {
    "checkout": [sys.executable, "-m", "smsgate.cli", "run"],
    "wheel": ["smsgate", "run"],
}
OPTS_OUT = """
import os
from smsgate import load_configuration
from smsgate.domain.messages import Arrival, Decision, Entry, Intent
from smsgate.process.services import build_services
services = build_services(load_configuration(os.environ))
stop = Decision(Intent.OPT_OUT, rule="operator")
entry = Entry(os.environ["NUMBER"], "all", stop, "all", source="operator", actor="tests")
services.store.inbox.add([Arrival(entry)])
services.close()
"""


class Environment:
    """A virtual environment with the wheel; commands run in it know of no checkout."""

    def __init__(self, place: Path, *what: str | Path) -> None:
        self.bin = place / "bin"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
        pip = [sys.executable, "-m", "pip", "--python", self.bin / "python"]
        pip += ["--disable-pip-version-check", "-q", "install"]
        subprocess.run([*pip, "-c", ROOT / "config" / "constraints.txt", *what], check=True)

    def run(self, *command: str, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(command),
            cwd=cwd,
            env=self.environ(**environ),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def command(self, command: Sequence[str]) -> list[str]:
        return [str(self.bin / command[0]), *command[1:]]

    def environ(self, **more: str) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], **more}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", place]
    subprocess.run(build, cwd=ROOT, check=True)
    (made,) = place.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return Environment(tmp_path_factory.mktemp("bare"), f"smsgate @ {wheel.as_uri()}")


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """With all other packages borrowed: ``test_release.py`` has them installed."""
    place = tmp_path_factory.mktemp("dev")
    made = Environment(place, "--no-deps", wheel)
    (packages,) = place.glob("lib/python*/site-packages")
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib"))
    return made


def test_a_bare_install_has_the_gate_and_says_what_the_commands_need(
    bare: Environment, tmp_path: Path
) -> None:
    lists = "from importlib.metadata import *; print(*(one.name for one in distributions()))"
    names = bare.run("python", "-c", lists, cwd=tmp_path).stdout.lower()
    assert {*names.replace("_", "-").split()} == {
        *("smsgate", "redis", "hiredis", "phonenumbers", "msgspec"),
        *("requests", "urllib3", "certifi", "idna", "charset-normalizer"),
    }
    asks = "from smsgate import Gate; from smsgate.client import SmsGate; import smsgate.errors"
    assert bare.run("python", "-c", asks, cwd=tmp_path).returncode == 0
    refused = bare.run("smsgate", "dev", cwd=tmp_path)
    assert refused.returncode == 2
    assert refused.stderr.splitlines() == [
        "The commands need the service (click is missing): pip install 'smsgate[dev]'"
    ]


def test_nothing_is_installed_beside_smsgate(installed: Environment, tmp_path: Path) -> None:
    code = "import smsgate, pathlib; print(pathlib.Path(smsgate.__file__).parents[1])"
    packages = Path(installed.run("python", "-c", code, cwd=tmp_path).stdout.strip())
    files = packages / f"smsgate-{describe_build().partition('+')[0]}.dist-info" / "RECORD"
    tops = {line.partition("/")[0] for line in files.read_text().splitlines()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"..", "smsgate"}


def test_dev_runs_in_an_empty_folder_and_stop_blocks(
    installed: Environment, tmp_path: Path, groups: ProcessGroups
) -> None:
    assert installed.run("smsgate", "--version", cwd=tmp_path).stdout == (
        f"smsgate, version {describe_build()}\n"
    )
    log = tmp_path / "log"
    with log.open("w") as out:
        started = groups.start(
            installed.command(["smsgate", "dev", "--port", str(free_port())]),
            env=installed.environ(),
            cwd=tmp_path,
            output=out,
        )
    assert wait_until(lambda: "smsgate is ready" in log.read_text(), 90), log.read_text()
    assert "config/smsgate.toml is written" in log.read_text()
    (to_copy,) = re.findall(r'(\S+) text "Stop\."', log.read_text())
    assert shutil.which(to_copy, path=installed.environ()["PATH"])
    assert installed.run("smsgate", "text", "STOP", "--from", NUMBER, cwd=tmp_path).returncode == 0
    check = ("smsgate", "check", "--program", "alerts")
    assert installed.run(*check, NUMBER, cwd=tmp_path).returncode == 1
    assert installed.run(*check, OTHER, cwd=tmp_path).returncode == 0
    history = ("smsgate", "history", NUMBER)
    assert wait_until(lambda: "applied" in installed.run(*history, cwd=tmp_path).stdout, 60)
    started.send_signal(signal.SIGINT)
    assert groups.wait(started) == 0


def test_a_configuration_of_ones_own_is_one_command(installed: Environment, tmp_path: Path) -> None:
    assert installed.run("smsgate", "config", "new", cwd=tmp_path).returncode == 0
    checked = installed.run("smsgate", "config", "check", cwd=tmp_path)
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.fixture
def environ(redis_url: str, tmp_path: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "SMSGATE_CONFIG": str(ROOT / "config"),
        "SMSGATE_DATA_DIR": str(tmp_path),
        "REDIS_URL": redis_url,
        "NUMBER": NUMBER,
    }


@pytest.fixture
def services(environ: dict[str, str]) -> Iterator[Services]:
    made = build_services(load_configuration(environ))
    made.store.metadata.create()
    publish_programs(made.settings, made.store)
    yield made
    made.close()


@pytest.mark.parametrize(("enqueues", "works"), [("checkout", "wheel"), ("wheel", "checkout")])
def test_each_runs_the_jobs_of_the_other(
    installed: Environment,
    environ: dict[str, str],
    services: Services,
    groups: ProcessGroups,
    redis_client: redis.Redis,
    tmp_path: Path,
    enqueues: str,
    works: str,
) -> None:
    def reason() -> str:
        return services.gate.check_programs(NUMBER, services.settings.programs)["alerts"].reason

    command = [*WORKERS["checkout"], "worker"]
    if works == "wheel":
        command = installed.command([*WORKERS["wheel"], "worker"])
    with (tmp_path / "log").open("w") as log:
        worker = groups.start(command, env=environ, cwd=tmp_path, output=log)
    try:
        # A job lasts ten seconds, and a start may take longer.
        assert wait_until(lambda: bool(redis_client.exists("rq:workers")))
        command = [sys.executable, "-c", OPTS_OUT]
        if enqueues == "wheel":
            command = installed.command(["python", "-c", OPTS_OUT])
        place = tmp_path if enqueues == "wheel" else ROOT
        subprocess.run(command, cwd=place, env=environ, check=True)
        applied = wait_until(lambda: reason() == "opted_out_all")
        assert applied, (tmp_path / "log").read_text()
    finally:
        groups.end(worker)
