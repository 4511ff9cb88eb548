"""Keyword sets are saved and files are changed while texts arrive, at real processes."""

from __future__ import annotations

import http.client
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import pytest
import requests

from smsgate.cli.process_groups import ProcessGroups
from smsgate.consent.events import Event
from smsgate.features.keyword_editor.service import KeywordEditor
from smsgate.metrics.snapshot import Process
from smsgate.monitoring import conditions
from smsgate.monitoring.monitor import take_snapshot
from smsgate.store.keys import PARTITION_KEYS
from tests.fakes.processes import PATIENCE_S, wait_until
from tests.fakes.twilio_api import TwilioApi
from tests.faults.system import _children, _is_python, _listeners
from tests.journey.system import API_KEY, SID, TOKEN, System, until
from tests.process.conftest import WORD
from tests.records import postgresql

pytestmark = [pytest.mark.full, pytest.mark.timeout(240)]

NEW_WORD = "qwyjibo"
PER_SECOND = 200
THREADS = 8


class Two(System):
    """With two web processes, and with a database of its own where it is told one."""

    database_url = ""

    @property
    def environ(self) -> Mapping[str, str]:
        more = {"DATABASE_URL": self.database_url} if self.database_url else {}
        return {**super().environ, "WEB_CONCURRENCY": "2", **more}

    @property
    def file(self) -> Path:
        return self._folder / "config" / "smsgate.toml"

    def start(self, *names: str) -> None:
        super().start(*names)
        if "web" in (names or ("web",)):
            until(lambda: _listeners(self.port) == 2, PATIENCE_S)

    def running(self, kind: str = "") -> list[Process]:
        found = self.services.store.heartbeats.running()
        return [one for one in found if kind in ("", one.name)]

    def contents(self) -> set[str]:
        """Of the processes that use keyword sets and replies."""
        return {one.content for one in self.running() if one.content}

    def save_word(self) -> None:
        """Save it, and wait until each process that uses sets says that it has it."""
        assert wait_until(lambda: len(self.running()) == 5)
        before = self.contents()
        text = WORD.format(word=NEW_WORD, intent="opt_out")
        made = self.services
        editor = KeywordEditor(made.settings, made.content, made.store, made.records)
        editor.save("en", text, 0, "tests", "", sure=True)
        assert wait_until(lambda: before.isdisjoint(self.contents()))

    def kill_web_process(self) -> None:
        """Kill one of those that serve with -9, and wait for the one that follows it."""
        master = self._running["web"].pid
        before = {child for child in _children(master) if _is_python(child)}
        os.kill(min(before), signal.SIGKILL)
        assert wait_until(lambda: min(before) not in _children(master))
        assert wait_until(lambda: _listeners(self.port) == 2), self.log("web")

    def conditions(self) -> dict[str, str]:
        """What operators are told, by name."""
        snapshot = take_snapshot(self.services.store, self.services.settings)
        return {one.name: one.text for one in conditions.conditions(snapshot)}

    def metric(self, name: str) -> float:
        headers = {"Authorization": f"Bearer {API_KEY}"}
        text = requests.get(f"{self.url}/metrics", headers=headers, timeout=PATIENCE_S).text
        (line,) = (line for line in text.splitlines() if line.startswith(f"{name} "))
        return float(line.split()[1])

    def recorded(self) -> dict[str, Event]:
        """By message id what was recorded of all texts."""
        until(self.idle)
        until(lambda: not any(self._ledger(keys.ledger) for keys in PARTITION_KEYS))
        events = [one.event for one in self.services.records.reader.between()]
        found = [event for event in events if event.entry]
        assert len(found) == len({event.entry.message_id for event in found if event.entry})
        return {event.entry.message_id: event for event in found if event.entry}

    def _ledger(self, key: str) -> int:
        return int(self.services.store.client.xlen(key))


@pytest.fixture
def api() -> Iterator[TwilioApi]:
    with TwilioApi({SID: TOKEN}) as fake:
        yield fake


