"""The keyword sets that the console owns, as a process finds them when it reads its configuration.

The records have them. What was found there is kept in the data directory, so that a process also
starts while the records are away.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from pathlib import Path

from smsgate.domain.errors import RecordsNotReady, RecordsUnavailable
from smsgate.files import replace_file
from smsgate.records import Records

FOLDER = "console-keywords"
"""In the data directory; not ``keywords``, which is the operator's where both folders are one."""
NAME = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}")
"""A language tag as in file names; nothing that could lead out of a folder."""
_MAX_BYTES = 1_000_000
MAY_BE_OLD = "the console's keyword sets are those that were read last"
"""The beginning of the warning that the records could not be asked for newer sets."""


def read_console_sets(records: Records, data_dir: Path) -> tuple[dict[str, str], list[str]]:
    """Return the sets that the console owns by name, and warnings.

    Never fails: without the records the sets are those that were found last.
    """
    folder = data_dir / FOLDER
    try:
        records.check()
        found = records.keyword_versions.newest()
    except RecordsUnavailable as error:
        sets = _kept(folder)
        if isinstance(error, RecordsNotReady) and not sets:
            return {}, []  # there never were any
        names = ", ".join(sorted(sets)) or "none"
        return sets, [f"{MAY_BE_OLD} ({names}), and may be old: {error}"]
    sets = {one.set_name: one.content for one in found if one.content.strip()}
    odd = [name for name in sets if not NAME.fullmatch(name)]
    warnings = [f"keyword set {name!r} of the records has no fit name: not used" for name in odd]
    for name in odd:
        del sets[name]
    try:
        _keep(folder, sets)
    except OSError as error:
        warnings.append(
            f"the console's keyword sets cannot be kept in {folder} ({error.strerror}): they will "
            "be missing at a start while the records are away"
        )
    return sets, warnings


def _kept(folder: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    paths: list[Path] = []
    with contextlib.suppress(OSError):  # a folder that this user may not enter
        paths += sorted(folder.glob("*.toml"))
    for path in paths:
        # What cannot be read is as if it were not there.
        with contextlib.suppress(OSError, UnicodeError):
            if NAME.fullmatch(path.stem) and path.stat().st_size <= _MAX_BYTES:
                found[path.stem] = path.read_text("utf-8")
    return found


def _keep(folder: Path, sets: Mapping[str, str]) -> None:
    before = _kept(folder)
    if before == sets:
        return
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, content in sets.items():
        if before.get(name) != content:
            replace_file(folder / f"{name}.toml", content)
    for name in before.keys() - sets.keys():
        (folder / f"{name}.toml").unlink(missing_ok=True)
