"""``smsgate init``: before the first message."""

from __future__ import annotations

import click

from smsgate.cli import session
from smsgate.cli.session import out
from smsgate.features.records_admin.rebuild import MOST_BUCKETS, restore_if_needed
from smsgate.pipeline.published_programs import publish_programs, refuse_dropped
from smsgate.store.metadata import BUCKETS


@click.command(epilog="Example: smsgate init")
@click.option(
    "--buckets",
    type=click.IntRange(1, MOST_BUCKETS),
    default=BUCKETS,
    show_default=True,
    help="Buckets per partition in a new store (docs/operating.md says how many you need); "
    "`smsgate rebuild` changes it later.",
)
def init(buckets: int) -> None:
    """Initialise a new, empty store; a ready store stays as it is.

    If there are records of a store, an empty store is rebuilt from them. Without records, use
    this only for a store that has never held data: a store that lost its data would allow texting
    everyone who had opted out.
    """
    services = session.services()
    with session.progress() as progress:
        restored = restore_if_needed(services, progress)
    if restored:
        out.print(restored, markup=False)
    before = services.store.metadata.store_id()
    store = services.store.metadata.create(buckets)
    refuse_dropped(services.settings, services.store)
    publish_programs(services.settings, services.store)
    if restored:
        return
    if before:
        out.print(f"Store {store} was ready already.")
        return
    out.print(
        f"Store {store} is ready. It is new and empty, and so are the records at "
        f"{services.records.database.place}: the gate allows everyone. If either has held data, "
        "DATABASE_URL or REDIS_URL is wrong."
    )
