"""Texts put together from parts (``generated.toml``): requests to stop, and private chatter.

They teach the second reader that the words of an opt-out (no, don't, my, number, send, message)
are everyday words as well, and that it may be worded in many ways. The same texts every time.
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.accuracy.texts import Labelled

SOURCE = Path(__file__).with_suffix(".toml")
COUNT = {"private": 5000, "asks": 3000, "reasons": 4000, "replies": 4000}
"""Texts of each kind."""
SENTENCES = (1, 1, 1, 2, 2, 3, 5)
ENDS = (". ", " ", ", ", "... ", "! ")
CASES = (str, str.capitalize, str.upper, str, str.capitalize)


def generated() -> Iterator[Labelled]:
    """All texts, each with the kind as its phenomenon."""
    for kind, table in tomllib.loads(SOURCE.read_text("utf-8")).items():
        draw = random.Random(kind)
        frames = [frame for frame in _listed(table["frames"]) if frame]
        parts = {name: _listed(words) for name, words in table["parts"].items()}
        for _ in range(COUNT[kind]):
            count = draw.choice(SENTENCES) if table["label"] == "none" else 1
            sentences = [_sentence(draw, frames, parts) for _ in range(count)]
            text = draw.choice(ENDS).join(sentences)
            yield Labelled(table["label"], "en", draw.choice(CASES)(text), kind)


def _listed(text: str) -> list[str]:
    """The parts between bars; nothing is a part too where a list begins with a bar."""
    first, *rest = text.replace("\n", "").split("|")
    return [first, *(part for part in rest if part.strip())]


def _sentence(draw: random.Random, frames: Sequence[str], parts: Mapping[str, list[str]]) -> str:
    frame = draw.choice(frames)
    while "{" in frame:
        before, _, rest = frame.partition("{")
        name, _, after = rest.partition("}")
        word = str(draw.randrange(10**8)) if name == "n" else draw.choice(parts[name])
        frame = f"{before}{word}{after}"
    return " ".join(frame.split())
