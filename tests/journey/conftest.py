"""One whole system for each test that wants one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.once import compiled_sets
from tests.fakes.twilio_api import TwilioApi
from tests.journey.system import SID, TOKEN, System


@pytest.fixture
def api() -> Iterator[TwilioApi]:
    with TwilioApi({SID: TOKEN}) as fake:
        yield fake


@pytest.fixture
def system(tmp_path, api, groups, keyword_sets) -> Iterator[System]:
    whole = System(tmp_path, api.url, groups)
    compiled_sets(keyword_sets, tmp_path / "var")
    yield whole
    whole.close()


@pytest.fixture(scope="module")
def running(tmp_path_factory, groups, keyword_sets) -> Iterator[tuple[System, TwilioApi]]:
    """A system that runs, for tests that break nothing, each with a number of its own."""
    folder = tmp_path_factory.mktemp("running")
    with TwilioApi({SID: TOKEN}) as fake:
        whole = System(folder, fake.url, groups)
        compiled_sets(keyword_sets, folder / "var")
        whole.start()
        yield whole, fake
        whole.close()
