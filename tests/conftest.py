"""What every room's tests may ask for: a real Redis, its data gone before each test."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import redis
import structlog
from hypothesis import settings

from smsgate.classifier import load_sets
from smsgate.classifier.near import NearKeywords, near_keywords
from smsgate.cli import redis_server as own_redis
from smsgate.cli.process_groups import ProcessGroups
from smsgate.records.database import Database
from smsgate.store import write_lease
from smsgate.store.connection import open_redis
from smsgate.store.rebuild import StoreRebuild
from tests.fakes import once
from tests.fakes.cluster import start_cluster

collect_ignore = [] if find_spec("playwright") else ["browser"]
"""`make test` has no browser; `make test-full` brings what drives one, and all of it is `full`."""
AS_STARTED = ("maxmemory", "0", "maxmemory-policy", "noeviction", "appendfsync", "always")
"""What a test may change on the server to see what follows."""


settings.register_profile("quick", max_examples=40, deadline=None)
settings.register_profile("full", max_examples=100, deadline=None)
settings.register_profile("alone", deadline=None)
settings.load_profile("alone")
"""Without ``--hypothesis-profile`` too, no example has to end in 200 ms of a busy machine."""
_MEMORY, _ENOUGH = Path("/dev/shm"), 2 << 30
_BROWSER = Path(__file__).parent / "browser"
ONLY = {"one_server": "cluster", "on_cluster": "server", "in_file": "postgresql"}
"""By fixture the store or database on which a test that asks for it means nothing."""


def pytest_configure(config: pytest.Config) -> None:
    """Files of tests lie in memory where there is plenty: a run waits for a disk for half a minute.

    All that tests do with a disk is to write, and to kill who wrote, who thereby loses nothing.
    """
    with contextlib.suppress(OSError):
        if shutil.disk_usage(_MEMORY).free > _ENOUGH and os.access(_MEMORY, os.W_OK):
            os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the modules that are ``full``, an equal part of them in each process.

    Those with a browser share a site, which takes half a minute to fill, and stay together.
    Each process is given as many neighbours, and takes from the end of what others have when it is
    done: a module that takes a minute and comes last would be waited for by all.
    """
    items[:] = [item for item in items if _is_meant(item)]
    processes = getattr(config, "workerinput", {}).get("workercount", 1)
    units: dict[Path, list[pytest.Item]] = {_BROWSER: []}
    others: list[pytest.Item] = []
    for item in items:
        module = item.getparent(pytest.Module)
        is_long = module is not None and module.get_closest_marker("full") is not None
        unit = _BROWSER if item.path.parent == _BROWSER else item.path
        (units.setdefault(unit, []) if is_long else others).append(item)
    items.clear()
    left = len(others) + sum(map(len, units.values()))
    for process in range(processes):
        first = [item for one in list(units.values())[process::processes] for item in one]
        size = left // (processes - process)
        left -= size
        more = max(0, size - len(first))
        items += first + others[:more]
        del others[:more]
    items += others


def _is_meant(item: pytest.Item) -> bool:
    given = [*item.callspec.params.values()] if hasattr(item, "callspec") else []
    asked = getattr(item, "fixturenames", [])
    return not any(name in asked and other in given for name, other in ONLY.items())


@pytest.fixture(autouse=True, scope="session")
def keyword_sets() -> NearKeywords:
    """What the shipped keyword sets know, which all tests share while somebody holds it."""
    return near_keywords(load_sets(None, ("*",))[0])


@pytest.fixture(autouse=True, scope="session")
def migrate_really(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[Database], tuple[str, str]]]:
    """Migrates; all the others are given a copy of what it made once."""
    with pytest.MonkeyPatch.context() as patch:
        yield once.one_schema(patch, tmp_path_factory.mktemp("tables"))


@pytest.fixture(autouse=True, scope="session")
def one_set_of_pages() -> Iterator[None]:
    """Applications share what they would make alike."""
    with pytest.MonkeyPatch.context() as patch:
        once.one_set_of_pages(patch)
        yield


@pytest.fixture(autouse=True, scope="session")
def lasting_lease() -> Iterator[None]:
    """The write lease of a store that is made or rebuilt in a test outlasts the test.

    Most tests have no process that renews it; those that run cut it to what it is in earnest.
    """
    day_ms, opened = 24 * 3600 * 1000, StoreRebuild.open

    def open_for_long(self: StoreRebuild, *given: Any) -> bool:
        done = opened(self, *given)
        write_lease.WriteLease(self._client).open(day_ms)
        return done

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(write_lease, "FIRST_MS", day_ms)
        patch.setattr(StoreRebuild, "open", open_for_long)
        yield


@pytest.fixture(autouse=True)
def silence() -> Iterator[None]:
    """Logs of threads that outlive a test go nowhere, not to the stream that it captured."""
    yield
    structlog.reset_defaults()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())


@pytest.fixture(scope="session")
def groups() -> Iterator[ProcessGroups]:
    """Starts processes that end with the test run, even where that is killed."""
    with ProcessGroups() as groups:
        yield groups


@pytest.fixture(scope="session")
def redis_server(
    tmp_path_factory: pytest.TempPathFactory, groups: ProcessGroups
) -> Iterator[own_redis.RedisServer]:
    """A Redis of the test run's own, set up as ``smsgate dev`` sets it up."""
    server = own_redis.start(tmp_path_factory.mktemp("redis"), groups)
    yield server
    groups.end(server.process)


@pytest.fixture(scope="session")
def started_cluster(tmp_path_factory: pytest.TempPathFactory, groups: ProcessGroups) -> str:
    """A Redis Cluster of three primaries; they end with the test run."""
    return start_cluster(tmp_path_factory.mktemp("cluster"), groups)


@pytest.fixture
def cluster_url(started_cluster: str) -> str:
    """Where the cluster is; as empty and as set up as ``redis_url``."""
    client = open_redis(started_cluster, 5)
    client.flushall()
    client.script_flush()
    client.execute_command("CONFIG", "SET", *AS_STARTED, target_nodes="primaries")
    client.close()
    return started_cluster


@pytest.fixture
def redis_url(redis_server: own_redis.RedisServer) -> str:
    """Where the Redis is; it is empty, its scripts forgotten, its configuration as started."""
    with redis.Redis.from_url(redis_server.url) as client:
        client.flushall()
        client.script_flush()
        client.execute_command("CONFIG", "SET", *AS_STARTED)
    return redis_server.url


@pytest.fixture
def redis_client(redis_url: str) -> Iterator[redis.Redis]:
    """A client of that Redis that answers with bytes."""
    with redis.Redis.from_url(redis_url) as client:
        yield client
