"""Hashes that say which configuration it is, and what of one cannot change while a process runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import msgspec

from smsgate.settings import Programs, Secret, Settings

FIXED: Mapping[str, str] = {
    "redis_url": "REDIS_URL",
    "queue_url": "QUEUE_URL",
    "database_url": "DATABASE_URL",
    "data_dir": "SMSGATE_DATA_DIR",
    "port": "PORT",
    "web_concurrency": "WEB_CONCURRENCY",
    "web_threads": "WEB_THREADS",
}
"""Settings that a running process keeps, and the variables that they come from."""

_NOWHERE = Path()


def version_of(settings: Settings, keyword_sets: Mapping[str, str]) -> str:
    """Of what the files say: the same on every host that has the same files."""
    said = msgspec.json.encode([settings.document, keyword_sets], order="deterministic")
    return sha256(said).hexdigest()[:12]


def outside_of(settings: Settings) -> str:
    """Of what stands behind the files: values of the environment, and of files that it names.

    Sixteen bits: enough to see that a secret was taken over, too few to find one by trying.
    """
    here = replace(
        settings,
        redis_url="",
        queue_url="",
        database_url="",
        config_dir=_NOWHERE,
        data_dir=_NOWHERE,
        port=0,
        web_concurrency=0,
        web_threads=0,
    )
    return sha256(_everything(here)).hexdigest()[:4]


def same(one: Settings, other: Settings) -> bool:
    """Whether two settings say the same, to the last secret."""
    return _everything(one) == _everything(other)


def kept(old: Settings, new: Settings) -> tuple[Settings, tuple[str, ...]]:
    """The new settings as far as a running process can follow, and the variables it cannot."""
    changed = [name for name in FIXED if getattr(old, name) != getattr(new, name)]
    stay = {name: getattr(old, name) for name in changed}
    return replace(new, **stay), tuple(FIXED[name] for name in changed)


def _everything(settings: Settings) -> bytes:
    return msgspec.json.encode(settings, enc_hook=_plain, order="deterministic")


def _plain(value: object) -> object:
    if isinstance(value, Secret):
        return value.value
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Programs):
        return [*value]
    if isinstance(value, Path):
        return str(value)
    raise NotImplementedError(type(value))
