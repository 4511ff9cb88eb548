"""``smsgate report``: how accounts agree with their providers' own opt-out lists."""

from __future__ import annotations

from pathlib import Path

import pytest

from smsgate.metrics.snapshot import ListComparison
from smsgate.store.opt_out_lists import OptOutListState
from smsgate.store.redis_address import open_redis
from smsgate.store.store import Store
from tests.features.provider_lists.conftest import ACCOUNT, ACCOUNTS


@pytest.fixture
def there(terminal, redis_url: str, tmp_path: Path):
    toml = ACCOUNT % {"name": "bird", "url": "", "keys": ACCOUNTS["bird"]}
    (tmp_path / "smsgate.toml").write_text(toml)
    here = {"SMSGATE_CONFIG": str(tmp_path), "SMSGATE_DATA_DIR": str(tmp_path)}
    made = terminal(REDIS_URL=redis_url, **here)
    assert made.run("init") == 0
    assert made.run("records", "migrate") == 0
    return made


def test_differences_are_reported_and_what_is_not_known_is_null(there, redis_url: str) -> None:
    unknown = {
        "taken": None,
        "reported": None,
        "not_taken_by_provider": None,
        "only_there": None,
        "only_here": None,
        "problem": "not compared yet",
    }
    assert there.json("report")["opt_out_lists"] == {"bird": unknown}
    state = OptOutListState(
        taken=3,
        reported=5,
        refusals={"a": 1, "b": 2},
        comparison=ListComparison(at_s=1.0, there_only=4),
    )
    Store(open_redis(redis_url)).opt_out_lists.write("bird", state)
    found = there.json("report")["opt_out_lists"]["bird"]
    assert found == {
        "taken": 3,
        "reported": 5,
        "not_taken_by_provider": 3,
        "only_there": 4,
        "only_here": None,
        "problem": "",
    }
    assert there.run("report") == 0
    assert (
        "Opt-out list of bird: 3 taken, 5 reported, 3 not taken by the provider; only there 4, "
        "only here unknown"
    ) in there.output.replace("\n", " ")
