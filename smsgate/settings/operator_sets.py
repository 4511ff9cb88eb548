"""The operator's own keyword sets: files of a folder, and those that the console owns.

A set has one owner. Where a name is both a file and the console's, that is a fault.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from smsgate.domain.errors import Fault


class OperatorSets:
    """Where the operator's sets are read from; files are read anew each time."""

    def __init__(
        self,
        directory: Path | None,
        console: Mapping[str, str] | None = None,
        drafts: Mapping[str, str] | None = None,
    ) -> None:
        """Keep what is needed; nothing is read yet.

        Args:
            directory: the ``keywords`` folder of the configuration, if there is one.
            console: by name the content of the sets that the console owns.
            drafts: by name contents that stand for whatever is there, to try them; an empty one
                stands for a set that is not there.
        """
        self._directory = directory
        self._console = dict(console or {})
        self._drafts = dict(drafts or {})

    def names(self) -> list[str]:
        """Of all sets that there are."""
        files = self._directory.glob("*.toml") if self._directory else ()
        found = {path.stem for path in files} | {*self._console} | {*self._drafts}
        return sorted(name for name in found if self._drafts.get(name, "there"))

    def file(self, name: str) -> Path | None:
        """The file of a set, if it has one."""
        path = self._directory / f"{name}.toml" if self._directory else None
        return path if path is not None and path.is_file() else None

    def owned_by_console(self, name: str) -> bool:
        """Whether the console has a set of that name."""
        return name in self._console

    def text(self, name: str, faults: list[Fault]) -> tuple[str, str] | None:
        """Path and content of a set; nothing if it is missing or faulty."""
        path = self.file(name)
        place = str(path) if path else place_in_console(name)
        folder = self._directory / f"{name}.toml" if self._directory else None
        if folder is not None and folder.is_dir():
            faults.append(Fault(str(folder), "file", "is a folder: a keyword set is a text file"))
            return None
        if name in self._drafts:
            return (place, self._drafts[name]) if self._drafts[name] else None
        if path is None:
            return (place, self._console[name]) if name in self._console else None
        if name in self._console:
            faults.append(Fault(place, name, _TWICE.format(place_in_console(name))))
            return None
        try:
            return place, path.read_text("utf-8")
        except (OSError, UnicodeError) as error:
            faults.append(Fault(place, "file", f"cannot be read as UTF-8 text: {error}"))
            return None

    def sources(self, name: str) -> Iterator[tuple[str, bytes]]:
        """Every place of a set, and what stands there."""
        path = self.file(name)
        if name in self._drafts:
            yield f"draft of {path}", self._drafts[name].encode()
            return
        if path is not None:
            # what cannot be read is a fault, of which `text` tells
            with contextlib.suppress(OSError):
                yield str(path), path.read_bytes()
        if name in self._console:
            yield place_in_console(name), self._console[name].encode()


_TWICE = (
    "is a set of the console too ({}), and a set is owned by a file or by the console: remove this "
    "file, or revert the set to shipped in the console"
)


def place_in_console(name: str) -> str:
    """How faults and pages name a set of the console."""
    return f"console keywords/{name}.toml"
