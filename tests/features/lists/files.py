"""Lists as files in memory, and all their records at once."""

from __future__ import annotations

import io

from smsgate.features.lists.list_file import Block, ListFile


def listed(text: str | bytes, form: str = "auto", column: str = "") -> ListFile:
    raw = text if isinstance(text, bytes) else text.encode()
    return ListFile(io.BytesIO(raw), form, column)


def whole(file: ListFile) -> Block:
    """The records of all blocks in one."""
    found = Block(0)
    for block in file.blocks():
        found.starts += [block.line_of(at) for at in range(len(block.raws))]
        found.broken |= {len(found.raws) + at for at in block.broken}
        found.raws += block.raws
        found.cells += block.cells
        found.sinces += block.sinces
        found.states += block.states
    return found
