"""``smsgate records diff``: do store and records say the same?"""

from __future__ import annotations

import click
from rich.console import Console

from smsgate.cli import session
from smsgate.consent.events import Standing
from smsgate.features.records_admin.comparing import Difference, differences

_SHOWN = 100


@click.command("diff", epilog="Example: smsgate records diff")
@session.as_json
def diff(as_json: bool) -> None:
    """Compare the store's sets with the records, number by number. Exit code 1 where they differ.

    What waits in the ledgers is recorded first. `smsgate rebuild` mends what is found.
    """
    gateway = session.gateway()
    found = list(differences(gateway.store, gateway.records, gateway.recording))
    if as_json:
        session.show_json(
            [
                {"number": one.number, "store": _said(one.store), "records": _said(one.records)}
                for one in found
            ]
        )
    else:
        _show(Console(highlight=False), found)
    if found:
        session.end(1)


def _show(console: Console, found: list[Difference]) -> None:
    for one in found[:_SHOWN]:
        console.print(
            f"{one.number}: the store says {_said(one.store)}, the records {_said(one.records)}",
            soft_wrap=True,
        )
    if not found:
        console.print("equal")
    elif len(found) > _SHOWN:
        console.print(f"… and {len(found) - _SHOWN:,} more; `smsgate rebuild` mends them")


def _said(standing: Standing) -> str:
    parts = ["locked"] if standing.locked else []
    parts += ["out of all"] if standing.everywhere else []
    parts += [f"out of {name}" for name in sorted(standing.own)]
    parts += [f"back in {name}" for name in sorted(standing.back)]
    parts += [f"agreed to {name}" for name in sorted(standing.consents)]
    return ", ".join(parts) or "nothing"
