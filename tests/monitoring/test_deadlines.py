"""Asking what may hang: an answer in time, an error, or none; and no crowd of threads."""

from __future__ import annotations

import threading

import pytest

from smsgate.domain.errors import StoreUnavailable
from smsgate.monitoring.deadlines import Deadline, Deadlines, NoAnswerInTime
from tests.fakes.processes import wait_until

SOON_S = 0.05


def questions() -> int:
    return sum(one.name == "question" for one in threading.enumerate())


def test_an_answer_and_an_error_come_through() -> None:
    deadline = Deadline(30)
    assert deadline.call(lambda: 7) == 7

    def away() -> None:
        raise StoreUnavailable("away")

    with pytest.raises(StoreUnavailable, match="away"):
        deadline.call(away)


def test_whoever_asks_what_hangs_goes_on() -> None:
    answers = threading.Event()
    deadline = Deadline(SOON_S)
    with pytest.raises(NoAnswerInTime, match=r"no answer within 0\.05 s"):
        deadline.call(lambda: answers.wait(30))
    assert not answers.is_set()
    answers.set()
    assert wait_until(lambda: questions() == 0)


def test_questions_to_several_are_asked_before_any_answer_is_waited_for() -> None:
    """Each of them comes to its end only once all have begun."""
    deadlines = Deadlines(30)
    together = threading.Barrier(4)
    every = (deadlines.store, deadlines.queue, deadlines.spool, deadlines.records)
    asked = [one.ask(lambda: together.wait(30)) for one in every]
    assert sorted(one() for one in asked) == [0, 1, 2, 3]


def test_what_hangs_is_not_asked_again_until_it_answers() -> None:
    answers, asked = threading.Event(), []
    deadline = Deadline(SOON_S)

    def hangs() -> int:
        asked.append(1)
        answers.wait(30)
        return len(asked)

    first = deadline.ask(hangs)
    with pytest.raises(NoAnswerInTime):
        first()
    time_out = threading.Event()
    assert not time_out.wait(SOON_S)  # so that more than the deadline has passed
    for _ in range(20):
        with pytest.raises(NoAnswerInTime, match=r"no answer for \d+ s"):
            deadline.call(hangs)
    assert (len(asked), questions()) == (1, 1)
    answers.set()
    assert wait_until(lambda: questions() == 0)
    assert deadline.call(hangs) == 2
