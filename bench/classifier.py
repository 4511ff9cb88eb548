"""How fast texts are understood, beside other systems' rules. One thread, all languages.

    python bench/classifier.py

Limits: a whole keyword at most 1.5 µs in the median, an ordinary text of 160 characters at most
20 µs, one that looks like an opt-out at most 150 µs, the development set at most 80 µs in the mean
and 300 µs in the 99th percentile, no body of 64 KiB over 20 ms, loading all under 100 ms, and in
at most 30 MiB. Times are those of the thread, so that a busy machine counts less.
Exit code 1 where a limit is missed.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from smsgate.classifier import Classifier, make_classifiers
from smsgate.settings import Program
from tests.accuracy.peers import PEERS
from tests.accuracy.texts import labelled
from tests.classifier.program import BODIES

ORDINARY = (
    (
        "Hi, running about ten minutes late because of the traffic near the bridge, could you let "
        "the front desk know and keep our table by the window? See you all soon, thx"
    ),
    (
        "Got it! We will bring the cake and the drinks on Saturday, Maria has candles. Should we "
        "come around four or is that too early for the little ones? Can't wait"
    ),
    (
        "Could you tell me whether the blue one is back in my size yet? I ordered it two weeks ago "
        "and the website still shows the old date, so I was not sure what to do"
    ),
    (
        "Yes that works for us, the kids finish school at three and the doctor is just around the "
        "corner. Do I need to bring the insurance card or do you still have it?"
    ),
    (
        "The plumber came this morning and fixed the leak but the kitchen light is flickering now. "
        "Would somebody be able to have a look at it before the weekend maybe?"
    ),
)
ALIKE = ("see you at the bus stop", "please stop by at 5", "cancel my appointment please")
PROGRAM = Program(name="p", title="Acme", account="a", senders=("*",), keywords=("*",), region="US")


class Loaded(NamedTuple):
    """The classifier, and what loading it took."""

    classifier: Classifier
    milliseconds: float
    megabytes: float


def load() -> Loaded:
    """Load all sets as a start does, and the model."""
    before, start = memory(), time.thread_time()
    classifiers, faults = make_classifiers(None, (PROGRAM,))
    if faults:
        raise SystemExit("the shipped keyword sets have faults")
    classifier = classifiers[PROGRAM.name]
    took = (time.thread_time() - start) * 1000
    return Loaded(classifier, took, memory() - before)


def memory() -> float:
    """Megabytes that are resident."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * resource.getpagesize() / 1e6


def micros(decide: Callable[[str], object], texts: Sequence[str], rounds: int = 30) -> list[float]:
    """Microseconds for each text, the best of some rounds, in ascending order."""
    best = [float("inf")] * len(texts)
    for _ in range(rounds):
        for at, text in enumerate(texts):
            start = time.thread_time_ns()
            decide(text)
            best[at] = min(best[at], (time.thread_time_ns() - start) / 1000)
    return sorted(best)


def at(values: Sequence[float], share: float) -> float:
    """A percentile of sorted values."""
    return values[min(len(values) - 1, int(share * len(values)))]


def main() -> int:
    """Print the table; 1 where a limit is missed."""
    loaded = load()
    classifier = loaded.classifier
    words = sorted({k.word for _, k in classifier.keywords})
    mixed = [one.text for one in labelled("development")]
    times = micros(classifier.classify, mixed, 5)
    rows = [
        ("loading all sets and the model, ms", loaded.milliseconds, 100.0),
        ("memory of both, MB", loaded.megabytes, 31.5),
        ("whole keyword, median", at(micros(classifier.classify, words, 5), 0.5), 1.5),
        ("ordinary 160 characters, median", at(micros(classifier.classify, ORDINARY), 0.5), 20.0),
        ("looks like an opt-out, median", at(micros(classifier.classify, ALIKE), 0.5), 150.0),
        ("development set, mean", sum(times) / len(times), 80.0),
        ("development set, p99", at(times, 0.99), 300.0),
        ("64 KiB body, worst", micros(classifier.classify, [*BODIES.values()], 3)[-1], 20_000.0),
    ]
    for name, value, limit in rows:
        print(
            f"{name:34} {value:10.1f}   limit {limit:8.0f}   {'ok' if value <= limit else 'MISSED'}"
        )
    for name, rule in PEERS.items():
        print(f"{name:34} {at(micros(rule, mixed, 5), 0.5):10.1f}   (development set, median)")
    return int(any(value > limit for _, value, limit in rows))


if __name__ == "__main__":
    sys.exit(main())
