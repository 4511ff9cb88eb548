"""Many texts explained at once: lines in, lines out, in order, on as many cores as there are."""

from __future__ import annotations

import gc
import json
import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from typing import BinaryIO

import msgspec

from smsgate.classifier import Classifier
from smsgate.cli.incoming import Batch, Incoming
from smsgate.domain.errors import InvalidNumber
from smsgate.domain.messages import Decision
from smsgate.domain.phone import e164

_ALONE = 4
"""Batches that are answered by this process: starting others takes longer."""
_AHEAD = 4
"""Batches that wait for each process, so that none is idle and memory is bounded."""
_WANTED = 'a line is a JSON string, or {"text": "…", "number": "+14155550123"}'
_Answers = tuple[bytes, int]
"""The lines that go out, and how many of those that came in could not be read."""


class _Question(msgspec.Struct, forbid_unknown_fields=True):
    """A line that also says who sent the text."""

    text: str
    number: str = ""


def stream(
    source: BinaryIO, target: BinaryIO, classifier: Classifier, number: str, processes: int = 1
) -> int:
    """Answer each line with one object, in order; how many lines could not be read is returned.

    What has come is answered before more is waited for.

    Args:
        source: a JSON string a line, or an object with ``text`` and ``number``.
        target: where one JSON object a line goes.
        classifier: what decides.
        number: who sent the texts of which no line says it (E.164), where known.
        processes: how many there are to answer long streams; see ``cores``.
    """
    answering, incoming = _Answering(classifier, number), Incoming(source)
    faulty = answered = 0
    while processes < 2 or answered < _ALONE:
        batch = incoming.next()
        if batch is None:
            return faulty
        faulty += _write(answering.answers(batch), target)
        answered += 1
    first = incoming.next()
    if first is not None:
        for answers in _shared(answering, first, incoming, processes):
            faulty += _write(answers, target)
    return faulty


def cores() -> int:
    """How many processes this one may use: one where they cannot be made by forking."""
    if "fork" not in multiprocessing.get_all_start_methods():
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def _write(answers: _Answers, target: BinaryIO) -> int:
    lines, wrong = answers
    target.write(lines)
    target.flush()
    return wrong


class _Answering:
    """Answers batches of lines."""

    _decoder: msgspec.json.Decoder[str | _Question] = msgspec.json.Decoder(str | _Question)
    _encoder = msgspec.json.Encoder()

    def __init__(self, classifier: Classifier, number: str) -> None:
        """Keep what decides, and who sends."""
        self._classify: Callable[[str, str], Decision] = classifier.classify
        self._region = classifier.program.region
        self._number = number

    def answers(self, batch: Batch) -> _Answers:
        """The answers to some lines, a line each."""
        answered = [self._answered(at, line) for at, line in enumerate(batch.lines, batch.first)]
        wrong = sum(isinstance(answer, dict) for answer in answered)
        return self._encoder.encode_lines(answered), wrong

    def _answered(self, at: int, line: bytes) -> Decision | dict[str, str]:
        """The decision for one line, or what is wrong with the line."""
        if not line.strip():
            return {"error": f"line {at}: is blank: {_WANTED}"}
        try:
            question = self._read(line)
            if isinstance(question, str):
                return self._classify(question, self._number)
            number = e164(question.number, self._region) if question.number else self._number
        except InvalidNumber as error:
            return {"error": f"line {at}: {error}"}
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            return {"error": f"line {at}: {error}: {_WANTED}"}
        return self._classify(question.text, number)

    def _read(self, line: bytes) -> str | _Question:
        try:
            return self._decoder.decode(line)
        except msgspec.ValidationError:
            raise
        except msgspec.DecodeError:
            # half of a character that was cut in two, as some gateways do it
            if b"\\ud" not in line.lower():
                raise
            try:
                found = json.loads(line, strict=False)
            except (ValueError, RecursionError):
                found = None
            if found is None:
                raise
        whole = json.dumps(found, ensure_ascii=False).encode("utf-16", "surrogatepass")
        return self._decoder.decode(whole.decode("utf-16", "replace"))


_here: list[_Answering] = []
"""What a process that was forked answers with: nothing has to be sent to it."""


def _shared(
    answering: _Answering, first: Batch, incoming: Incoming, processes: int
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
        batch: Batch | None = first
        while batch is not None:
            waiting.append(pool.submit(_answers, batch))
            while len(waiting) > _AHEAD * processes or (waiting and incoming.waits()):
                yield waiting.popleft().result()
            batch = incoming.next()
        while waiting:
            yield waiting.popleft().result()
    gc.unfreeze()


def _answers(batch: Batch) -> _Answers:
    return _here[-1].answers(batch)
