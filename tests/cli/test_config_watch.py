"""``smsgate dev`` looks at the files by itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from smsgate.process.configuration import load_settings
from smsgate.process.services import build_store
from tests.cli.conftest import CONFIG, Dev, Terminal
from tests.fakes.processes import wait_until


@pytest.mark.full
def test_a_changed_file_is_in_force_within_a_second_and_a_faulty_one_is_told_once(
    dev: Dev, tmp_path: Path, terminal: Callable[..., Terminal]
) -> None:
    config = tmp_path / "config"
    config.mkdir()
    text = (CONFIG / "smsgate.toml").read_text()
    (config / "smsgate.toml").write_text(text)
    dev.start(SMSGATE_CONFIG=str(config))
    there = terminal(SMSGATE_DATA_DIR=str(dev.directory), SMSGATE_CONFIG=str(config))
    redis_url = json.loads((dev.directory / "run.json").read_text())["redis_url"]
    store = build_store(load_settings({**there.environ, "REDIS_URL": redis_url}))
    processes = store.heartbeats.running
    assert wait_until(lambda: len(processes()) == 4)
    before = {one.version for one in processes()}

    (config / "smsgate.toml").write_text(text.replace('"US"', '"us"'))
    assert wait_until(lambda: "region: must be the two capital letters" in dev.said)
    assert {one.version for one in processes()} == before
    (config / "smsgate.toml").write_text(text.replace("Acme Alerts", "Acme News"))
    assert wait_until(lambda: before.isdisjoint(one.version for one in processes()))
    assert wait_until(lambda: len(processes()) == 4 and dev.listens)

    assert dev.said.count("region: must be the two capital letters") == 1
    assert dev.said.count("has changed: the processes restart") == 1
    assert there.run("text", "Stop please", "--from", "+14155550123") == 0
    assert "Acme News" in there.output
    store.metrics.close()
