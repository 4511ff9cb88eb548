"""From the URL of a Redis to a client: one server, one behind Sentinels, or a cluster.

``redis://``, ``rediss://`` and ``unix://`` are one server. ``redis+sentinel://host:26379,host2:26379/
mymaster`` asks Sentinels where the primary ``mymaster`` is; ``redis+cluster://host:7000,host2:7001``
learns the rest of a cluster from any of the nodes named. ``rediss+…`` is the same over TLS.
User and password before the ``@`` are the primary's; Sentinels that want one of their own get it
from ``?sentinel_password=…`` (and ``&sentinel_username=…``) behind the name.
"""

from __future__ import annotations

import ipaddress
import threading
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, cast
from urllib.parse import parse_qs, unquote, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.exceptions import RedisClusterException
from redis.retry import Retry
from redis.sentinel import Sentinel

from smsgate.store.connection import Client, translated

TIMEOUT_S = 2.0
"""How long one round trip may take. Providers wait between 2 and 15 seconds for an answer."""
_SENTINEL_PORT = 26379
_PORT = 6379


class Cluster:
    """A ``RedisCluster`` that connects on first use, as the client of one server does."""

    is_cluster = True

    def __init__(self, hosts: Iterable[tuple[str, int]], options: dict[str, Any]) -> None:
        """``hosts`` are some of the nodes, ``options`` those of a ``RedisCluster``."""
        self._hosts = hosts
        self._options = options
        self._lock = threading.Lock()
        self._client: RedisCluster | None = None

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a ``RedisCluster`` has
        """A method of the ``RedisCluster``; it raises as one of a ``Client`` does."""

        def call(*args: Any, **options: Any) -> Any:  # noqa: ANN401
            with translated():
                return getattr(self.connected(), name)(*args, **options)

        return call

    def connected(self) -> RedisCluster:
        """The client, with its nodes and slots known. Raises ``RedisError``."""
        with self._lock:
            if self._client is None:
                # Neither class has types.
                nodes: list[Any] = [cast("Any", ClusterNode)(*host) for host in self._hosts]
                try:
                    self._client = RedisCluster(startup_nodes=nodes, **self._options)
                except RedisClusterException as error:  # which is no RedisError
                    raise redis.ConnectionError(str(error)) from error
            return self._client

    def by_server(self, keys: Sequence[str]) -> list[tuple[redis.Redis, list[int]]]:
        """As of a ``Client``. Raises ``RedisError``.

        redis-py's own pipeline of a cluster refuses ``EVALSHA``, and its ``WAIT`` would go to any
        server.
        """
        client: Any = self.connected()
        places: dict[ClusterNode, list[int]] = defaultdict(list)
        for place, key in enumerate(keys):
            places[client.get_node_from_key(key)].append(place)
        return [(client.get_redis_connection(node), its) for node, its in places.items()]

    def learn_slots(self) -> None:
        """Ask the cluster anew which server has which keys. Raises ``RedisError``."""
        self.connected().nodes_manager.initialize()

    def infos(self, section: str) -> list[dict[str, Any]]:
        """As of a ``Client``. Raises ``StoreUnavailable``."""
        with translated():
            client: Any = self.connected()
            return [client.info(section, target_nodes=one) for one in client.get_primaries()]


def open_redis(url: str, timeout_s: float = TIMEOUT_S) -> Client:
    """A client for the URL; connects on first use. ``timeout_s``: to connect, and for an answer.

    A connection that broke while it lay in the pool is replaced once; a time-out is not tried
    again, because a provider is waiting.
    """
    kind = kind_of(url)
    options: dict[str, Any] = {
        "socket_timeout": timeout_s,
        "socket_connect_timeout": timeout_s,
        "retry": Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
    }
    if kind == "sentinel":
        return _primary(url, options)
    if kind == "cluster":
        return cast("Client", Cluster(_hosts(url, _PORT), {**_credentials(url), **options}))
    return cast("Client", Client.from_url(url, **options))


def kind_of(url: str) -> str:
    """``server``, ``sentinel`` or ``cluster``."""
    _, _, kind = url.partition("://")[0].partition("+")
    return kind or "server"


def exposures(url: str) -> list[str]:
    """What lets others than smsgate at a Redis on another host; each a sentence without secrets."""
    scheme, _, _ = url.partition("://")
    if scheme == "unix" or all(_is_here(host) for host, _ in _hosts(url, _PORT)):
        return []
    found = []
    if not (_credentials(url).get("password") or parse_qs(urlsplit(url).query).get("password")):
        found.append("is on another host without a password: anyone who reaches it gets in")
    if not scheme.startswith("rediss"):
        found.append("is on another host without TLS: the network can read the traffic")
    return found


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in {"", "localhost"}


def _primary(url: str, options: dict[str, Any]) -> Client:
    """A client that asks Sentinels where the primary is."""
    name, _, database = urlsplit(url).path.strip("/").partition("/")
    hosts = _hosts(url, _SENTINEL_PORT)
    asking = {**options, **_over_tls(url), **_of_sentinels(url)}
    sentinel: Any = Sentinel  # without types
    primary: Client = sentinel(hosts, sentinel_kwargs=asking).master_for(
        name or "mymaster",
        Client,
        db=int(database or 0),
        **_credentials(url),
        **options,
    )
    return primary


def _hosts(url: str, port: int) -> list[tuple[str, int]]:
    hosts = urlsplit(url).netloc.rpartition("@")[2].split(",")
    parted = [urlsplit(f"//{host}") for host in hosts]
    return [(one.hostname or "", one.port or port) for one in parted]


def _over_tls(url: str) -> dict[str, Any]:
    return {"ssl": True} if url.startswith("rediss+") else {}


def _of_sentinels(url: str) -> dict[str, Any]:
    """User and password of the Sentinels. A plus is a plus here, as it is before the ``@``."""
    pairs = (one.partition("=") for one in urlsplit(url).query.split("&"))
    given = {name: unquote(value) for name, _, value in pairs}
    wanted = {"username": "sentinel_username", "password": "sentinel_password"}
    return {key: given[name] for key, name in wanted.items() if given.get(name)}


def _credentials(url: str) -> dict[str, Any]:
    found = _over_tls(url)
    user, _, password = urlsplit(url).netloc.rpartition("@")[0].partition(":")
    if user:
        found["username"] = unquote(user)
    if password:
        found["password"] = unquote(password)
    return found
