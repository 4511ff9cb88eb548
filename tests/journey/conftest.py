"""One whole system for each test that wants one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.twilio_api import TwilioApi
from tests.journey.system import SID, TOKEN, System


@pytest.fixture
def api() -> Iterator[TwilioApi]:
    with TwilioApi({SID: TOKEN}) as fake:
        yield fake


@pytest.fixture
def system(tmp_path, api, groups) -> Iterator[System]:
    whole = System(tmp_path, api.url, groups)
    yield whole
    whole.close()
