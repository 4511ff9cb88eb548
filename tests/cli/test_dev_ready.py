"""``smsgate dev`` waits for a web process that takes its time to start."""

from __future__ import annotations

import requests

from smsgate.cli import dev


class Answer:
    """Of ``/readyz``."""

    @staticmethod
    def json() -> dict[str, object]:
        one = {"title": "The store is being rebuilt", "text": "Wait.", "severity": "page"}
        return {"ready": False, "conditions": [one]}


def test_a_web_process_that_is_slow_to_start_is_waited_for(monkeypatch) -> None:
    monkeypatch.setattr(dev, "SETTLE_S", 0.0)
    refusals = iter(range(3))

    def get(*_: object, **__: object) -> Answer:
        if next(refusals, None) is not None:
            raise requests.ConnectionError
        return Answer()

    monkeypatch.setattr(requests.Session, "get", get)
    wrong = dev._wait_until_ready("http://127.0.0.1:1", "key")
    assert wrong == {"The store is being rebuilt": "Wait."}
