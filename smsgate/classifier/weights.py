"""What the second reader was taught, as it lies in the package."""

from __future__ import annotations

from importlib import resources

import msgspec

from smsgate.classifier.concepts import Meanings
from smsgate.classifier.hash_table import Table

_FILE = "second_reader.msgpack"


class Model(msgspec.Struct, frozen=True):
    """What was learnt of one label; weights and bias in thousandths of the log odds."""

    bias: int
    unknown: int
    weights: Table


class Content(msgspec.Struct, frozen=True):
    """What lies in the file."""

    models: dict[str, Model]
    meanings: Meanings


def shipped() -> Content:
    """The shipped models by label (``opt_out``, ``help``, …), and what words stand for."""
    return msgspec.msgpack.decode(content(), type=Content)


def content() -> bytes:
    """The shipped weights as they lie in the package."""
    path = resources.files("smsgate.classifier").joinpath(_FILE)
    return path.read_bytes()