@pytest.fixture
def make(tmp_path: Path, api: TwilioApi, groups: ProcessGroups) -> Iterator[Callable[[], Two]]:
    with ExitStack() as stack:

        def make() -> Two:
            system = Two(tmp_path, api.url, groups)
            stack.callback(system.close)
            return system

        yield make


class Texts:
    """Texts STOP and the new word in turns, each from a new number over a new connection."""

    def __init__(self, system: Two) -> None:
        self.accepted: list[tuple[float, str, str]] = []
        """When each was sent, its text and its message id."""
        self.refused: list[int] = []
        """0 where no answer came."""
        self._system = system
        self._lock, self._ending = threading.Lock(), threading.Event()
        self._places = iter(range(1, 1_000_000))
        self._start_s = time.monotonic()
        self._threads = [threading.Thread(target=self._run) for _ in range(THREADS)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while True:
            with self._lock:
                place = next(self._places)
            due_s = self._start_s + place / PER_SECOND
            if self._ending.wait(max(0.0, due_s - time.monotonic())):
                return
            text, id_ = ("STOP", NEW_WORD)[place % 2], f"SM{place:032x}"
            request = self._system.signed(text, f"+1415{5_550_000 + place}", id_)
            sent_s, parts = time.monotonic(), urlsplit(request.url)
            connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=60)
            try:
                connection.request("POST", parts.path, request.body, dict(request.headers))
                status = connection.getresponse().status
            except (OSError, http.client.HTTPException):
                status = 0
            finally:
                connection.close()
            if status == 200:
                self.accepted.append((sent_s, text, id_))
            else:
                self.refused.append(status)


def test_a_saved_word_counts_in_every_process_and_no_text_is_lost(make: Callable[[], Two]) -> None:
    """How long it takes, and how long webhooks take meanwhile: ``bench.content``."""
    system = make()
    system.start()
    with Texts(system) as texts:
        assert wait_until(lambda: len(texts.accepted) > PER_SECOND)
        saved_s = time.monotonic()
        system.save_word()
        taken_s = time.monotonic()
        count = len(texts.accepted)
        assert wait_until(lambda: len(texts.accepted) > count + 2 * PER_SECOND)
    recorded = system.recorded()

    assert texts.refused == []
    stops = {id_ for _, text, id_ in texts.accepted if text == "STOP"}
    assert {id_ for id_ in stops if id_ in recorded} == stops
    words = [(sent_s, id_) for sent_s, text, id_ in texts.accepted if text == NEW_WORD]
    assert not [id_ for sent_s, id_ in words if sent_s < saved_s - 5 and id_ in recorded]
    later = {id_ for sent_s, id_ in words if sent_s > taken_s}
    assert len(later) > PER_SECOND / 2
    assert {recorded[id_].kind if id_ in recorded else "" for id_ in later} == {"opt_out"}


def test_texts_are_taken_by_the_old_configuration_and_the_new_word_whatever_is_broken(
    make: Callable[[], Two], groups: ProcessGroups, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is broken, web processes are killed, and PostgreSQL is away."""
    programs = postgresql.programs()
    if programs is None:
        pytest.skip("PostgreSQL was not found")
    with postgresql.server(programs, groups) as url:
        monkeypatch.setattr(Two, "database_url", url)
        system = make()
        system.start()
        before = {one.version for one in system.running()}
        system.file.write_text("nonsense = [")
        system.save_word()
    for _ in range(4):
        system.kill_web_process()
    for place in range(20):
        number = f"+1415556{place:04}"
        assert system.text(NEW_WORD, number).status_code == 200
        assert system.check(number)["allowed"] is False
    assert {one.version for one in system.running()} == before

    changed = (str(system.file),)
    assert wait_until(lambda: [one.changed for one in system.running("web")] == [changed, changed])
    assert str(system.file) in system.conditions()["SmsgateFilesNotLoaded"]
    assert system.metric("smsgate_configuration_files_not_loaded") >= 2
