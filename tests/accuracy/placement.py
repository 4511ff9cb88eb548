"""Places codes in a table where one look tells whether a code is there (``CodeIndex``)."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable

from smsgate.classifier.weights import LOW, LOW_BITS


def placed(codes: Iterable[int]) -> tuple[memoryview, array[int]]:
    """The offsets of the higher halves of some codes, and the code at each place (0 for none).

    Codes with the same higher half get the first offset at which none of their places is taken;
    the largest of these groups come first.
    """
    groups: defaultdict[int, list[int]] = defaultdict(list)
    for code in sorted(codes):
        groups[code >> LOW_BITS].append(code & LOW)
    offsets = array("I", [0]) * (LOW + 1)
    free = (1 << sum(map(len, groups.values())) + 2 * LOW) - 1
    """A bit for each place."""
    for high, lows in sorted(groups.items(), key=lambda group: -len(group[1])):
        fits = free
        for low in lows:
            fits &= free >> low
        offsets[high] = offset = (fits & -fits).bit_length() - 1
        for low in lows:
            free &= ~(1 << offset + low)
    table = array("I", [0]) * (max(offsets) + LOW + 1)
    for high, lows in groups.items():
        for low in lows:
            table[offsets[high] + low] = high << LOW_BITS | low
    return memoryview(offsets.tobytes()), table
