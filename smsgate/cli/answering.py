"""Many texts explained at once: lines in, lines out, in order, on as many cores as there are."""

from __future__ import annotations

import gc
import itertools
import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from typing import BinaryIO

import msgspec

from smsgate.messages import Decision
from smsgate.optout import Classifier

_TOGETHER = 512
"""Lines that are answered, and written, together."""
_ALONE = 4
"""So many times as many lines are answered by this process: starting others takes longer."""
_AHEAD = 4
"""Batches that wait for each process, so that none is idle and memory is bounded."""
_Answers = tuple[bytes, int]
"""The lines that go out, and how many of those that came in could not be read."""


class _Question(msgspec.Struct):
    """A line that also says who sent the text."""

    text: str
    number: str = ""


def stream(
    source: BinaryIO, target: BinaryIO, classifier: Classifier, number: str, processes: int = 1
) -> int:
    """Answer each line with one object, in order; how many lines could not be read is returned.

    Args:
        source: a JSON string a line, or an object with ``text`` and ``number``.
        target: where one JSON object a line goes.
        classifier: what decides.
        number: who sent the texts of which no line says it (E.164), where known.
        processes: how many there are to answer long streams; see ``cores``.
    """
    answering = _Answering(classifier, number)
    batches = iter(lambda: list(itertools.islice(source, _TOGETHER)), [])
    few = batches if processes < 2 else itertools.islice(batches, _ALONE)
    faulty = _written(map(answering.answers, few), target)
    after = next(batches, None)
    if after is not None:
        rest = itertools.chain([after], batches)
        faulty += _written(_shared(answering, rest, processes), target)
    return faulty


def cores() -> int:
    """How many processes this one may use: one where they cannot be made by forking."""
    if "fork" not in multiprocessing.get_all_start_methods():
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def _written(answers: Iterable[_Answers], target: BinaryIO) -> int:
    faulty = 0
    for lines, wrong in answers:
        target.write(lines)
        target.flush()
        faulty += wrong
    return faulty


class _Answering:
    """Answers batches of lines."""

    _decoder = msgspec.json.Decoder(str | _Question)
    _encoder = msgspec.json.Encoder()

    def __init__(self, classifier: Classifier, number: str) -> None:
        """Keep what decides, and who sends."""
        self._classify: Callable[[str, str], Decision] = classifier.classify
        self._number = number

    def answers(self, lines: list[bytes]) -> _Answers:
        """The answers to some lines, a line each."""
        answered = [self._answered(line) for line in lines]
        wrong = sum(isinstance(answer, dict) for answer in answered)
        return self._encoder.encode_lines(answered), wrong

    def _answered(self, line: bytes) -> Decision | dict[str, str]:
        """The decision for one line, or what is wrong with the line."""
        try:
            question = self._decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            wanted = 'a line is a JSON string, or {"text": "…", "number": "+…"}'
            return {"error": f"{error}: {wanted}"}
        if isinstance(question, str):
            return self._classify(question, self._number)
        return self._classify(question.text, question.number or self._number)


_here: list[_Answering] = []
"""What a process that was forked answers with: nothing has to be sent to it."""


def _shared(
    answering: _Answering, batches: Iterable[list[bytes]], processes: int
) -> Iterator[_Answers]:
    """The answers to all batches, in order, from processes that share what is in memory."""
    # what is here already stays; the collector must not touch it, or each process has its own
    gc.freeze()
    with ProcessPoolExecutor(
        processes,
        mp_context=multiprocessing.get_context("fork"),
        initializer=_here.append,
        initargs=(answering,),
    ) as pool:
        waiting: deque[Future[_Answers]] = deque()
        for batch in batches:
            waiting.append(pool.submit(_answers, batch))
            if len(waiting) > _AHEAD * processes:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    gc.unfreeze()


def _answers(lines: list[bytes]) -> _Answers:
    return _here[-1].answers(lines)
