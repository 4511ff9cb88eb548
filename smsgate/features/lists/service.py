"""The services of lists, made for a gateway."""

from __future__ import annotations

from functools import partial

from smsgate.features.lists.errands import Errands
from smsgate.features.lists.import_undo import ImportUndo
from smsgate.features.lists.number_import import Importing
from smsgate.features.lists.steps import Steps
from smsgate.pipeline.apply import InboxApplier
from smsgate.pipeline.services import Services


def build_importing(services: Services) -> Importing:
    """What enters the numbers of lists, and applies them before it says so."""
    applying = InboxApplier(services.settings, services.store, services.job_queue)
    return Importing(services.settings, services.store, applying)


def build_import_undo(services: Services) -> ImportUndo:
    """What undoes imports."""
    return ImportUndo(
        services.settings,
        services.store,
        services.records,
        services.archiver,
        build_importing(services),
    )


def build_errands(services: Services) -> Errands:
    """What works on lists in the background."""
    steps = Steps(
        settings=services.settings,
        importing=partial(build_importing, services),
        gate=services.gate,
        store=services.store,
        records=services.records,
        archiver=services.archiver,
        undoing=partial(build_import_undo, services),
    )
    return Errands(services.settings.data_dir, steps)
