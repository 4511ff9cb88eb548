"""Compiled keyword sets, kept in the data directory from one start to the next.

Compiling takes half a second, reading what was compiled a tenth of it. A file is named by the
hash of all that it was made from: the sets, the weights of the model, and this package.
It holds texts and numbers, read by their types; nothing in it is ever run. One that is damaged,
belongs to somebody else, or that others may write is ignored, and made anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import mmap
import os
import stat
import threading
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from weakref import WeakValueDictionary

import msgspec

from smsgate.classifier.classifier import Classifier
from smsgate.classifier.sets.compiled_sets import CompiledSets, faults_in
from smsgate.classifier.sets.compiler import compiled
from smsgate.classifier.sets.keyword_sets import load_sets, operator_sets, wanted
from smsgate.classifier.sets.operator_sets import OperatorSets
from smsgate.classifier.sets.tables import CompiledTables
from smsgate.domain.errors import ConfigurationError, Fault
from smsgate.files import replace_file
from smsgate.settings import Program

_FILES = "keywords-*.bin"
_MOST = 8
"""Files that are kept, the newest ones: other configurations may share a data directory."""
_DIGEST = hashlib.sha256().digest_size

_in_use: WeakValueDictionary[tuple[object, ...], CompiledSets] = WeakValueDictionary()
"""What the content before knows: while one follows the other, both have it."""


class KeywordSetCache:
    """The keyword sets of one configuration."""

    def __init__(
        self, own: OperatorSets | Path | None, programs: Iterable[Program], folder: Path
    ) -> None:
        """Keep what is needed; nothing is read yet.

        Args:
            own: the operator's sets, or the folder that has them, if there are any.
            programs: those whose sets are needed.
            folder: where compiled sets are kept; where it is missing none are.
        """
        self._own = operator_sets(own)
        self._programs = tuple(programs)
        self._folder = folder
        self._names = tuple(dict.fromkeys(name for one in self._programs for name in one.keywords))
        self._unkept: dict[tuple[str, ...], bytes] = {}
        self._known: dict[tuple[str, ...], CompiledSets] = {}
        self.versions: dict[str, str] = {}
        """By program the hash of its sets, once ``faults`` has looked at them."""

    def faults(self) -> list[Fault]:
        """All that is wrong with the sets, each fault once."""
        found: dict[Fault, None] = {}
        try:
            for program in self._programs:
                outline, faults = faults_in(program, self._packed(program.keywords))
                found.update(dict.fromkeys(faults))
                self.versions[program.name] = outline.version
        except ConfigurationError as error:
            return list(error.faults)
        return list(found)

    def known(self, program: Program) -> CompiledSets:
        """What the sets of a program know, once for all that have the same ones.

        Raises ``ConfigurationError`` where they have been changed since, and have faults now.
        """
        names = program.keywords
        known = self._known.get(names)
        if known is None:
            packed = self._packed(names)
            outline, faults = faults_in(program, packed)
            if faults:
                raise ConfigurationError(faults)
            key = (self._names, names, outline.version)
            known = _in_use.get(key) or CompiledSets(
                msgspec.msgpack.decode(packed, type=CompiledTables)
            )
            self._known[names] = _in_use[key] = known
            self._unkept.pop(names, None)
        return known

    def _packed(self, names: tuple[str, ...]) -> bytes | memoryview:
        """The tables of some sets as bytes, kept or made. Raises ``ConfigurationError``."""
        path = self._path(names)
        kept = self._unkept.get(names) or _read(path)
        if kept is not None:
            return kept
        sets, faults = load_sets(self._own, self._names)
        if faults:
            raise ConfigurationError(faults)
        packed = msgspec.msgpack.encode(compiled(sets.only(names)))
        if not _write(path, packed):
            self._unkept[names] = packed
        return packed

    def _path(self, names: tuple[str, ...]) -> Path:
        digest = hashlib.sha256(_code())
        for part in (repr(self._names), repr(names)):
            digest.update(part.encode())
        for place, content in _sources(self._own, self._names):
            digest.update(f"\n{place} {len(content)}\n".encode())
            digest.update(content)
        return self._folder / _FILES.replace("*", digest.hexdigest()[:16])


class Classifiers(Mapping[str, Classifier]):
    """By program its classifier, made when the first text needs it: most processes see none."""

    def __init__(self, cache: KeywordSetCache, programs: Iterable[Program]) -> None:
        self._cache = cache
        self._programs = {program.name: program for program in programs}
        self._made: dict[str, Classifier] = {}
        self._lock = threading.Lock()

    def __getitem__(self, name: str) -> Classifier:
        """The classifier of a program."""
        made = self._made.get(name)
        if made is not None:
            return made
        with self._lock:
            if name not in self._made:
                program = self._programs[name]
                self._made[name] = Classifier(program, self._cache.known(program))
            return self._made[name]

    @property
    def in_use(self) -> tuple[str, ...]:
        """The programs whose classifiers were made."""
        return tuple(self._made)

    def __iter__(self) -> Iterator[str]:
        """The names of the programs."""
        return iter(self._programs)

    def __len__(self) -> int:
        """How many programs there are."""
        return len(self._programs)


def _sources(own: OperatorSets, names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Where ``load_sets`` reads the same names from, and what stands there."""
    packaged = resources.files("smsgate.classifier").joinpath("keywords")
    for name in [*wanted(own, names), "_grammar"]:
        file = packaged / f"{name}.toml"
        # what cannot be read is a fault, of which load_sets tells
        with contextlib.suppress(OSError):
            yield str(file), file.read_bytes()
        if found := own.text(name):
            yield found[0], found[1].encode()


@cache
def _code() -> bytes:
    """What stands for this package, whose every change may change what is compiled."""
    digest = hashlib.sha256()
    package = resources.files("smsgate.classifier")
    entries = [*package.iterdir(), *package.joinpath("sets").iterdir()]
    for entry in sorted(entries, key=lambda one: one.name):
        if entry.name.endswith(".py"):
            digest.update(hashlib.sha256(entry.read_bytes()).digest())
    return digest.digest()


def _read(path: Path) -> memoryview | None:
    """What is kept, unless others could have written it or it is damaged."""
    try:
        with path.open("rb") as file:
            about = os.fstat(file.fileno())
            if about.st_uid != os.geteuid() or about.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                return None
            if about.st_size <= _DIGEST:
                return None
            # pages of their own: on the heap, they would stay between what is made of them
            content = mmap.mmap(-1, about.st_size)
            file.readinto(content)
    except OSError:
        return None
    packed = memoryview(content)[_DIGEST:]
    return packed if hashlib.sha256(packed).digest() == content[:_DIGEST] else None


def _write(path: Path, packed: bytes) -> bool:
    """Keep it for the next start; whether that was possible."""
    try:
        replace_file(path, hashlib.sha256(packed).digest() + packed)
        files = sorted(path.parent.glob(_FILES), key=lambda one: one.stat().st_mtime)
    except OSError:
        return False
    for old in files[:-_MOST]:
        with contextlib.suppress(OSError):
            old.unlink()
    return True
