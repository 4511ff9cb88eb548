"""The services of lists, made for a gateway."""

from __future__ import annotations

from functools import partial

from smsgate.features.lists.errands import Errands
from smsgate.features.lists.import_undo import ImportUndo
from smsgate.features.lists.number_import import Importing
from smsgate.features.lists.steps import Steps
from smsgate.gateway import Gateway
from smsgate.pipeline.apply import Applying


def build_importing(gateway: Gateway) -> Importing:
    """What enters the numbers of lists, and applies them before it says so."""
    applying = Applying(gateway.settings, gateway.store, gateway.job_queue)
    return Importing(gateway.settings, gateway.store, applying)


def build_import_undo(gateway: Gateway) -> ImportUndo:
    """What undoes imports."""
    return ImportUndo(
        gateway.settings,
        gateway.store,
        gateway.records,
        gateway.recording,
        build_importing(gateway),
    )


def build_errands(gateway: Gateway) -> Errands:
    """What works on lists in the background."""
    steps = Steps(
        settings=gateway.settings,
        importing=partial(build_importing, gateway),
        gate=gateway.gate,
        store=gateway.store,
        records=gateway.records,
        recording=gateway.recording,
        undoing=partial(build_import_undo, gateway),
    )
    return Errands(gateway.settings.data_dir, steps)
