"""The hash chain of a partition: pure.

A link's hash covers the hash before it, its place, the event's id and the hash of the event's
contents; so nobody can change, remove or reorder what was kept without changing every hash after
it. Texts enter by a salted digest, so that they can be erased and the chain still be checked,
and so that nobody can guess them back from what stays.
"""

from __future__ import annotations

from hashlib import sha256

import msgspec

FIRST = bytes(32)
"""What stands before a partition's first link."""
NO_TEXT = b""
"""The digest of an event without texts."""

_encode = msgspec.json.encode


def text_digest(salt: bytes, words: str) -> bytes:
    """Digest of an event's texts: ``sha256(salt + words)``."""
    return sha256(salt + words.encode()).digest()


def content_hash(columns: tuple[str | int, ...], facts: str, digest: bytes) -> bytes:
    """Hash of an event's contents: its columns, its facts as they are stored, its texts' digest."""
    return sha256((digest or FIRST) + _encode(columns) + b"\n" + facts.encode()).digest()


def link_hash(previous: bytes, partition: int, seq: int, event_id: str, content: bytes) -> bytes:
    """Hash of a link: ``sha256(previous + content + "<partition> <seq> <event id>")``."""
    return sha256(previous + content + f"{partition} {seq} {event_id}".encode()).digest()


def list_digest(ids: list[str]) -> str:
    """Digest of a list of event ids in any order, as hex: what a removal says that it removes."""
    return sha256("\n".join(sorted(ids)).encode()).hexdigest()
