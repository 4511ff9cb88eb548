"""The thread of the process ``worker`` that runs the steps of list jobs.

They run here, since the worker has the data directory of its host and everything else that they
need; in a thread of their own, since a step may take minutes, and opt-outs may not wait for it.
"""

from __future__ import annotations

from contextlib import suppress

from smsgate.background_thread import BackgroundThread
from smsgate.features.lists.imports import Importer
from smsgate.features.lists.jobs import ListJobs, StepStopped
from smsgate.interface.parts import Parts
from smsgate.process.services import Services

IDLE_S = 1.0
"""How often it looks for work."""


def list_thread(services: Services) -> BackgroundThread:
    """The thread; a step in progress at its end waits for the next worker."""
    jobs, importer = ListJobs(services.settings), Parts(services).bind(Importer, 0)()

    def work() -> float:
        with suppress(StepStopped):
            if jobs.run_next(importer, services.gate, lambda: thread.is_ending):
                return 0.0
        return IDLE_S

    thread = BackgroundThread("lists", work, IDLE_S)
    return thread
