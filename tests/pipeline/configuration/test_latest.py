"""Something is replaced while it is in use."""

from __future__ import annotations

import threading

from smsgate.pipeline.latest_value import LatestValue, SharedValue


def test_who_has_begun_with_an_older_one_ends_with_it() -> None:
    latest = LatestValue("old")
    turn = latest.enter()
    old = latest.replace("new")

    assert turn.value == "old"
    assert latest.enter().value == latest.value == "new"
    assert not old.wait_until_unused(0.01)
    turn.leave()
    assert old.wait_until_unused(0.01)


def test_leaving_is_noticed_by_who_waits() -> None:
    latest = LatestValue(1)
    turn = latest.enter()
    old = latest.replace(2)
    threading.Timer(0.05, turn.leave).start()

    assert old.wait_until_unused(10)


def test_who_comes_while_it_is_replaced_gets_the_new_one() -> None:
    """Else it could be at work with one that was found empty and has been ended."""
    latest = LatestValue("old")
    replaced = []

    class Slow(SharedValue[str]):
        def enter(self) -> None:
            if not replaced:
                replaced.append(latest.replace("new"))
                assert replaced[0].wait_until_unused(0)
            super().enter()

    latest._value = Slow("old")

    assert latest.enter().value == "new"
    assert replaced[0].wait_until_unused(0)


def test_nobody_is_at_work_with_one_that_has_ended() -> None:
    latest = LatestValue(0)
    ended: set[int] = set()
    wrong: list[int] = []
    done = threading.Event()

    def use() -> None:
        while not done.is_set():
            turn = latest.enter()
            if turn.value in ended:
                wrong.append(turn.value)
            turn.leave()

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(1, 20):
        old = latest.replace(number)
        assert old.wait_until_unused(10)
        ended.add(old.value)
    done.set()
    for thread in threads:
        thread.join()

    assert wrong == []
