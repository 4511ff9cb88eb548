"""Podman without a registry: an image to build on, made of this machine's own Debian packages."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = (
    "python3",
    "python3-venv",
    "ca-certificates",
    "bash",
    "coreutils",
    "passwd",
    "dash",
    "base-passwd",
)
"""What of `python:3.13-slim-trixie` the Dockerfile uses; and what these need."""
LINKS = {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64"}
FOLDERS = ("dev", "etc", "proc", "sys", "run", "tmp", "root", "var/tmp", "var/lib")
MADE = ("etc/passwd", "etc/group", "etc/shadow", "etc/gshadow", "etc/ssl/certs/ca-certificates.crt")
"""Files that no package lists, since they are made when it is installed."""
BASE = "localhost/smsgate-test-base:latest"
IMAGE = "localhost/smsgate-test:latest"


COMMIT = "5eed5eed"
LIMITS = ("--ulimit=nofile=8192:8192", "--ulimit=nproc=8192:8192")
"""By default podman raises its own limits, which not every root may."""
UNIFIED = """mount -t cgroup2 none /sys/fs/cgroup && exec podman "$@" """
"""The container runtime wants version 2 of the control groups alone; some machines have both."""


def podman(*arguments: str, timeout_s: int = 240) -> subprocess.CompletedProcess[str]:
    """Run podman; what it prints is in the result, whatever its exit code."""
    command = ["podman"]
    if Path("/sys/fs/cgroup/unified").exists():
        command = ["unshare", "--mount", "--cgroup", "sh", "-c", UNIFIED, "podman"]
    return subprocess.run(
        [*command, *arguments],
        env={**os.environ, "PODMAN_IGNORE_CGROUPSV1_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def missing() -> str:
    """Why no image can be built here; empty where one can."""
    if os.geteuid() != 0:
        return "a base image is made of this machine's packages by root"
    if not shutil.which("podman") or not shutil.which("dpkg-query"):
        return "there is no podman here, or no Debian"
    return ""


def make_base(folder: Path) -> None:
    """Import what the packages installed here put on the disk, as ``BASE``."""
    file = folder / "base.tar"
    with tarfile.open(file, "w") as tar:
        for name in FOLDERS:
            tar.addfile(_folder(name))
        for name, target in LINKS.items():
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, target
            tar.addfile(link)
        for path in sorted(
            {*_files(_with_dependencies(PACKAGES)), *(Path("/", one) for one in MADE)}
        ):
            is_there = path.is_symlink() or path.is_file()
            if is_there and str(path)[1:] not in LINKS:
                tar.add(path, str(path)[1:], recursive=False)
    done = podman("import", "--quiet", str(file), BASE)
    assert done.returncode == 0, done.stderr
    file.unlink()


def build() -> subprocess.CompletedProcess[str]:
    """Build the Dockerfile on ``BASE``, as ``IMAGE``, with this machine's network."""
    return podman(
        "build",
        "--format=docker",
        "--layers=false",  # nothing of the first stage is left behind
        "--network=host",
        "--volume=/etc/ssl/certs:/etc/ssl/certs:ro",
        f"--build-arg=PYTHON_IMAGE={BASE}",
        f"--build-arg=COMMIT={COMMIT}",
        *LIMITS,
        f"--file={ROOT}/deploy/Dockerfile",
        f"--tag={IMAGE}",
        str(ROOT),
    )


def _folder(name: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.mode = tarfile.DIRTYPE, 0o1777 if name.endswith("tmp") else 0o755
    return info


def _with_dependencies(packages: Sequence[str]) -> list[str]:
    command = ["apt-cache", "depends", "--recurse", "--installed", "--important", *packages]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return sorted({line for line in said.splitlines() if line[:1].isalnum()} | {*packages})


def _files(packages: Sequence[str]) -> set[Path]:
    found = subprocess.run(
        ["dpkg-query", "--listfiles", *packages], capture_output=True, text=True, check=False
    ).stdout
    paths = [Path(line) for line in found.splitlines() if line.startswith("/")]
    # /lib/x and /usr/lib/x are one file.
    return {path.parent.resolve() / path.name for path in paths if "doc" not in path.parts}
