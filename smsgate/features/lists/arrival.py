"""A file on its way into a folder."""

from __future__ import annotations

import os
import time
from typing import BinaryIO

from smsgate.domain.errors import Unfit
from smsgate.features.lists.folders import Folder, private
from smsgate.features.lists.values import Errand

_NAMED = 100


class Arrival:
    """A file that arrives."""

    def __init__(self, folder: Folder, operator: str) -> None:
        """It goes into that folder."""
        self._folder = folder
        self._operator = operator
        self._file: BinaryIO | None = None
        self.errand: Errand | None = None

    def file(self) -> BinaryIO:
        """Where its bytes go; there is one file. Raises ``Unfit`` where another one came."""
        if self._file is not None:
            raise Unfit("Give one file at a time.")
        self._file = private(self._folder.upload)
        return self._file

    def keep(self, kind: str, name: str) -> Errand:
        """It is here, whole. Raises ``Unfit`` where it is empty."""
        if kind not in ("import", "scrub"):
            raise Unfit("Say what the list is for: import or scrub.")
        size = self._file.seek(0, os.SEEK_END) if self._file is not None else 0
        if not size:
            raise Unfit("Choose a file that is not empty.")
        self.errand = Errand(
            id=self._folder.id,
            kind="import" if kind == "import" else "scrub",
            operator=self._operator,
            name=_named(name),
            made_us=time.time_ns() // 1000,
            size=size,
        )
        self._folder.write(self.errand)
        return self.errand

    def close(self) -> None:
        """No more comes; what was not kept is removed."""
        if self._file is not None:
            self._file.close()
        if self.errand is None:
            self._folder.remove()


def _named(name: str) -> str:
    """The last part of a file's name, as it can be shown in one line."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(one for one in last if one.isprintable())[:_NAMED].strip() or "list"
