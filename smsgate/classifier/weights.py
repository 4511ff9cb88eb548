"""The weights file of the model, and how a name is found in it.

No name is kept: each is found by its CRC-32 in a sorted list. A name that was never put in is taken
for another one once in some ten thousand times.
"""

from __future__ import annotations

import math
import sys
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from functools import cache
from importlib import resources
from zlib import crc32

import msgspec

OUTPUTS = ("opt_out", "opt_out_all", "opt_in", "help", "review", "none", "request")
"""What the model says of a text; the last is whether single words speak of any request."""
WIDTH = len(OUTPUTS)
LARGEST = 8.0
"""The largest weight that is kept."""
_UNIT = 127 * 127
SHIFT = 20
"""The first twelve bits of a hash say where to search for it."""


class ConceptTable(msgspec.Struct, frozen=True):
    """What words stand for: entries by hash, each with the number of what it may mean."""

    codes: memoryview
    numbers: memoryview
    meanings: list[bytes]
    """Languages and concepts in turn, by their places in the lists below."""
    languages: list[str]
    concepts: list[str]


class WeightsFile(msgspec.Struct, frozen=True):
    """What lies in the file; views of its content, so that a start does not hold it twice."""

    codes: memoryview
    """The hash of each feature, in order: 32 bits."""
    rows: memoryview
    """For each feature a byte for each output, in steps that grow with the weight."""
    biases: list[float]
    prefilter_limit: float
    """Log odds by single words up to which a text is ordinary."""
    meanings: ConceptTable


class HashIndex:
    """Says at which place of a list a name stands."""

    def __init__(self, codes: memoryview) -> None:
        self.codes = array("I")
        self.codes.frombytes(codes)
        if sys.byteorder == "big":
            self.codes.byteswap()
        self.starts = [bisect_left(self.codes, at << SHIFT) for at in range(1 << (32 - SHIFT))]
        self.starts.append(len(self.codes))

    def place(self, name: str) -> int:
        """The place of a name; -1 where it has none."""
        code = crc32(name.encode(errors="replace"))
        end = self.starts[(code >> SHIFT) + 1]
        at = bisect_left(self.codes, code, self.starts[code >> SHIFT], end)
        return at if at < end and self.codes[at] == code else -1


def step_of(weight: float) -> int:
    """A weight as a byte: small ones in small steps."""
    step = min(127, round(math.sqrt(abs(weight) / LARGEST * _UNIT)))
    return (step if weight > 0 else -step) & 0xFF


def steps() -> Sequence[float]:
    """The weight of each byte."""
    signed = (byte - 256 if byte > 127 else byte for byte in range(256))
    return [byte * abs(byte) * LARGEST / _UNIT for byte in signed]


@cache
def shipped_weights() -> WeightsFile:
    """The shipped weights."""
    return msgspec.msgpack.decode(weights_content(), type=WeightsFile)


@cache
def weights_content() -> bytes:
    """The shipped weights as they lie in the package."""
    return resources.files(__package__ or "").joinpath("model.msgpack").read_bytes()
