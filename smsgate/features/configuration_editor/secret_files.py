"""Secrets that are entered in the console: files in the data directory, one for each variable."""

from __future__ import annotations

import fcntl
import socket
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from smsgate.domain.errors import StoreUnavailable
from smsgate.features.configuration_editor.errors import SecretRefused
from smsgate.files import replace_file
from smsgate.settings.read import SECRETS
from smsgate.store.processes import Heartbeats

_LOCK = ".lock"
"""A file in the folder; who writes secrets holds a lock on it."""


def variable_of(account: str, key: str) -> str:
    """Return the variable that holds a secret of an account."""
    return f"SMSGATE_ACCOUNT_{account}_{key}".upper().replace("-", "_")


def variable_of_table(table: str, key: str) -> str:
    """Return the variable that holds a secret of a table, such as ``alerts.email``."""
    heading, _, name = table.partition(".")
    if heading == "accounts":
        return variable_of(name, key)
    return f"SMSGATE_{heading}_{name}_{key}".upper()


class SecretFiles:
    """The folder ``secrets`` of this host's data directory, which its owner alone may read."""

    def __init__(self, data_dir: Path, environ: Mapping[str, str], heartbeats: Heartbeats) -> None:
        self._folder = data_dir / SECRETS
        self._environ = environ
        self._heartbeats = heartbeats

    def is_in_environment(self, variable: str) -> bool:
        """Whether the environment of this process has a value of it."""
        return any(self._environ.get(name, "").strip() for name in (variable, f"{variable}_FILE"))

    def refuse(self, variable: str) -> None:
        """Raise ``SecretRefused`` where a value of it could not be kept or would have no effect.

        A file reaches this host alone, and the environment comes before it.
        """
        if self.is_in_environment(variable):
            raise SecretRefused(
                f"{variable} is set in the environment of smsgate, which comes before what is "
                "entered here: change it there, and restart smsgate."
            )
        problem = self._problem()
        if problem:
            raise SecretRefused(
                f"cannot be kept here: {problem}. Set {variable} in the environment of every "
                f"process, or {variable}_FILE to a file that has it; restart smsgate; then save "
                "this form with the field empty."
            )

    @contextmanager
    def written(self, secrets: Mapping[str, str]) -> Iterator[None]:
        """Write the values, and put the old ones back if the block fails.

        Another thread or process that writes secrets waits until the block ends, so that what is
        put back is never older than what somebody else has saved. Raises ``SecretRefused``.
        """
        if not secrets:
            yield
            return
        for variable in secrets:
            self.refuse(variable)
        with self._locked():
            before = {variable: self._read(variable) for variable in secrets}
            try:
                for variable, value in secrets.items():
                    self._write(variable, value)
                yield
            except BaseException:
                for variable, old in before.items():
                    self._write(variable, old)
                raise

    @contextmanager
    def _locked(self) -> Iterator[None]:
        path = self._folder / _LOCK
        try:
            file = path.open("ab")
        except OSError as error:
            problem = f"{path} cannot be written ({error.strerror})"
            raise SecretRefused(f"The secret was not kept: {problem}.") from error
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)  # until it is closed
            yield

    def _problem(self) -> str:
        try:
            hosts = {one.host for one in self._heartbeats.running()} | {socket.gethostname()}
        except StoreUnavailable as error:
            return f"whether smsgate runs on other hosts too is unknown ({error})"
        if len(hosts) > 1:
            return f"smsgate runs on several hosts ({', '.join(sorted(hosts))})"
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with tempfile.NamedTemporaryFile(dir=self._folder):
                pass
        except OSError as error:
            return f"{self._folder} cannot be written ({error.strerror})"
        return ""

    def _read(self, variable: str) -> str | None:
        try:
            return (self._folder / variable).read_text("utf-8").strip()
        except (OSError, UnicodeError):
            return None

    def _write(self, variable: str, value: str | None) -> None:
        path = self._folder / variable
        try:
            if value is None:
                path.unlink(missing_ok=True)
            else:
                replace_file(path, f"{value}\n")
        except OSError as error:
            problem = f"{path} cannot be written ({error.strerror})"
            raise SecretRefused(f"The secret was not kept: {problem}.") from error
