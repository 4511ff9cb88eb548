"""Errors of operators and their sign-in; ``smsgate/domain/errors.py`` has the family's root."""

from __future__ import annotations

from smsgate.domain.errors import SmsGateError


class NoSuchOperator(SmsGateError):
    """No operator of that name may sign in to the console."""

    status = 404


class OperatorExists(SmsGateError):
    """The name of an operator is taken."""

    status = 409


class LastAdmin(SmsGateError):
    """It would leave the console without an admin."""

    status = 409


class SignInRefused(SmsGateError):
    """Name, password or code are not right, or have to wait. The text does not say which."""

    status = 403
