"""Errors of keyword sets in the console; ``smsgate/domain/errors.py`` has the family's root."""

from __future__ import annotations

from smsgate.domain.errors import SmsGateError


class NoSuchKeywordSet(SmsGateError):
    """There is no keyword set of that name, or no such version of it."""

    status = 404


class KeywordSetUnfit(SmsGateError):
    """The input is not a valid keyword set; nothing was saved."""

    status = 422
