"""A store on a real Redis, ready as ``smsgate init`` makes it: on one server, and on a cluster."""

from __future__ import annotations

import pytest

from smsgate.consent.events import PublishedProgram
from smsgate.store.connection import open_redis
from smsgate.store.store import Store


@pytest.fixture(params=["server", pytest.param("cluster", marks=pytest.mark.full)])
def redis_url(request, redis_url) -> str:
    """Where the store is: one server, or a cluster; empty."""
    if request.param == "server":
        return redis_url
    return request.getfixturevalue("cluster_url")


@pytest.fixture
def redis_client(redis_url):
    """A client of that Redis that answers with bytes."""
    client = open_redis(redis_url)
    yield client
    client.close()


@pytest.fixture
def one_server(redis_url) -> None:
    """For what is a matter of one server, such as its settings: not collected on a cluster."""


@pytest.fixture
def on_cluster(redis_url) -> None:
    """For what is a matter of a cluster."""


@pytest.fixture
def bare_store(redis_url) -> Store:
    """Without a metadata: new, or flushed."""
    return Store(open_redis(redis_url))


@pytest.fixture
def store(bare_store) -> Store:
    bare_store.metadata.create(buckets=8)
    bare_store.programs.publish(
        {"alerts": PublishedProgram(), "service": PublishedProgram(kind="service", scope="program")}
    )
    return bare_store
