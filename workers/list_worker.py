"""A thread of the process ``worker`` that runs the steps of list jobs.

They run here, since the worker has the data directory of its host and everything else that they
need; in a thread of their own, since a step may take minutes, and opt-outs may not wait for it.
"""

from __future__ import annotations

import threading

import structlog

from smsgate.features.lists.jobs import ListJobs, StepStopped
from smsgate.pipeline.services import Services

IDLE_S = 1.0
"""How often it looks for work."""
_log = structlog.get_logger("smsgate.lists")


class ListWorker:
    """Runs list jobs until it is closed."""

    def __init__(self, services: Services) -> None:
        self._jobs = ListJobs(services)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lists", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self, wait_s: float = 5.0) -> None:
        """End; a step in progress waits for the next worker."""
        self._ending.set()
        self._thread.join(wait_s)

    def _run(self) -> None:
        problem = ""
        while not self._ending.is_set():
            try:
                if self._jobs.run_next(self._ending.is_set):
                    continue
                problem = ""
            except StepStopped:
                return
            except Exception as error:  # noqa: BLE001 - a fault must not end what others wait for
                if str(error) != problem:  # not every second
                    _log.error("list worker failed", exc_info=error)
                problem = str(error)
            self._ending.wait(IDLE_S)
