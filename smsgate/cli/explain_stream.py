"""Many texts explained at once: lines in, lines out, in order, on as many cores as there are."""

from __future__ import annotations

import codecs
import gc
import io
import json
import multiprocessing
import os
import select
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from typing import BinaryIO, NamedTuple, cast

import msgspec

from smsgate.classifier import Classifier
from smsgate.domain.errors import InvalidNumber
from smsgate.domain.messages import Decision
from smsgate.domain.phone import e164

_BATCH_LINES = 512
"""Lines that are answered, and written, together."""
_READ_BYTES = 1 << 16
_ALONE = 4
"""Batches that are answered by this process: starting others takes longer."""
_AHEAD = 4
"""Batches that wait for each process, so that none is idle and memory is bounded."""
_WANTED = 'a line is a JSON string, or {"text": "…", "number": "+14155550123"}'
_Answers = tuple[bytes, int]
"""The lines that go out, and how many of those that came in could not be read."""


class LineBatch(NamedTuple):
    """Some lines that came one after another."""

    first: int
    """The number of the first, counted from one."""
    lines: list[bytes]


class LineReader:
    """The lines of a file, pipe or terminal as they come; a UTF-8 mark at the start is no part."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = cast("io.BufferedReader", source)
        self._lines: deque[bytes] = deque()
        self._unfinished: list[bytes] = []
        self._number = 1
        self._ended = False

    def is_blocking(self) -> bool:
        """Whether nothing is there now, so that to read would be to wait."""
        if self._lines or self._ended:
            return False
        try:
            return not select.select([self._source], [], [], 0)[0]
        except (OSError, ValueError):  # what has no file below it has all of its lines at once
            return False

    def next(self) -> LineBatch | None:
        """What is there, some hundred lines at most, waiting for one at least; None at the end."""
        while not (self._lines or self._ended):
            self._read()
        if not self._lines:
            return None
        count = min(_BATCH_LINES, len(self._lines))
        batch = LineBatch(self._number, [self._lines.popleft() for _ in range(count)])
        self._number += count
        if batch.first == 1:
            batch.lines[0] = batch.lines[0].removeprefix(codecs.BOM_UTF8)
        return batch

    def _read(self) -> None:
        """Take what one read gives: whole lines, and the beginning of another."""
        read = self._source.read1(_READ_BYTES)
        first, *others = read.split(b"\n")
        self._unfinished.append(first)
        self._ended = not read
        if others:
            self._lines.append(b"".join(self._unfinished))
            self._lines.extend(others[:-1])
            self._unfinished = [others[-1]]
        if self._ended and any(self._unfinished):
            self._lines.append(b"".join(self._unfinished))
            self._unfinished.clear()


class _Question(msgspec.Struct, forbid_unknown_fields=True):
    """A line that also says who sent the text."""

    text: str
    number: str = ""


class _Explainer:
    """Answers batches of lines."""

    _decoder: msgspec.json.Decoder[str | _Question] = msgspec.json.Decoder(str | _Question)
    _encoder = msgspec.json.Encoder()

    def __init__(self, classifier: Classifier, number: str) -> None:
        """``number`` sent the texts of which no line says who did."""
        self._classify: Callable[[str, str], Decision] = classifier.classify
        self._region = classifier.program.region
        self._number = number

    def answers(self, batch: LineBatch) -> _Answers:
        """The answers to some lines, a line each."""
        answers = [self._answer(at, line) for at, line in enumerate(batch.lines, batch.first)]
        faulty = sum(isinstance(answer, dict) for answer in answers)
        return self._encoder.encode_lines(answers), faulty

    def _answer(self, at: int, line: bytes) -> Decision | dict[str, str]:
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
            # Half of a character that was cut in two, as some gateways do it.
            if b"\\ud" not in line.lower():
                raise
            try:
                value = json.loads(line, strict=False)
            except (ValueError, RecursionError):
                value = None
            if value is None:
                raise
        whole = json.dumps(value, ensure_ascii=False).encode("utf-16", "surrogatepass")
        return self._decoder.decode(whole.decode("utf-16", "replace"))


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
    explainer, reader = _Explainer(classifier, number), LineReader(source)
    total = 0
    for lines, faulty in _answers(explainer, reader, processes):
        target.write(lines)
        target.flush()
        total += faulty
    return total


def cores() -> int:
    """How many processes this one may use: one where they cannot be made by forking."""
    if "fork" not in multiprocessing.get_all_start_methods():
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def _answers(explainer: _Explainer, reader: LineReader, processes: int) -> Iterator[_Answers]:
    """The answers to all batches, in order; other processes help where there are many."""
    count = 0
    while processes < 2 or count < _ALONE:
        batch = reader.next()
        if batch is None:
            return
        yield explainer.answers(batch)
        count += 1
    batch = reader.next()
    if batch is None:
        return
    # What is here already stays; the collector must not touch it, or each process has its own.
    gc.freeze()
    with ProcessPoolExecutor(
        processes,
        mp_context=multiprocessing.get_context("fork"),
        initializer=_forked.append,
        initargs=(explainer,),
    ) as pool:
        waiting: deque[Future[_Answers]] = deque()
        while batch is not None:
            waiting.append(pool.submit(_answers_of_fork, batch))
            while len(waiting) > _AHEAD * processes or (waiting and reader.is_blocking()):
                yield waiting.popleft().result()
            batch = reader.next()
        while waiting:
            yield waiting.popleft().result()
    gc.unfreeze()


_forked: list[_Explainer] = []
"""What a process that was forked answers with: nothing has to be sent to it."""


def _answers_of_fork(batch: LineBatch) -> _Answers:
    return _forked[-1].answers(batch)
