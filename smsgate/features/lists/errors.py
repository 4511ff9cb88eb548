"""Errors of uploaded lists; ``smsgate/domain/errors.py`` has the family's root."""

from __future__ import annotations

from collections.abc import Sequence

from smsgate.domain.errors import SmsGateError


class ListUnreadable(SmsGateError):
    """A file is no list that can be read; nothing of it was used."""

    status = 422


class ColumnUnclear(ListUnreadable):
    """A list does not show where its numbers stand; ``columns`` are those that may be named."""

    def __init__(self, problem: str, columns: Sequence[str]) -> None:
        super().__init__(problem)
        self.columns = tuple(columns)


class NoSuchList(SmsGateError):
    """No list has that id, or it belongs to another operator, or it was removed."""

    status = 404


class ListsUnavailable(SmsGateError):
    """The place where uploaded lists are kept cannot be used."""

    status = 503
