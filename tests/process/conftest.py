"""A configuration in files that a test changes, on a real Redis."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from smsgate.process.configuration import load_configuration
from smsgate.process.services import build_store
from smsgate.store.store import Store

CONFIG = """
[accounts.twilio]
provider    = "twilio"
account_sid = "AC55555555555555555555555555555555"
auth_token  = "${TOKEN}"

[programs.alerts]
name     = "Acme Alerts"
account  = "twilio"
senders  = ["+14155550999"]
keywords = ["en"]
region   = "US"
confirm  = "always"
"""
SECOND = """
[programs.orders]
name     = "Acme Orders"
account  = "twilio"
senders  = ["+14155550888"]
keywords = ["es"]
scope    = "program"
{more}
"""
WORD = """
language = "en"
extends = true
[[entries]]
intent = "{intent}"
words = "{word}"
"""


@dataclass
class Files:
    """What an operator edits."""

    folder: Path
    redis_url: str

    @property
    def environ(self) -> dict[str, str]:
        return {
            "SMSGATE_CONFIG": str(self.folder),
            "SMSGATE_DATA_DIR": str(self.folder / "var"),
            "REDIS_URL_FILE": str(self.folder / "redis-url"),
            "SMSGATE_PUBLIC_URL": "https://sms.example.com",
            "SMSGATE_API_KEYS": "a-key-that-is-long-enough-for-tests",
            "TOKEN_FILE": str(self.folder / "token"),
        }

    def write(self, toml: str = CONFIG) -> None:
        (self.folder / "smsgate.toml").write_text(toml, encoding="utf-8")

    def write_word(self, word: str, intent: str = "opt_out") -> None:
        (self.folder / "keywords").mkdir(exist_ok=True)
        text = WORD.format(word=word, intent=intent)
        (self.folder / "keywords" / "en.toml").write_text(text, encoding="utf-8")

    def write_token(self, token: str) -> None:
        (self.folder / "token").write_text(token)

    def write_redis_url(self, url: str) -> None:
        (self.folder / "redis-url").write_text(url)

    @property
    def version(self) -> str:
        return load_configuration(self.environ).version


@pytest.fixture
def files(tmp_path: Path, redis_url: str) -> Files:
    (tmp_path / "var").mkdir()
    found = Files(tmp_path, redis_url)
    found.write()
    found.write_token("the-token")
    found.write_redis_url(redis_url)
    return found


@pytest.fixture
def store(files: Files) -> Iterator[Store]:
    made = build_store(load_configuration(files.environ).settings)
    made.metadata.create(buckets=8)
    yield made
    made.metrics.close()
