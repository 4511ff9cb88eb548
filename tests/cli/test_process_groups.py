from __future__ import annotations

import fcntl
import signal
import subprocess
import sys
from pathlib import Path
from subprocess import DEVNULL

import pytest

from smsgate.cli.process_groups import ProcessGroups
from tests.fakes.processes import DEAF, STAYS, gone, wait_until

OWNER = """
import sys, time
from smsgate.cli import process_groups
process_groups.GRACE_S = 0.2
groups = process_groups.ProcessGroups()
for child in {children!r}:
    groups.start([sys.executable, "-c", child], output=sys.stdout)
time.sleep(600)
"""
HAS_A_CHILD = f"""
import subprocess, sys
subprocess.run([sys.executable, "-c", {STAYS!r}])
"""
TELLS = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (os.write(1, b"NAME ends\\n"), sys.exit()))
print("here", flush=True)
time.sleep(600)
"""


LEFT = {
    "a child": [STAYS],
    "a grandchild": [HAS_A_CHILD],
    "several": [STAYS, STAYS],
    "deaf": [DEAF],
}


@pytest.mark.parametrize("children", LEFT.values(), ids=LEFT)
@pytest.mark.full
def test_nothing_outlives_an_owner_that_is_killed(children: list[str]) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER.format(children=children)], stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    left = [int(owner.stdout.readline().split()[1]) for _ in children]
    owner.kill()
    owner.wait()
    owner.stdout.close()
    assert wait_until(lambda: all(gone(pid) for pid in left))


def test_a_process_that_will_not_end_is_killed_after_the_grace() -> None:
    with ProcessGroups() as groups:
        process = groups.start([sys.executable, "-c", DEAF])
        assert process.stdout is not None
        process.stdout.readline()
        assert groups.end(process, grace_s=0.2) == -signal.SIGKILL
        process.stdout.close()


def test_what_an_ended_process_leaves_of_its_group_is_killed() -> None:
    leaves = f"""
import subprocess, sys
subprocess.Popen([sys.executable, "-c", {STAYS!r}])
"""
    with ProcessGroups() as groups:
        process = groups.start([sys.executable, "-c", leaves])
        assert process.stdout is not None
        pid = int(process.stdout.readline().split()[1])
        assert groups.wait(process) == 0
        assert wait_until(lambda: gone(pid))
        process.stdout.close()


def test_the_first_that_was_started_ends_after_all_others(
    capfd: pytest.CaptureFixture[str],
) -> None:
    shown: list[str] = []

    def lines(word: str) -> list[str]:
        shown.extend(capfd.readouterr().out.splitlines())
        return [line.split()[0] for line in shown if word in line]

    with ProcessGroups() as groups:
        for name in ("redis", "web", "worker"):
            groups.start([sys.executable, "-c", TELLS.replace("NAME", name)], output=None)
        assert wait_until(lambda: len(lines("here")) == 3)
    ends = lines("ends")
    assert sorted(ends) == ["redis", "web", "worker"]
    assert ends[-1] == "redis"


def test_what_ended_before_its_owner_leaves_no_shell_behind(tmp_path: Path) -> None:
    with ProcessGroups() as groups:
        assert groups.wait(groups.start(["/bin/sh", "-c", "exit 3"], output=DEVNULL)) == 3
        with (tmp_path / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with ProcessGroups([lock.fileno()]) as holders:
                holder = holders.start(["/bin/sh", "-c", "exit 0"], output=DEVNULL)
                holders.wait(holder)
        with (tmp_path / "lock").open("w") as lock:  # nobody holds it by now
            assert wait_until(lambda: _can_lock(lock.fileno()))


def _can_lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
