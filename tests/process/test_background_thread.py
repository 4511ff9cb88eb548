"""A thread that outlives every failure of its work, and says each once a minute."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from smsgate.background_thread import RETRY_S, BackgroundThread, close_all
from smsgate.domain.errors import StoreUnavailable
from tests.fakes.processes import wait_until


@pytest.mark.parametrize(
    ("error", "event"), [(StoreUnavailable("away"), "x waits"), (ValueError("a fault"), "x failed")]
)
def test_a_failure_is_logged_once_while_it_lasts_and_the_work_goes_on(error, event) -> None:
    outcomes = [error, error, 0.5]

    def work() -> float:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    thread = BackgroundThread("x", work, 0.1)
    with capture_logs() as lines:
        assert [thread.run_once() for _ in range(3)] == [RETRY_S, RETRY_S, 0.5]
    assert [one["event"] for one in lines] == [event, "x works again"]


def test_at_the_end_the_call_in_progress_is_waited_for_and_what_is_held_is_given_up() -> None:
    calls: list[str] = []
    threads = [
        BackgroundThread(
            name, lambda: calls.append("work"), 0.01, at_end=lambda: calls.append("end")
        )
        for name in "ab"
    ]
    for thread in threads:
        thread.start()
    assert wait_until(lambda: len(calls) > 4)
    close_all(threads)
    assert calls.count("end") == 2
    before = len(calls)
    assert not thread._thread.is_alive()
    assert len(calls) == before
