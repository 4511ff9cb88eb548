"""``smsgate init``: before the first message."""

from __future__ import annotations

import click

from smsgate.cli import session
from smsgate.cli.session import out
from smsgate.features.records_admin.cli import MOST_BUCKETS, restore_if_needed
from smsgate.pipeline.configuration_rollout import publish_programs, refuse_dropped
from smsgate.store.metadata import BUCKETS


@click.command(epilog="Example: smsgate init")
@click.option(
    "--buckets",
    type=click.IntRange(1, MOST_BUCKETS),
    default=BUCKETS,
    show_default=True,
    help="Into how many small sets a partition's numbers are split in a new store "
    "(docs/operating.md says how many numbers need how many); `smsgate rebuild` changes it later.",
)
def init(buckets: int) -> None:
    """Make a new, empty store ready; one that is ready stays as it is.

    Where there are records of a store, an empty one is rebuilt from them. Where there are none,
    this is only for a store that has never held anything: made ready empty, one that lost its
    data would allow texting everybody who had opted out.
    """
    services = session.services()
    restored = restore_if_needed(services)
    before = services.store.metadata.store_id()
    store = services.store.metadata.create(buckets)
    refuse_dropped(services.settings, services.store)
    publish_programs(services.settings, services.store)
    if restored:
        return
    said = f"Store {store} was ready already." if before else f"Store {store} is ready."
    out.print(said)
