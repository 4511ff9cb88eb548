"""An upgrade from the last release with messages in flight: real processes of both versions."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest
import redis

from smsgate.cli.process_groups import ProcessGroups
from smsgate.store.keys import PARTITION_KEYS
from tests.fakes.twilio_api import TwilioApi
from tests.journey.system import PROCESSES, SID, TOKEN, System, until

ROOT = Path(__file__).parents[2]
BEFORE_RELEASES = "f93cb0bc33b3ba00f755f654618f1c90620cdcd2"
"""The commit that stands for the last release as long as none has a tag."""


def git(*arguments: str) -> bytes:
    """The output of git; empty where it fails, as in a copy without history."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else b""


def last_release() -> str:
    """The newest tag before this commit, or what stands for it; empty without the history."""
    tag = git("describe", "--tags", "--match=v*", "--abbrev=0", "HEAD~1").decode().strip()
    found = tag or BEFORE_RELEASES
    return found if git("cat-file", "-t", found) else ""


class UpgradedSystem(System):
    """Begins as the last release, with its own commands and processes, until ``upgrade``."""

    def __init__(self, folder: Path, api: TwilioApi, groups: ProcessGroups, old: Path) -> None:
        self._old: Path | None = old
        super().__init__(folder, api.url, groups)

    @property
    def environ(self) -> Mapping[str, str]:
        """With the source of the version that runs."""
        if self._old is None:
            return super().environ
        return {**super().environ, "PYTHONPATH": str(self._old), "PYTHONSAFEPATH": "1"}

    def set_up(self) -> None:
        """By the commands of the old version."""
        self.command("records", "migrate")
        self.command("init", "--buckets", "8")

    def start(self, *names: str) -> None:
        """Processes of the old version are started as it says in its Procfile."""
        if self._old is None:
            super().start(*names)
            return
        for name in names or PROCESSES:
            command = [sys.executable, "-m", "workers", name]
            with (self._folder / f"old-{name}.log").open("a") as log:
                self._running[name] = self._groups.start(command, env=self.environ, output=log)
        until(self.answers)

    def command(self, *arguments: str) -> str:
        """What a command of the version that runs prints."""
        done = subprocess.run(
            [sys.executable, "-m", "smsgate.cli", *arguments],
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def upgrade(self) -> None:
        """From now on, commands and processes are of this version."""
        self._old = None
        self.command("config", "check")
        self.command("records", "migrate")


def number(place: int) -> str:
    return f"+1415555{place:04d}"


@pytest.mark.full
@pytest.mark.timeout(240)
@pytest.mark.skipif(not last_release(), reason="the history of this copy lacks the last release")
def test_what_the_last_release_left_in_flight_is_settled_once(tmp_path, groups) -> None:
    old = tmp_path / "old"
    with tarfile.open(fileobj=io.BytesIO(git("archive", last_release()))) as archive:
        archive.extractall(old, filter="data")

    with TwilioApi({SID: TOKEN}) as api:
        system = UpgradedSystem(tmp_path, api, groups, old)
        system.start()
        applied, back = number(1), number(2)
        for who, text in ((applied, "STOP"), (back, "STOP")):
            assert system.text(text, who).status_code == 200
        until(lambda: len(api.sent) == 2)
        until(system.idle)

        # Applied by the old worker, and no sender: replies wait.
        system.kill("sender", "clock")
        unanswered = [number(place) for place in range(10, 20)]
        for who in unanswered:
            assert system.text("Please stop", who).status_code == 200
        until(lambda: all(system.services.store.inbox_reader.depth(one) == 0 for one in range(16)))

        # Accepted by the old web, and no worker: entries and their jobs wait.
        system.kill("worker")
        waiting = [number(place) for place in range(20, 30)]
        for who in waiting:
            assert system.text("STOP", who).status_code == 200
        assert system.text("START", back).status_code == 200
        asks = number(30)
        assert system.text("HELP", asks).status_code == 200

        # The old web beside the other processes of this version.
        system.upgrade()
        system.start("worker", "sender", "clock")
        both = [number(place) for place in range(50, 55)]
        for who in both:
            assert system.text("STOP", who).status_code == 200
        until(system.idle, 60)

        # On the disk of the old web, since the store was away.
        system._groups.signal(system.redis.process, signal.SIGSTOP)
        spooled = number(40)
        assert system.text("Unsubscribe me", spooled).status_code == 503
        system.kill("web")
        system._groups.signal(system.redis.process, signal.SIGCONT)
        system.start("web")
        stopped = [applied, *unanswered, *waiting, *both, spooled]
        until(lambda: system.check(spooled)["allowed"] is False)
        replies = Counter({**dict.fromkeys(stopped, 1), back: 2, asks: 1})
        until(lambda: len(api.sent) >= replies.total(), 30)
        until(system.idle)
        found = {who: system.check(who) for who in [*stopped, back]}
        sent = Counter(call.form["To"] for call in api.sent)
        with redis.Redis.from_url(system.redis.url) as client:
            until(lambda: not any(client.xlen(keys.ledger) for keys in PARTITION_KEYS), 30)
        verified = system.command("records", "verify")
        compared = system.command("records", "diff")
        recorded = {
            who: [one.kind for one in system.services.history.of_number(who) if one.kind != "reply"]
            for who in [*stopped, back]
        }
        system.close()

    assert [who for who in stopped if found[who]["allowed"] is not False] == []
    assert found[back]["allowed"] is True
    assert sent == replies
    assert recorded == {**{who: ["opt_out"] for who in stopped}, back: ["opt_out", "opt_in"]}
    assert verified
    assert compared
