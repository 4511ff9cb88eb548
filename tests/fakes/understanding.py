"""A gateway that understands texts: with the keyword sets of its configuration."""

from __future__ import annotations

from dataclasses import replace

from smsgate.classifier import Classifiers
from smsgate.pipeline import configuration
from smsgate.pipeline.console_keyword_sets import read_console_sets
from smsgate.pipeline.services import Services
from smsgate.settings.operator_sets import OperatorSets

TWO = """
[accounts.twilio]
provider    = "twilio"
account_sid = "AC55555555555555555555555555555555"
auth_token  = "a-token"

[programs.alerts]
name     = "Acme Alerts"
account  = "twilio"
senders  = ["*"]
keywords = ["zu"]

[programs.orders]
name     = "Acme Orders"
account  = "twilio"
senders  = ["+14155550888"]
keywords = ["en"]
region   = "US"
kind     = "service"
"""
"""Zulu is the set that is read fastest; the required words are those of English."""


def understanding(services: Services) -> Services:
    """The same with classifiers, as a process that has just read its configuration."""
    settings = services.settings
    of_console, _ = read_console_sets(services.records, settings.data_dir)
    own = OperatorSets(settings.config_dir / "keywords", of_console)
    # As tests/conftest.py has it: what is compiled is kept for the whole run.
    cache = configuration.KeywordSetCache(own, settings.programs, settings.data_dir)
    return replace(services, classifiers=Classifiers(cache, settings.programs))
