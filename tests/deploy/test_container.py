"""The container image: built by podman from the Dockerfile, and run as compose.yaml runs it.

The base image cannot be had without a registry: one of the same Debian packages stands for it.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from smsgate.process.configuration import load_configuration
from smsgate.process.services import Services, build_services
from tests.deploy import containers
from tests.deploy.containers import ROOT, podman
from tests.fakes.processes import wait_until
from tests.fakes.served import free_port, open_tcp
from tests.journey.system import SID, TOKEN

pytestmark = [
    pytest.mark.full,
    pytest.mark.timeout(400),
    pytest.mark.skipif(bool(containers.missing()), reason=containers.missing()),
]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())["services"]


@pytest.fixture
def image(tmp_path: Path) -> Iterator[str]:
    containers.make_base(tmp_path)
    built = containers.build()
    assert built.returncode == 0, built.stdout + built.stderr
    yield containers.IMAGE
    podman("rmi", "--force", containers.IMAGE, containers.BASE)


class Deployment:
    """Containers on this machine's Redis; each has the options of its service in compose.yaml."""

    def __init__(self, folder: Path, image: str, redis_url: str) -> None:
        self.image = image
        self.port = free_port()
        self._name = f"smsgate-{uuid.uuid4().hex[:8]}"
        self._folder = folder
        self._started: list[str] = []
        (folder / "config").mkdir()
        shutil.copy(ROOT / "config/smsgate.toml", folder / "config")
        url = folder / "redis_url"
        open_tcp(redis_url, redis_port := free_port())
        url.write_text(f"redis://127.0.0.1:{redis_port}/0\n")
        url.chmod(0o444)
        self.environ = {
            "PORT": str(self.port),
            "SMSGATE_PUBLIC_URL": f"http://127.0.0.1:{self.port}",
            "SMSGATE_SECRET_KEYS": "the-secret-key-of-the-containers",
            "TWILIO_ACCOUNT_SID": SID,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "REDIS_URL_FILE": "/run/secrets/redis_url",
        }

    def options(self, service: str) -> list[str]:
        """What compose.yaml says of a service, for podman; its network and Redis are the host's."""
        said = COMPOSE[service]
        options = ["--network=host", "--cgroups=disabled", *containers.LIMITS]
        options += ["--read-only", "--read-only-tmpfs=false"] if said["read_only"] else []
        options += [f"--tmpfs={path}" for path in said["tmpfs"]]
        options += [f"--cap-drop={one}" for one in said["cap_drop"]]
        options += [f"--security-opt={one.removesuffix(':true')}" for one in said["security_opt"]]
        options += [f"--volume={self._name}:/var/lib/smsgate"]
        options += [f"--volume={self._folder}/config:/etc/smsgate:ro"]
        options += [f"--volume={self._folder}/redis_url:/run/secrets/redis_url:ro"]
        return options + [f"--env={name}={value}" for name, value in self.environ.items()]

    def start(self, service: str) -> None:
        name = f"{self._name}-{service}"
        command = COMPOSE[service]["command"]
        done = podman(
            "run", "--detach", "--name", name, *self.options(service), self.image, *command
        )
        assert done.returncode == 0, done.stderr
        self._started.append(service)

    def run(self, *command: str, service: str = "migrate") -> str:
        done = podman("run", "--rm", *self.options(service), self.image, *command)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def healthy(self) -> bool:
        """What the image's own HEALTHCHECK says of web."""
        return podman("healthcheck", "run", f"{self._name}-web").returncode == 0

    def stop(self, service: str) -> int:
        """End it as ``docker compose stop`` does; gives its exit code."""
        name = f"{self._name}-{service}"
        grace = COMPOSE[service]["stop_grace_period"].removesuffix("s")
        podman("stop", "--time", grace, name)
        found = podman("inspect", "--format", "{{.State.ExitCode}}", name).stdout.strip()
        podman("rm", name)
        self._started.remove(service)
        return int(found)

    def logs(self, service: str) -> str:
        return podman("logs", f"{self._name}-{service}").stderr

    def close(self) -> None:
        for service in self._started:
            podman("rm", "--force", "--time", "0", f"{self._name}-{service}")
        podman("volume", "rm", "--force", self._name)


