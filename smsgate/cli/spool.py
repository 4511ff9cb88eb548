"""``smsgate spool``: messages that wait on the disks of hosts, and those that are given up."""

from __future__ import annotations

from collections.abc import Sequence

import click
import msgspec

from smsgate.cli import session
from smsgate.cli.session import moment, out, person
from smsgate.metrics.snapshot import SpoolDepth
from smsgate.pipeline.history import History
from smsgate.pipeline.spool import waiting
from smsgate.pipeline.spool_replay import forget_spool
from smsgate.records.removal import SPOOL_FORGOTTEN


@click.group()
def spool() -> None:
    """Messages on the hosts' disks that the store could not take.

    Each host delivers them to the store by itself once the store accepts writes.
    """


@spool.command("list", epilog="Example: smsgate spool list")
@click.option("--forgotten", is_flag=True, help="List discarded spools, by whom and why.")
@session.as_json
def list_spools(forgotten: bool, as_json: bool) -> None:
    """List the last report of each host on its spools, one for each data directory."""
    if forgotten:
        _list_forgotten(as_json)
        return
    store = session.services().store
    spooled = store.write_lease.spooled()
    reports = [SpoolDepth(one.host, one.count, 0.0, one.at_s, folder=one.folder) for one in spooled]
    blocking = {one.place: one.count for one in reports}
    known = {one.place: one for one in (*reports, *store.backlog.spools())}
    found = [known[place] for place in sorted(known)]
    if as_json:
        session.show_json(
            [msgspec.to_builtins(one) | {"opt_outs": blocking.get(one.place, 0)} for one in found]
        )
        return
    _show(found, blocking)


@spool.command(epilog="Example: smsgate spool forget web-2 --reason 'its disk is broken'")
@click.argument("host")
@click.option("--reason", required=True, help="Recorded with your name.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def forget(host: str, reason: str, yes: bool) -> None:
    """Give up the spool of a HOST that is gone for good.

    Until then the gate does not answer, since opt-outs in that spool block nobody yet. If you can
    save its data directory, start `web` on it instead: it delivers everything to the store.
    """
    if not reason.strip():
        raise click.UsageError("Give a reason for the record: --reason TEXT.")
    if not yes:
        said = (
            f"Give up the spool of {host}? Who opted out in it and does not do so again is texted"
        )
        click.confirm(said, abort=True, err=True)
    lost = forget_spool(session.services().store, host, person(), reason.strip())
    out.print(f"Discarded and recorded: {lost}.")


def _show(found: Sequence[SpoolDepth], blocking: dict[str, int]) -> None:
    for one in found:
        opt_outs = blocking.get(one.place, 0)
        said = f"{waiting(one.count)}, {opt_outs:,} of them opt-outs" if one.count else "empty"
        out.print(f"[bold]{one.host}[/]  ", end="")
        if one.folder:
            out.print(f"{one.folder}  ", end="", markup=False)
        out.print(f"{said}  (said {moment(int(one.at_s * 1e6))})")
    if not found:
        out.print("No host has said anything of a spool.")


def _list_forgotten(as_json: bool) -> None:
    services = session.services()
    events = History(services.store, services.records).of_kind(SPOOL_FORGOTTEN)
    if as_json:
        session.show_json([msgspec.to_builtins(event) for event in events])
        return
    for event in events:
        by = f"by {event.entry.actor}: {event.entry.decision.note}" if event.entry else ""
        out.print(f"[bold]{moment(event.applied_us)}[/]  ", end="")
        out.print(f"{event.note}  {by}", markup=False)
    if not events:
        out.print("No spool was discarded.")
