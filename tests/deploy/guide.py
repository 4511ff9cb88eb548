"""The commands of docs/deployment.md."""

from __future__ import annotations

import re
from pathlib import Path

GUIDE = Path(__file__).parents[2] / "docs/deployment.md"
FENCE = re.compile(r"^( *)```sh\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


def commands(heading: str) -> list[str]:
    """The blocks of commands under a heading of the guide, in their order."""
    section = (
        GUIDE.read_text(encoding="utf-8").split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    )
    return [
        "\n".join(line.removeprefix(indent) for line in block.splitlines())
        for indent, block in FENCE.findall(section)
    ]
