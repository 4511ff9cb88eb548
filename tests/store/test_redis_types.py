"""The types of the Redis client name methods and arguments that redis-py has."""

from __future__ import annotations

import inspect

import pytest
from redis.client import Pipeline

from smsgate.store import redis_types
from smsgate.store.connection import TranslatingRedis


def methods(protocol: type) -> list[str]:
    return [name for name, one in vars(protocol).items() if inspect.isfunction(one)]


@pytest.mark.parametrize(
    ("protocol", "real"),
    [
        (redis_types.Client, TranslatingRedis),
        (redis_types.Pipeline, Pipeline),
    ],
)
def test_redis_py_takes_the_arguments_that_the_types_name(protocol, real):
    names = [name for name in methods(protocol) if not name.startswith("_")]
    assert names
    for name in names:
        known = inspect.signature(getattr(real, name)).parameters
        if any(one.kind is one.VAR_KEYWORD for one in known.values()):
            continue
        wanted = inspect.signature(getattr(protocol, name)).parameters.values()
        keywords = {one.name for one in wanted if one.kind is one.KEYWORD_ONLY}
        assert keywords <= {*known}, name
