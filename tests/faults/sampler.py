"""Asks the gate all the while, and notes each "allowed" that must not be."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter

import requests

from tests.faults.model import Message, Model, Number
from tests.faults.system import FaultSystem
from tests.journey.system import API_KEY

PERIOD_S = 0.05
BATCH = 25


class Sampler:
    """A thread; ``answers`` counts what the gate said of numbers that must be blocked."""

    def __init__(self, system: FaultSystem, model: Model, seed: int) -> None:
        self.answers: Counter[str] = Counter()
        self.violations: list[str] = []
        self._system = system
        self._model = model
        self._rng = random.Random(seed)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sampler")

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        with requests.Session() as session:
            session.trust_env = False
            session.headers["Authorization"] = f"Bearer {API_KEY}"
            while not self._ending.wait(PERIOD_S):
                self._look(session)

    def _look(self, session: requests.Session) -> None:
        # Half of them just texted: with them most is under way.
        numbers = self._model.newest(BATCH)
        numbers += self._rng.sample(self._model.numbers, min(BATCH, len(self._model.numbers)))
        asked = [
            (number, stop)
            for number in numbers
            if (stop := number.blocking_stop(self._model.pauses)) is not None
        ]
        if not asked:
            return
        sent = time.time()
        results = ask(session, self._system.url, [number.number for number, _ in asked])
        if results is None:
            self.answers["could not tell"] += len(asked)
            return
        for (number, stop), result in zip(asked, results, strict=True):
            self._judge(number, stop, result, sent)

    def _judge(self, number: Number, stop: Message, result: dict[str, object], sent: float) -> None:
        allowed = result["allowed"] is True
        self.answers["allowed" if allowed else str(result["reason"])] += 1
        # A START that was sent in between may have been taken before the gate looked.
        if allowed and number.still_blocks(stop, self._model.pauses):
            self.violations.append(
                f"{number.number}: the gate said allowed at {sent:.3f}, although "
                f"{stop.id[-6:]} was acknowledged at {stop.acknowledged_at:.3f} and no START sent"
            )


def ask(session: requests.Session, url: str, numbers: list[str]) -> list[dict[str, object]] | None:
    """What the gate says of numbers; nothing where it could not tell."""
    try:
        answer = session.post(
            f"{url}/v1/check", json={"program": "alerts", "numbers": numbers}, timeout=60
        )
    except requests.RequestException:
        return None
    return answer.json()["results"] if answer.status_code == 200 else None
