"""What stands in deploy/, checked by the tools that read it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml

from smsgate.cli.process_groups import ProcessGroups
from smsgate.cli.redis_server import find_server
from smsgate.metrics.snapshot import KINDS
from smsgate.settings import read as settings_reader
from tests.deploy.guide import commands
from tests.deploy.machine import ROOT
from tests.fakes.processes import wait_until
from tests.fakes.served import free_port, is_open

pytestmark = pytest.mark.full
DEPLOY = ROOT / "deploy"
TOOLS = Path(sys.executable).parent
EXPOSURE = 12
"""The worst rating of a unit by systemd-analyze, in tenths: 0 is best, 100 worst."""


def run(*command: str | Path, cwd: Path = ROOT, **environ: str) -> str:
    """Run a tool that must be content; gives its output."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin", **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def wants(program: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not shutil.which(program), reason=f"there is no {program} here")


def test_hadolint_has_nothing_to_say_of_the_dockerfile() -> None:
    assert run(TOOLS / "hadolint", DEPLOY / "Dockerfile") == ""


@pytest.fixture(scope="module")
def compose(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The compose file as Docker Compose understands it, after the steps of the guide."""
    folder = tmp_path_factory.mktemp("compose")
    shutil.copytree(DEPLOY, folder / "deploy")
    shutil.copytree(ROOT / "config", folder / "config")
    for block in commands("Containers"):
        run("bash", "-euc", block, cwd=folder / "deploy")
    assert (folder / "deploy/config/smsgate.toml").is_file()
    command = ["docker-compose", "-f", "deploy/compose.yaml", "--profile", "init", "config"]
    found = json.loads(run(*command, "--format", "json", cwd=folder, HOME=str(folder)))
    assert isinstance(found, dict)
    return found


@wants("docker-compose")
def test_each_process_of_the_compose_file_is_locked_down(compose) -> None:
    own = {name: one for name, one in compose["services"].items() if "build" in one}
    assert {*own} == {*KINDS, "migrate", "init"}
    for name, one in own.items():
        assert one["read_only"] is True, name
        assert one["cap_drop"] == ["ALL"], name
        assert one["security_opt"] == ["no-new-privileges:true"], name
        assert one["stop_grace_period"] == "20s", name
        assert [*one["tmpfs"]] == ["/tmp"], name
    assert compose["services"]["web"]["ports"][0]["host_ip"] == "127.0.0.1"
    assert compose["services"]["web"]["environment"]["SMSGATE_PUBLIC_URL"]
    for secret in compose["secrets"].values():
        assert Path(secret["file"]).read_text().strip()


@wants("docker-compose")
def test_processes_wait_for_the_migration_and_init_is_never_run_by_itself(compose) -> None:
    services = compose["services"]
    for name in KINDS:
        waits = services[name]["depends_on"]
        assert waits["migrate"]["condition"] == "service_completed_successfully", name
    assert services["init"]["profiles"] == ["init"]
    assert all("init" not in one.get("depends_on", {}) for one in services.values())


@wants("docker-compose")
def test_the_migration_does_not_meet_the_server_that_makes_the_database(compose) -> None:
    """The image makes it by a server that listens on its socket only, and ends that one again."""
    (_, asked) = compose["services"]["postgres"]["healthcheck"]["test"]
    assert "pg_isready --host 127.0.0.1 " in asked


def test_a_redis_with_these_settings_is_as_strong_as_doctor_wants(
    tmp_path: Path, groups: ProcessGroups
) -> None:
    port = free_port()
    command = [find_server(), DEPLOY / "redis.conf", "--port", str(port), "--dir", tmp_path]
    with (tmp_path / "log").open("w") as log:
        process = groups.start([str(part) for part in command], output=log)
    try:
        assert wait_until(lambda: is_open(port))
        with redis.Redis(port=port, decode_responses=True) as client:
            wanted = {
                "appendonly": "yes",
                "appendfsync": "always",
                "no-appendfsync-on-rewrite": "no",
                "maxmemory-policy": "noeviction",
            }
            assert client.config_get(*wanted) == wanted
    finally:
        groups.end(process)


@wants("systemd-analyze")
class TestUnits:
    """The systemd units, with the machine's Python in the place of the installed one."""

    NAMES = ("smsgate-web@8001", "smsgate-worker@1", "smsgate-sender@1", "smsgate-clock@1")

    @pytest.fixture
    def units(self, tmp_path: Path) -> Path:
        shutil.copytree(DEPLOY / "systemd", tmp_path, dirs_exist_ok=True)
        for unit in tmp_path.glob("*.service"):
            found = unit.read_text()
            assert "/opt/smsgate/bin/smsgate" in found
            unit.write_text(found.replace("/opt/smsgate/bin/smsgate", str(TOOLS / "smsgate")))
        return tmp_path

    def test_systemd_has_nothing_to_say_of_them(self, units: Path) -> None:
        names = [f"{name}.service" for name in self.NAMES]
        command = ["systemd-analyze", "verify", "--man=no", *names, "smsgate.target"]
        said = run(*command, cwd=units, SYSTEMD_UNIT_PATH=f"{units}:")
        assert [line for line in said.splitlines() if "smsgate" in line] == []

    @pytest.mark.parametrize("name", NAMES)
    def test_they_are_locked_down(self, units: Path, name: str) -> None:
        unit = units / f"{name.partition('@')[0]}@.service"
        command = ["systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE}"]
        run(*command, unit, SYSTEMD_UNIT_PATH=f"{units}:")


def _database_url(folder: Path, lines: str) -> subprocess.CompletedProcess[str]:
    """What the command `smsgate` hands on as the database's address, for such an environment."""
    (folder / "smsgate.env").write_text(lines)
    script = (DEPLOY / "systemd/smsgate").read_text()
    for installed, here in (
        ("/etc/smsgate/smsgate.env", str(folder / "smsgate.env")),
        ("/var/lib/smsgate", str(folder)),
        ("setpriv --reuid=smsgate --regid=smsgate --init-groups ", ""),
    ):
        assert installed in script
        script = script.replace(installed, here)
    return subprocess.run(
        ["/bin/sh", "-c", script, "smsgate", "-c", 'echo "$DATABASE_URL"'],
        env={"PATH": "/usr/bin:/bin", "SMSGATE": "/bin/sh"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("lines", "url"),
    [
        ("# records\n\nDATABASE_URL='postgresql://a/b?c=d&e=$f'\n", "postgresql://a/b?c=d&e=$f"),
        ("DATABASE_URL=postgresql://a/b?c=d", "postgresql://a/b?c=d"),
    ],
)
def test_the_command_reads_the_environment_as_systemd_does(
    tmp_path: Path, lines: str, url: str
) -> None:
    done = _database_url(tmp_path, lines)
    assert (done.returncode, done.stdout) == (0, f"{url}\n")


@pytest.mark.parametrize(
    "line",
    [
        "DATABASE_URL=postgresql://a/b?secret=d&e=f",
        "DATABASE_URL=secret$HOME",
        "DATABASE_URL='secret' 'more'",
        'DATABASE_URL="secret"',
        "export DATABASE_URL=secret",
        "# secret, goes on\\",
    ],
)
def test_the_command_refuses_what_a_shell_reads_differently(tmp_path: Path, line: str) -> None:
    done = _database_url(tmp_path, f"A='b'\n{line}\n")
    assert (done.returncode, done.stdout) == (2, "")
    assert "line 2: write NAME='value'" in done.stderr
    assert "secret" not in done.stderr


@wants("kubectl")
def test_each_kubernetes_object_is_valid(tmp_path: Path) -> None:
    folder = tmp_path / "kubernetes"
    shutil.copytree(DEPLOY / "kubernetes", folder)
    shutil.copy(ROOT / "config/smsgate.toml", folder)
    shutil.copy(DEPLOY / "redis.conf", folder)
    rendered = tmp_path / "rendered.yaml"
    rendered.write_text(run("kubectl", "kustomize", folder))
    for version in ("1.29", "1.37"):
        command = [TOOLS / "kubernetes-validate", "--strict", "--version", version]
        run(*command, rendered, folder / "migrate.yaml")
    of_kind = [one["kind"] for one in yaml.safe_load_all(rendered.read_text())]
    assert of_kind.count("PodDisruptionBudget") == 3
    assert "path: /readyz" not in rendered.read_text()


def test_a_platform_with_a_procfile_is_given_what_smsgate_reads() -> None:
    found = json.loads((ROOT / "app.json").read_text())
    lines = [line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines()]
    assert [name for name, _ in lines] == ["release", *found["formation"]]
    assert {*found["formation"]} == {*KINDS}
    config = (ROOT / "config/smsgate.toml").read_text()
    read = Path(settings_reader.__file__).read_text()
    for name in found["env"]:
        assert f'"{name}"' in read or f"${{{name}}}" in config, name
    assert ".[server,postgres]" in (ROOT / "requirements.txt").read_text()


def test_the_image_and_the_manifests_start_the_processes_of_the_procfile() -> None:
    lines = (ROOT / "Procfile").read_text().splitlines()
    commands = {name: run_.split() for name, run_ in (line.split(": ", 1) for line in lines)}
    del commands["release"]
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    manifests = [
        *yaml.safe_load_all((DEPLOY / "kubernetes/web.yaml").read_text()),
        *yaml.safe_load_all((DEPLOY / "kubernetes/processes.yaml").read_text()),
    ]
    pods = [one["spec"]["template"]["spec"] for one in manifests if "template" in one["spec"]]
    containers = {one["name"]: one["command"] for pod in pods for one in pod["containers"]}
    assert {name: compose[name]["command"] for name in commands} == commands
    assert containers == commands
    for name, command in commands.items():
        unit = (DEPLOY / f"systemd/smsgate-{name}@.service").read_text()
        started = re.search(r"^ExecStart=/opt/smsgate/bin/(.*)$", unit, re.MULTILINE)
        assert started, name
        assert started[1].removesuffix(" --host 127.0.0.1").split() == command
