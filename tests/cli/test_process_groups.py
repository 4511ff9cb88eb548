from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from smsgate.cli.process_groups import ProcessGroups, end_groups, groups_left
from tests.fakes.processes import DEAF, STAYS, gone, wait_until

OWNER = """
import sys, subprocess
from smsgate.cli.process_groups import ProcessGroups, end_groups, groups_left
groups = ProcessGroups()
child = groups.start([sys.executable, "-c", {child!r}], output=sys.stdout)
child.wait()
"""
HAS_A_CHILD = f"""
import subprocess, sys
subprocess.run([sys.executable, "-c", {STAYS!r}])
"""


@pytest.mark.parametrize("child", [STAYS, HAS_A_CHILD], ids=["child", "grandchild"])
def test_nothing_outlives_an_owner_that_is_killed(child: str) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER.format(child=child)], stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    pid = int(owner.stdout.readline().split()[1])
    owner.kill()
    owner.wait()
    owner.stdout.close()
    assert wait_until(lambda: gone(pid))


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


def test_the_watchdog_keeps_what_was_started_and_has_not_ended() -> None:
    assert groups_left(["+12\n", "+13\n", "rubbish\n", "-12\n", "+14\n", ""]) == {13, 14}


def test_the_watchdog_kills_what_does_not_end_within_the_grace() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", DEAF], stdout=subprocess.PIPE, process_group=0
    )
    assert process.stdout is not None
    process.stdout.readline()
    end_groups([process.pid], grace_s=0.2)
    assert process.wait(5) == -signal.SIGKILL
    process.stdout.close()
