"""The command line's help speaks plain English: no term of our own."""

from __future__ import annotations

from collections.abc import Iterator

import click

from smsgate.cli.main import cli
from smsgate.metrics.counters import FAMILIES
from tests.fakes.private_terms import private_terms


def helps(command: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
    """The help of a command and of every one below it, by its path."""
    yield context.command_path, " ".join(command.get_help(context).split())
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            yield from helps(below, click.Context(below, info_name=name, parent=context))


def test_no_help_has_a_term_of_ours():
    found = dict(helps(cli, click.Context(cli, info_name="smsgate")))
    assert len(found) > 60
    assert {path: terms for path, text in found.items() if (terms := private_terms(text))} == {}


def test_no_metric_is_described_by_a_term_of_ours():
    assert [terms for one in FAMILIES if (terms := private_terms(one.says))] == []
