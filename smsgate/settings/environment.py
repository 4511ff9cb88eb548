"""The environment as settings need it: texts, secrets, numbers and addresses, and their faults."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar
from urllib.parse import SplitResult, urlsplit

from smsgate.domain.errors import Fault
from smsgate.settings.applications import Secret
from smsgate.settings.shape import HOST_NAME

MIN_BITS = 128
MIN_DISTINCT = 8
"""Fewer different characters are a pattern: of random hexadecimal digits, one in 25 million values
of 128 bits has so few."""
ADVICE = 'make one with `python3 -c "import secrets; print(secrets.token_urlsafe(32))"`'

_BITS_PER_CHARACTER = (
    (re.compile(r"[0-9]*"), math.log2(10)),
    (re.compile(r"[0-9a-f]*|[0-9A-F]*"), 4.0),
    (re.compile(r"[^a-z]*|[^A-Z]*"), 5.0),
)


def bits_of(secret: str) -> float:
    """How many bits the secret has at most, by its length and the characters that it uses.

    A character counts 3.3 bits where all are digits, 4 where all are hexadecimal digits, 5 where
    letters are of one case, else 6. Nothing is known of how it was made, so that words count as if
    they were random.
    """
    for pattern, bits in _BITS_PER_CHARACTER:
        if pattern.fullmatch(secret):
            return bits * len(secret)
    return 6.0 * len(secret)


def is_weak(secret: str) -> bool:
    """Whether the secret could be guessed."""
    return bits_of(secret) < MIN_BITS or len(set(secret)) < MIN_DISTINCT


def weakness(secrets: Sequence[str]) -> str:
    """What is wrong with the first weak one of several secrets, as a sentence without the secret.

    Empty where all will do.
    """
    for place, secret in enumerate(secrets, 1):
        if is_weak(secret):
            which = f"number {place} of {len(secrets)} " if len(secrets) > 1 else ""
            return (
                f"{which}can be guessed: it must have {MIN_BITS} random bits, such as 22 letters "
                f"of both cases and digits or 32 hexadecimal digits; {ADVICE}"
            )
    return ""


_REFERENCE = re.compile(r"\$\{([^{}]*)(\}?)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WEB = ("http", "https")
UNSET = "names a variable that is not set: set it"
"""Said of a text with a ``${NAME}`` of which nothing is known; see ``Environment.expand``."""


class Environment:
    """What was set outside, and the faults that were found while reading it."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.faults: list[Fault] = []
        self.files: list[Path] = []
        """Those that ``NAME_FILE`` named, as far as they were read."""

    def fault(self, name: str, problem: str) -> None:
        """Note what is wrong with a variable."""
        self.faults.append(Fault("environment", name, problem))

    def plain(self, name: str, default: str = "") -> str:
        """Return a variable, or the default where it is unset or blank."""
        return self._environ.get(name, "").strip() or default

    def text(self, name: str, default: str = "") -> str:
        """Return a variable, or the content of the file that ``NAME_FILE`` names."""
        value, path = self.plain(name), self.plain(f"{name}_FILE")
        if value and path:
            self.fault(name, f"set either {name} or {name}_FILE, not both")
        if value or not path:
            return value or default
        return self._content(f"{name}_FILE", Path(path)) or default

    def _content(self, name: str, path: Path) -> str:
        self.files.append(path)
        try:
            return path.read_text(encoding="utf-8").strip()
        except OSError as error:
            self.fault(name, f"{path} cannot be read ({error.strerror}): name a readable file")
        except UnicodeDecodeError:
            self.fault(name, f"{path} is not UTF-8 text: name a file that holds the value alone")
        return ""

    def secrets(self, name: str) -> tuple[Secret, ...]:
        """Return a comma separated variable as secrets, in its order, blanks dropped.

        They are the operator's own, so that one that can be guessed is a fault.
        """
        found = split_secrets(self.text(name))
        problem = weakness([one.value for one in found])
        if problem:
            self.fault(name, problem)
        return found

    def hosts(self, name: str) -> tuple[str, ...]:
        """Return a comma separated variable as host names and IP addresses, in lower case."""
        found = [one.strip().lower() for one in self.plain(name).split(",") if one.strip()]
        for one in found:
            if not re.match(HOST_NAME, one):
                problem = f"{one!r} will not do: give host names or IP addresses, without ports"
                self.fault(name, problem)
        return tuple(found)

    def number(self, name: str, default: int, most: int) -> int:
        """Return a variable as a whole number from 1 to ``most``."""
        text = self.plain(name)
        if not text:
            return default
        if text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= most:
            return int(text)
        self.fault(name, f"{text!r} will not do: give a whole number from 1 to {most}")
        return default

    def url(self, name: str, default: str, schemes: tuple[str, ...]) -> str:
        """Return a variable as the URL of a server. Its text is never shown: it holds passwords."""
        text = self.text(name, default)
        scheme = text.partition(":")[0].partition("+")[0].lower()
        if scheme in schemes and "://" in text and _split(text.partition(",")[0]) is not None:
            return text
        right = ", ".join(f"{known}://" for known in schemes)
        self.fault(name, f"is no URL that can be used here: it must begin with {right}")
        return default

    def web_url(self, name: str) -> str:
        """Return a variable as a web address without trailing slash, or ``""``."""
        text = self.plain(name)
        problem = web_url_problem(text)
        if problem:
            self.fault(name, problem)
            return ""
        return text.rstrip("/")

    def expand(self, text: str, complain: Callable[[str], None]) -> tuple[str, bool]:
        """Replace each ``${NAME}`` by its value; says also whether every name was set.

        A reference that is cut or misspelt goes to ``complain``; an unset one is empty.
        """
        missing: list[str] = []

        def value(found: re.Match[str]) -> str:
            name, end = found.groups()
            if not end or not _NAME.fullmatch(name):
                # Without quoting it: a password may have these characters, too.
                complain("has a ${…} that names no variable: write ${NAME}")
                return ""
            known = self.text(name)
            if not known:
                missing.append(name)
            return known

        return _REFERENCE.sub(value, text), not missing


