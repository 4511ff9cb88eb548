"""What a newcomer has to read to follow one STOP from the webhook to the confirmation."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from types import CodeType
from typing import Self

import pytest

from smsgate.store.inbox import APPLY, SEND
from smsgate.store.keys import partition_of
from smsgate.web import create_app
from tests.fakes.values import NUMBER, OTHER
from tests.journey.system import until
from workers import jobs

ROOT = Path(jobs.__file__).parents[1]
PAGE = ROOT / "docs" / "architecture.md"
MAX_FILES, MAX_LINES = 26, 6_116
"""Of Python outside the classifier. Lower them as the path gets shorter; never raise them."""
MAX_RUN_LINES = 2_421
"""Of the functions that run, which moving code to other files does not change. Likewise."""


class FunctionTrace:
    """Notes the functions of ours that run while it is open.

    In every thread but ``others``: a thread that an earlier test left behind, such as the writer of
    log lines, is on no path of this one.
    """

    TOOL = sys.monitoring.PROFILER_ID if sys.version_info >= (3, 12) else 0

    def __init__(self, others: frozenset[threading.Thread]) -> None:
        self.functions: set[CodeType] = set()
        self._others = others

    def __enter__(self) -> Self:
        events = sys.monitoring.events
        sys.monitoring.use_tool_id(self.TOOL, "path of a STOP")
        sys.monitoring.register_callback(self.TOOL, events.PY_START, self._started)
        sys.monitoring.set_events(self.TOOL, events.PY_START)
        sys.monitoring.restart_events()
        return self

    def __exit__(self, *_: object) -> None:
        sys.monitoring.set_events(self.TOOL, 0)
        sys.monitoring.free_tool_id(self.TOOL)

    def _started(self, code: CodeType, _: int) -> object:
        if threading.current_thread() in self._others:
            return None  # not DISABLE: another thread may come here yet
        path = Path(code.co_filename)
        if path.is_relative_to(ROOT) and path.relative_to(ROOT).parts[0] in ("smsgate", "workers"):
            self.functions.add(code)
        return sys.monitoring.DISABLE


def lines_of(functions: Iterable[CodeType]) -> int:
    """How many lines functions have, those inside of others once."""
    lines = {
        (code.co_filename, number)
        for code in functions
        for number in range(
            code.co_firstlineno, max(line for *_, line in code.co_lines() if line) + 1
        )
    }
    return len(lines)


def listed_files() -> list[str]:
    """The files in the page's table."""
    return re.findall(r"^\| \w+ \| `([\w/]+\.py)` \|", PAGE.read_text("utf-8"), re.MULTILINE)


@pytest.fixture
def earlier_threads() -> frozenset[threading.Thread]:
    """Those of earlier tests, where this is asked for before anything that starts one."""
    return frozenset(threading.enumerate()) - {threading.current_thread()}


@pytest.fixture
def stop(services, signed, api, redis_client) -> Callable[[str], None]:
    """Takes a STOP of a number the whole way, as the processes do it, but in this one."""
    works = {APPLY[0]: services.applier.work, SEND[0]: services.sender.drain}
    services.records.migrate()
    client = create_app(services).test_client()

    requests = {number: signed("STOP", number) for number in (OTHER, NUMBER)}

    def take(number: str) -> None:
        request = requests[number]
        answer = client.post("/webhooks/twilio", headers=request.headers, data=request.body)
        assert answer.status_code == 200
        before = len(api.sent)
        for queue, work in works.items():
            jobs.worker_on(redis_client, queue, work).work(burst=True)
        api.wait_for(before + 1)
        partition = partition_of(number)
        until(lambda: not services.store.outbox.depth(partition))
        services.archiver.move()

    return take


@pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring came with Python 3.12")
def test_the_path_of_a_stop_is_the_one_that_is_documented(earlier_threads, services, stop) -> None:
    stop(OTHER)  # makes what is made once in a process
    services.store.metrics.close()  # its thread adds up counts once a second
    with FunctionTrace(earlier_threads) as trace:
        stop(NUMBER)
    assert [one.kind for one in services.history.of_number(NUMBER)] == ["opt_out", "reply"]

    # Another test of this process may have left the thread that writes log lines.
    beside = ("smsgate/classifier/", "smsgate/logs.py")
    path = {
        one: name
        for one in trace.functions
        if not (name := str(Path(one.co_filename).relative_to(ROOT))).startswith(beside)
    }
    core = sorted({*path.values()})
    assert core == sorted(listed_files())
    lines = sum(len((ROOT / one).read_text("utf-8").splitlines()) for one in core)
    assert (len(core) <= MAX_FILES, lines <= MAX_LINES) == (True, True), (len(core), lines)
    assert lines_of(path) <= MAX_RUN_LINES
