"""The process ``web``: Granian, in as many processes as ``WEB_CONCURRENCY`` says.

What of Granian is set, and why it is Granian: docs/decisions/0001-web-server.md.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from smsgate.web.draining import Draining

if TYPE_CHECKING:  # exists for type checkers only
    from _typeshed.wsgi import WSGIApplication

MAX_CONNECTIONS = 4096
"""Open connections of one process; idle ones take no thread."""
KEEP_ALIVE_S = 75
"""How long a connection may be idle: longer than proxies keep theirs (nginx: 60 s)."""
GRACE_S = 8
"""How long requests in progress have at the end: less than the 10 s that platforms and
``smsgate dev`` give the whole process."""


def run(
    make: Callable[[], WSGIApplication], host: str, port: int, processes: int, threads: int
) -> None:
    """Serve what ``make`` returns in each process, until SIGTERM."""
    multiprocessing.set_start_method("fork", force=True)  # what `make` knows cannot be pickled
    Granian(
        "smsgate",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=processes,
        blocking_threads=threads,
        backlog=1024,
        backpressure=MAX_CONNECTIONS,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=KEEP_ALIVE_S * 1000),
        websockets=False,
        respawn_failed_workers=True,
        workers_kill_timeout=GRACE_S,
        log_dictconfig={
            "incremental": True,
            "handlers": {},
            "loggers": {"_granian": {"propagate": True}},
        },
        log_level=LogLevels.error,
    ).serve(target_loader=partial(Draining, make), wrap_loader=False)
