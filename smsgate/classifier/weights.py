"""The weights file of the model, and how a feature is found in it.

No name is kept, only its code (``features.py``). The code of a name that was never put in is found
once in some ten thousand times.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable
from functools import cache
from importlib import resources

import msgspec

OUTPUTS = ("opt_out", "opt_out_all", "opt_in", "help", "review", "none", "request")
"""What the model says of a text; the last is whether single words speak of any request."""
LARGEST = 8.0
"""The largest weight that is kept."""
UNIT = LARGEST / 127**2
"""The smallest one."""
LOW_BITS, LOW = 16, 0xFFFF
"""How many bits of a code count from the offset of the others, and the mask of them."""


class ConceptTable(msgspec.Struct, frozen=True):
    """What words stand for: for each entry the number of what it may mean."""

    offsets: memoryview
    codes: memoryview
    numbers: memoryview
    """16 bits each."""
    meanings: list[bytes]
    """Languages and concepts in turn, by their places in the lists below."""
    languages: list[str]
    concepts: list[str]


class WeightsFile(msgspec.Struct, frozen=True):
    """What lies in the file; views of its content, so that a start does not hold it twice."""

    offsets: memoryview
    codes: memoryview
    rows: memoryview
    """For each feature a byte for each output, in steps that grow with the weight."""
    biases: list[float]
    prefilter_limit: float
    """Log odds by single words up to which a text is ordinary."""
    meanings: ConceptTable


class CodeIndex:
    """Says at which places of a table some codes stand.

    The higher half of a code has an offset, and the lower half counts from there: a sparse table
    with displaced rows, as parser generators make them (``tests/accuracy/placement.py``).
    """

    def __init__(self, offsets: memoryview, codes: memoryview) -> None:
        """Take 32 bits for each higher half, and for each place the code that stands there."""
        self._offsets = array("I", offsets.tobytes())
        self._codes = array("I", codes.tobytes())

    def places(self, codes: Iterable[int]) -> list[int]:
        """The places of those that the table has."""
        offsets, table = self._offsets, self._codes
        return [
            place
            for code in codes
            if table[place := offsets[code >> LOW_BITS] + (code & LOW)] == code
        ]


def step_of(weight: float) -> int:
    """A weight as a byte: small ones in small steps."""
    step = min(127, round(math.sqrt(abs(weight) / UNIT)))
    return (step if weight > 0 else -step) & 0xFF


STEPS = [step * abs(step) for step in (*range(128), *range(-128, 0))]
"""The weight of each byte, in units."""


@cache
def shipped_weights() -> WeightsFile:
    """The shipped weights."""
    return msgspec.msgpack.decode(weights_content(), type=WeightsFile)


@cache
def weights_content() -> bytes:
    """The shipped weights as they lie in the package."""
    return resources.files(__package__ or "").joinpath("model.msgpack").read_bytes()
