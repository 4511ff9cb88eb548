"""``smsgate rebuild``: the store from the records."""

from __future__ import annotations

from datetime import UTC, datetime

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from smsgate.cli import session
from smsgate.features.records_admin.rebuilding import Rebuilt, build_rebuilding
from smsgate.gateway import Gateway

MOST_BUCKETS = 1 << 20


@click.command(epilog="Example: smsgate rebuild --buckets 16384")
@click.option(
    "--buckets",
    type=click.IntRange(0, MOST_BUCKETS),
    default=0,
    help="Into how many small sets a partition's numbers are split from now on (docs/operating.md "
    "says how many numbers need how many); as before where it is not given.",
)
@click.option("--adopt", is_flag=True, help="Overwrite a store that belongs to other records.")
@session.as_json
def rebuild(buckets: int, adopt: bool, as_json: bool) -> None:
    """Make suppression sets, consents and review holds anew, from the records.

    The gate answers "not ready" until it has ended. What providers post meanwhile is kept, and
    applied afterwards.
    """
    gateway = session.gateway()
    rebuilt = _with_bar(gateway, quiet=as_json, buckets=buckets, adopt=adopt)
    if as_json:
        session.show_json(
            {
                "store": rebuilt.store_id,
                "numbers": rebuilt.numbers,
                "messages": rebuilt.messages,
                "reviews": rebuilt.reviews,
                "forwards": rebuilt.forwards,
                "merged": rebuilt.merged,
                "newest": _moment(rebuilt.newest_us),
            }
        )
    else:
        _say(rebuilt)


def restore_if_needed(gateway: Gateway) -> bool:
    """Rebuild a store that lost what the records have; whether it was.

    Raises as ``Rebuilding.needed``.
    """
    why = build_rebuilding(gateway).needed()
    if not why:
        return False
    Console(highlight=False).print(f"Rebuilding the store from the records: {why}.")
    _say(_with_bar(gateway, quiet=False, buckets=0, adopt=False, why=why))
    return True


def _with_bar(
    gateway: Gateway, *, quiet: bool, buckets: int, adopt: bool, why: str = ""
) -> Rebuilt:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TaskProgressColumn(show_speed=True),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as bar:
        tasks: dict[str, object] = {}

        def progress(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total or None)
            bar.update(tasks[what], completed=done)  # type: ignore[arg-type]

        return build_rebuilding(gateway).rebuild(progress, buckets=buckets, adopt=adopt, why=why)


def _say(rebuilt: Rebuilt) -> None:
    console = Console(highlight=False)
    console.print(
        f"Store {rebuilt.store_id} is ready: {rebuilt.numbers:,} numbers, {rebuilt.messages:,} "
        f"messages of the last 48 hours, {rebuilt.reviews:,} texts that wait for a person.",
        soft_wrap=True,
    )
    if rebuilt.forwards:
        console.print(f"{rebuilt.forwards:,} messages wait for applications again.")
    if rebuilt.newest_us:
        console.print(
            f"The records end at {_moment(rebuilt.newest_us)}. What was acknowledged after that, "
            "before the store was lost, is gone unless its provider sends it again.",
            soft_wrap=True,
        )
    if rebuilt.merged:
        console.print(
            f"{rebuilt.merged:,} numbers had events that the store had lost and newer ones that it "
            "had settled without them: they stand as both together leave them.",
            soft_wrap=True,
        )


def _moment(at_us: int) -> str:
    return datetime.fromtimestamp(at_us / 1_000_000, UTC).isoformat(timespec="milliseconds")
