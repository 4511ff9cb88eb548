"""The operator's own keyword sets: files of a folder, read once, and those that the console owns.

Where a name is both, the console's set stands in for the file's as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from smsgate.domain.errors import Fault


@dataclass(frozen=True, slots=True)
class OperatorSets:
    """The operator's sets as they were read."""

    files: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """By name the path and the content of each file."""
    console: Mapping[str, str] = field(default_factory=dict)
    """By name the content of the sets that the console owns."""
    faults: Sequence[Fault] = ()
    """Files that could not be read."""

    @classmethod
    def read(cls, folder: Path) -> OperatorSets:
        """Read the files of the folder ``keywords``, which may be missing."""
        files, faults = dict[str, tuple[str, str]](), list[Fault]()
        for path in sorted(folder.glob("*.toml")):
            try:
                files[path.stem] = (str(path), path.read_text("utf-8"))
            except IsADirectoryError:
                problem = "is a folder: a keyword set is a text file"
                faults.append(Fault(str(path), "file", problem))
            except (OSError, UnicodeError) as error:
                faults.append(Fault(str(path), "file", f"cannot be read as UTF-8 text: {error}"))
        return cls(files, faults=tuple(faults))

    def with_console(self, console: Mapping[str, str]) -> OperatorSets:
        """Return the same files with other sets of the console."""
        return replace(self, console=console)

    def with_draft(self, name: str, content: str) -> OperatorSets:
        """Return the same with another content of one of the console's sets; none if empty."""
        others = {one: text for one, text in self.console.items() if one != name}
        return self.with_console(others | ({name: content} if content else {}))

    def names(self) -> list[str]:
        """Of all sets that there are."""
        return sorted({*self.files, *self.console})

    def text(self, name: str) -> tuple[str, str] | None:
        """Place and content of a set; nothing where there is none."""
        if name in self.console:
            return place_in_console(name), self.console[name]
        return self.files.get(name)


def place_in_console(name: str) -> str:
    """How faults and pages name a set of the console."""
    return f"console keywords/{name}.toml"
