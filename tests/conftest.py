"""What every room's tests may ask for: a real Redis, its data gone before each test."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

import pytest
import redis
import structlog

from smsgate import redis_address
from smsgate.cli import redis_server as own_redis
from smsgate.cli.leash import Leash
from smsgate.wiring import configuration
from tests.fakes.cluster import start_cluster

collect_ignore = [] if find_spec("playwright") else ["browser"]
"""`make test` has no browser; `make test-full` brings what drives one, and all of it is `full`."""
AS_STARTED = ("maxmemory", "0", "maxmemory-policy", "noeviction", "appendfsync", "always")
"""What a test may change on the server to see what follows."""


@pytest.fixture(autouse=True, scope="session")
def one_shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keyword sets are compiled once for the whole run, not for each test's data directory."""
    folder = tmp_path_factory.mktemp("keywords")
    original = configuration.Shelf
    configuration.Shelf = lambda directory, programs, _: original(directory, programs, folder)
    yield
    configuration.Shelf = original


@pytest.fixture(autouse=True)
def silence() -> Iterator[None]:
    """Logs of threads that outlive a test go nowhere, not to the stream that it captured."""
    yield
    structlog.reset_defaults()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())


@pytest.fixture(scope="session")
def leash() -> Iterator[Leash]:
    """Starts processes that end with the test run, even where that is killed."""
    with Leash() as leash:
        yield leash


@pytest.fixture(scope="session")
def redis_server(
    tmp_path_factory: pytest.TempPathFactory, leash: Leash
) -> Iterator[own_redis.RedisServer]:
    """A Redis of the test run's own, set up as ``smsgate dev`` sets it up."""
    server = own_redis.start(tmp_path_factory.mktemp("redis"), leash)
    yield server
    leash.end(server.process)


@pytest.fixture(scope="session")
def started_cluster(tmp_path_factory: pytest.TempPathFactory, leash: Leash) -> str:
    """A Redis Cluster of three primaries; they end with the test run."""
    return start_cluster(tmp_path_factory.mktemp("cluster"), leash)


@pytest.fixture
def cluster_url(started_cluster: str) -> str:
    """Where the cluster is; as empty and as set up as ``redis_url``."""
    client = redis_address.open_redis(started_cluster, 5, 5)
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
