"""Workers of RQ that end at once: waiting for their commands, one would be waited for a second."""

from __future__ import annotations

import pytest
from rq import SimpleWorker


@pytest.fixture(autouse=True)
def deaf_to_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SimpleWorker, "subscribe", lambda _: None)
