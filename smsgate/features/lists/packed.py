"""Files that are no text: workbooks and archives. None is unpacked, so none can swell."""

from __future__ import annotations

from smsgate.domain.errors import ListUnreadable

_WORKBOOK = "a workbook or a zip archive"
_ARCHIVE = "an archive"
_BEGIN: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", _WORKBOOK),
    (b"PK\x05\x06", _WORKBOOK),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old workbook"),
    (b"\x1f\x8b", _ARCHIVE),
    (b"BZh", _ARCHIVE),
    (b"\xfd7zXZ\x00", _ARCHIVE),
    (b"7z\xbc\xaf\x27\x1c", _ARCHIVE),
    (b"\x28\xb5\x2f\xfd", _ARCHIVE),
    (b"Rar!\x1a\x07", _ARCHIVE),
    (b"%PDF-", "a PDF"),
    (b"SQLite format 3\x00", "a database"),
    (b"PAR1", "a Parquet file"),
)


def refuse_packed(head: bytes) -> None:
    """Raise ``ListUnreadable`` where a file that begins so is none of text."""
    for begin, what in _BEGIN:
        if head.startswith(begin):
            raise ListUnreadable(f"this is {what}, not a list: save it as CSV and give that")