@pytest.fixture
def deployment(tmp_path: Path, image: str, redis_url: str) -> Iterator[Deployment]:
    folder = Path(os.path.realpath(tmp_path))
    found = Deployment(folder, image, redis_url)
    yield found
    found.close()


@pytest.fixture
def services(redis_url: str, tmp_path: Path) -> Iterator[Services]:
    """The host's own view of that Redis."""
    environ = {
        "REDIS_URL": redis_url,
        "SMSGATE_CONFIG": str(ROOT / "config"),
        "SMSGATE_DATA_DIR": str(tmp_path / "var"),
        "TWILIO_ACCOUNT_SID": SID,
        "TWILIO_AUTH_TOKEN": TOKEN,
    }
    found = build_services(load_configuration(environ))
    yield found
    found.close()


def _check_the_way_of_a_text(deployment: Deployment, services: Services) -> None:
    """From the webhook until it blocks; each process ends in order when it is told to."""
    number = "+14155550123"
    assert f"+g{containers.COMMIT}" in deployment.run("smsgate", "--version")
    deployment.run(*COMPOSE["migrate"]["command"])
    deployment.run(*COMPOSE["init"]["command"], service="init")
    for service in ("web", "worker", "sender", "clock"):
        deployment.start(service)
    assert wait_until(deployment.healthy, 60), deployment.logs("web")
    assert wait_until(services.store.metadata.store_id, 30)

    assert "200" in deployment.run("smsgate", "text", "Stop.", "--from", number)
    programs = services.settings.programs

    def blocked() -> bool:
        return services.gate.check_programs(number, programs)["alerts"].reason == "opted_out_all"

    assert wait_until(blocked, 30), deployment.logs("worker")
    codes = {name: deployment.stop(name) for name in ("web", "worker", "sender", "clock")}
    assert codes == dict.fromkeys(codes, 0)


def _check_the_sandbox(deployment: Deployment) -> None:
    """A process is nobody special, and writes to its two places only."""
    script = """
    id -u; id -g
    cat /proc/self/status
    for place in / /opt/smsgate /etc /etc/smsgate /var/lib/smsgate /tmp; do
      touch $place/probe 2>/dev/null && echo "writes to $place"
    done
    """
    said = deployment.run("sh", "-c", f"{script}\ntrue").split("\n")
    assert said[:2] == ["10001", "10001"]
    assert {line.split()[1] for line in said if line.startswith("Cap")} == {"0" * 16}
    assert "NoNewPrivs:\t1" in said
    assert [line for line in said if "writes" in line] == [
        "writes to /var/lib/smsgate",
        "writes to /tmp",
    ]


def _check_an_outage(deployment: Deployment) -> None:
    """Without Redis, web is healthy for its probe, and keeps what comes."""
    (deployment._folder / "redis_url").chmod(0o644)
    (deployment._folder / "redis_url").write_text("redis://127.0.0.1:1/0\n")
    deployment.start("web")
    assert wait_until(deployment.healthy, 60), deployment.logs("web")
    done = podman(
        "run", "--rm", *deployment.options("migrate"), deployment.image, "smsgate", "text", "STOP"
    )
    assert "503" in done.stdout + done.stderr
    found = deployment.run("sh", "-c", "ls /var/lib/smsgate")
    assert "spool.sqlite3" in found
    assert deployment.stop("web") == 0


def test_the_image_works_as_compose_runs_it(deployment: Deployment, services: Services) -> None:
    """In one test, since the image takes a minute to build."""
    _check_the_sandbox(deployment)
    _check_the_way_of_a_text(deployment, services)
    _check_an_outage(deployment)
