"""From the environment to a gateway that runs: the only place that opens connections."""

from __future__ import annotations

from smsgate.wiring.building import (
    build_gate,
    build_gateway,
    build_records,
    build_spool,
    build_store,
    publish_programs,
)
from smsgate.wiring.changing import (
    Outcome,
    apply_configuration,
    hand_over,
    outcome_of,
    refuse_dropped,
)
from smsgate.wiring.configuration import Configuration, load_configuration, load_settings
from smsgate.wiring.live import Live

__all__ = [
    "Configuration",
    "Live",
    "Outcome",
    "apply_configuration",
    "build_gate",
    "build_gateway",
    "build_records",
    "build_spool",
    "build_store",
    "hand_over",
    "load_configuration",
    "load_settings",
    "outcome_of",
    "publish_programs",
    "refuse_dropped",
]
