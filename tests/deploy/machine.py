"""A machine of its own to deploy on: a copy of this one's disk, with systemd as its process 1.

It lives in namespaces, on an overlay in memory, and ends with the test: what is installed, enabled
or written there never reaches this machine. Its network is a loopback of its own; a command that
installs something is given this machine's.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from tests.fakes.processes import wait_until

ROOT = Path(__file__).parents[2]
BOOT = Path(__file__).parent / "boot.sh"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def missing() -> str:
    """Why no machine can be started here; empty where one can."""
    if os.geteuid() != 0:
        return "a machine in namespaces is started by root"
    programs = ("apt-get", "ip", "nsenter", "/lib/systemd/systemd")
    if not all(shutil.which(program) for program in programs):
        return f"one of {programs} is not here"
    tried = subprocess.run(["unshare", "-pmCfiun", "true"], capture_output=True, check=False)
    return "" if tried.returncode == 0 else "no namespaces may be made here"


class Machine:
    """Boots at ``with``, and ends with all its processes at its end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._log = folder / "boot.log"

    def __enter__(self) -> Self:
        disk = self._folder / "machine"
        disk.mkdir()
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                ["unshare", "-pmCfiun", "--kill-child", "sh", str(BOOT), str(disk)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        assert wait_until(children.read_text), self._log.read_text()
        self._init = children.read_text().split()[0]
        up = "test -S /run/systemd/private && systemctl is-active machine.target dbus.service"
        assert wait_until(lambda: self.try_(up).returncode == 0), self._log.read_text()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait(20)

    def try_(
        self,
        script: str,
        *,
        environ: Mapping[str, str] | None = None,
        reaches_registries: bool = False,
        timeout_s: float = 120,
    ) -> subprocess.CompletedProcess[str]:
        """Run a script as root in its shell; gives exit code and output, whatever they are.

        ``reaches_registries``: it installs something, with this machine's network.
        """
        own = os.environ if reaches_registries else {}
        network = [] if reaches_registries else ["--net"]
        enter = ["nsenter", "--target", self._init, "-p", "-m", "-C", "-i", "-u", *network, "--"]
        return subprocess.run(
            [*enter, "bash", "-euc", f"cd /root\n{script}"],
            env={**own, "PATH": PATH, "HOME": "/root", "LANG": "C.UTF-8", **(environ or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def run(self, script: str, **how: Any) -> str:
        """Run a script that must succeed; gives its output."""
        done = self.try_(script, **how)
        assert done.returncode == 0, f"$ {script}\n{done.stdout}"
        return done.stdout

    def unpack_source(self, folder: str) -> None:
        """Put the checkout into a folder of the machine, as git has it."""
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        ).stdout
        enter = ["nsenter", "--target", self._init, "-m", "--"]
        with subprocess.Popen(
            ["tar", "-c", "-C", str(ROOT), "--null", "-T", "-", "--ignore-failed-read"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as tar:
            assert tar.stdin
            unpack = subprocess.Popen(
                [*enter, "sh", "-c", f"mkdir -p {folder} && tar -x -C {folder}"], stdin=tar.stdout
            )
            tar.stdin.write(listed)
            tar.stdin.close()
            assert unpack.wait(60) == 0
