"""The functions that RQ calls by name. What they do stands in ``smsgate.pipeline``."""

from __future__ import annotations

import functools
import os
from contextlib import suppress

import structlog
from rq import get_current_job

from smsgate.domain.errors import StoreNotReady, StoreUnavailable
from smsgate.features.lists.jobs import ListJobs, StepStopped
from smsgate.pipeline.configuration import load_configuration
from smsgate.pipeline.running_process import RunningProcess
from workers import list_worker

PATIENCE_S = 0.2
"""How long a job waits for its calls before the next partition has its turn."""

_log = structlog.get_logger()


kind = "worker"
"""Of this process; ``workers/__main__.py`` sets it before the first job."""


@functools.cache
def process() -> RunningProcess:
    """What this process and its jobs work with, made from the environment once."""
    return RunningProcess(load_configuration(os.environ), kind)


def apply_inbox(partition: int) -> None:
    """Apply what waits in a partition's inbox."""
    try:
        process().services.applier.work(partition)
    except (StoreUnavailable, StoreNotReady) as error:
        # Nothing is lost: the entries stay, and the clock asks for another job.
        _log.warning("inbox waits", partition=partition, problem=str(error))


def send_replies(partition: int) -> None:
    """Send the due replies of a partition."""
    try:
        process().services.sender.drain(partition, PATIENCE_S)
    except (StoreUnavailable, StoreNotReady) as error:
        _log.warning("outbox waits", partition=partition, problem=str(error))


def run_list_step(list_id: str) -> None:
    """Run the step of a list job that an operator asked for."""
    job = get_current_job()
    if job is None:  # called by somebody other than RQ
        return
    with suppress(StepStopped):
        ListJobs(process().services).run(list_id, job.id, list_worker.progress_of(job))
