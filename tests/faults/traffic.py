"""Hundreds of subscribers who text, and a provider that delivers, twice at times."""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import requests

from tests.faults.model import LOST, Attempt, Message, Model, Number
from tests.faults.system import FaultSystem

TEXTS = {
    "stop": ("STOP", "Stop.", "Stop please", "unsubscribe", "STOPALL", "ALTO"),
    "start": ("START", "unstop", "Unstop please"),
    "help": ("HELP", "info"),
    "plain": ("Thanks!", "see you at noon", "What time do you open?", "ok"),
}
RUNS = (
    (("stop",), 20),
    (("stop", "start"), 20),
    (("stop", "start", "stop"), 25),
    (("start", "stop"), 10),
    (("start",), 15),
    (("help",), 5),
    (("plain",), 25),
)
TIMEOUT_S = 60.0
"""Longer than a provider's: of a request that was given up nobody knows when it is done."""
THREADS = 16


class Traffic:
    """Sends until it is told to end; each thread looks after numbers of its own."""

    def __init__(self, system: FaultSystem, model: Model, seed: int, rate: float) -> None:
        self._system = system
        self._model = model
        self._seed = seed
        self._pause_s = THREADS / rate
        self._ids = iter(range(1, 10_000_000))
        self._id_lock = threading.Lock()
        self._sessions = threading.local()
        self._ending = threading.Event()
        self._copies = ThreadPoolExecutor(THREADS, thread_name_prefix="copy")
        self._threads = [
            threading.Thread(target=self._run, args=(place,), name=f"traffic-{place}")
            for place in range(THREADS)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()
        self._copies.shutdown()

    def _run(self, place: int) -> None:
        rng = random.Random(self._seed * 1000 + place)
        numbers = self._model.numbers[place::THREADS]
        while not self._ending.is_set():
            number = rng.choice(numbers)
            if number.messages and rng.random() < 0.12:
                self._redeliver(number, rng)
            else:
                self._run_of_texts(number, rng)

    def _run_of_texts(self, number: Number, rng: random.Random) -> None:
        (kinds,) = rng.choices([run for run, _ in RUNS], [weight for _, weight in RUNS])
        messages = [self._message(number, kind, rng) for kind in kinds]
        if len(messages) > 1 and rng.random() < 0.1:
            self._at_once(messages)
            return
        for message in messages:
            self._deliver(message, rng)
            self._ending.wait(rng.expovariate(1 / self._pause_s))

    def _message(self, number: Number, kind: str, rng: random.Random) -> Message:
        with self._id_lock:
            place = next(self._ids)
        text = rng.choice(TEXTS[kind])
        message = Message(f"SM{place:032x}", number.number, kind, text, f"+12{place:09}")
        number.messages.append(message)
        self._model.texted(number)
        return message

    def _deliver(self, message: Message, rng: random.Random) -> None:
        """Deliver once or as copies at once; where that fails, again, as providers do or not."""
        copies = 3 if rng.random() < 0.08 else 1
        self._at_once([message] * copies)
        tries = 0 if rng.random() < 0.3 else rng.randint(1, 4)
        while tries and not message.acknowledged and not self._ending.wait(rng.uniform(0, 0.6)):
            self._post(message)
            tries -= 1

    def _redeliver(self, number: Number, rng: random.Random) -> None:
        """The provider sends an old message again, whether or not it was answered."""
        self._post(rng.choice(number.messages[-12:]))
        self._ending.wait(self._pause_s)

    def _at_once(self, messages: list[Message]) -> None:
        if len(messages) == 1:
            self._post(messages[0])
            return
        for running in [self._copies.submit(self._post, message) for message in messages]:
            running.result()

    def _post(self, message: Message) -> None:
        request = self._system.webhook(message)
        attempt = Attempt(sent=time.time())
        # Known before it leaves: from now on the store may have it.
        message.attempts.append(attempt)
        try:
            answer = self._session().post(
                request.url, request.body, headers=dict(request.headers), timeout=TIMEOUT_S
            )
            status = answer.status_code
        except requests.RequestException:
            status = LOST
        attempt.done = time.time()
        attempt.status = status

    def _session(self) -> requests.Session:
        """One that keeps its connection, for each thread."""
        if not hasattr(self._sessions, "session"):
            self._sessions.session = requests.Session()
            self._sessions.session.trust_env = False
        return self._sessions.session