class TableReader:
    """Reads the tables below one heading of ``smsgate.toml``.

    Faults go to a list that is given: all readers of a file share one.
    """

    heading: ClassVar[str]

    def __init__(self, environment: Environment, place: str, faults: list[Fault]) -> None:
        """``place`` is the file that faults are reported in."""
        self._environment = environment
        self._place = place
        self._faults = faults

    def _fault(self, key: str, problem: str) -> None:
        self._faults.append(Fault(self._place, f"{self.heading}.{key}", problem))

    def _expand(self, key: str, text: str) -> tuple[str, bool]:
        """The text with its variables, as ``Environment.expand``."""
        return self._environment.expand(text, lambda problem: self._fault(key, problem))

    def _value(self, key: str, text: str, otherwise: str) -> str:
        """The text with its variables, all of which must be set; ``otherwise``: or what to do."""
        value, is_complete = self._expand(key, text.strip())
        if not is_complete:
            self._fault(key, f"{text.strip()!r} {UNSET}, or {otherwise}")
        return value.strip()


def split_secrets(text: str) -> tuple[Secret, ...]:
    """``"new, old"`` as two secrets, in that order; blanks are dropped."""
    return tuple(Secret(part.strip()) for part in text.split(",") if part.strip())


def web_url_problem(text: str) -> str:
    """What is wrong with a web address that we build on, as a sentence; ``""`` where nothing is."""
    if not text:
        return ""
    parts = _split(text)
    clean = text.isascii() and text.isprintable() and " " not in text
    if parts is None or parts.scheme not in _WEB or not parts.hostname or not clean:
        return "is no web address: write it as https://sms.example.com"
    if parts.query or parts.fragment or "?" in text or "#" in text or "@" in parts.netloc:
        return "must be scheme, host and path alone, without user, query or fragment"
    return ""


def _split(text: str) -> SplitResult | None:
    try:
        parts = urlsplit(text)
        _ = parts.port  # Raises where it is no number in range.
    except ValueError:
        return None
    return parts
