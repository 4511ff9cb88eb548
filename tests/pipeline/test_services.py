"""The services of a process: what is left of them at their end."""

from __future__ import annotations


def test_services_that_are_closed_close_their_queue(services) -> None:
    services.job_queue.ping()
    (connection,) = services.job_queue.redis.connection_pool._available_connections
    assert connection.is_connected
    services.close()
    assert not connection.is_connected
