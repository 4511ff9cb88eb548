"""Messages on the disks of hosts that the store could not take: show them, and give one up."""

# The help of ``smsgate spool``. The operations of ``init`` and ``status`` stand here too.

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec

from smsgate.cli.check import answers_text
from smsgate.domain.errors import StoreNotReady, Unfit
from smsgate.features.records_admin.rebuild import MOST_BUCKETS, RebuildService, rebuild_text
from smsgate.interface.operation import HIDDEN, Column, Context, Progress, RowPage, operation
from smsgate.interface.schemas import NoFields, Reason
from smsgate.metrics.snapshot import SpoolDepth
from smsgate.pipeline.archive import LedgerArchiver
from smsgate.pipeline.gate import Gate, GateAnswer
from smsgate.pipeline.spool_replay import forget_spool
from smsgate.process.published_programs import publish_programs, refuse_dropped
from smsgate.settings import Settings
from smsgate.store.metadata import BUCKETS
from smsgate.store.store import Store


class NewStore(msgspec.Struct, forbid_unknown_fields=True):
    """How a new store is laid out."""

    buckets: Annotated[
        int,
        msgspec.Meta(
            ge=1,
            le=MOST_BUCKETS,
            description="Buckets per partition in a new store (docs/operating.md says how many "
            "you need); `smsgate rebuild` changes it later.",
        ),
    ] = BUCKETS


class ReadyStore(msgspec.Struct, frozen=True):
    """The store, which is ready."""

    store: str
    state: str
    """What it was before, and what was done, in words."""


@operation(command="init", role="admin", example={}, text=lambda found: found.state)
def init_store(
    context: Context, request: NewStore, settings: Settings, archiver: LedgerArchiver
) -> ReadyStore:
    """Initialise a new, empty store; a ready store stays as it is.

    If there are records of a store, an empty store is rebuilt from them. Without records, use
    this only for a store that has never held data: a store that lost its data would allow texting
    everyone who had opted out.
    """
    return make_ready(settings, archiver, context.progress, buckets=request.buckets)


def make_ready(
    settings: Settings,
    archiver: LedgerArchiver,
    progress: Progress,
    *,
    buckets: int = BUCKETS,
    is_new: bool = True,
) -> ReadyStore:
    """Make a store ready and publish the programs. An empty one is refused unless it ``is_new``."""
    rebuilding, metadata, state = RebuildService(settings, archiver), archiver.store.metadata, ""
    if why := rebuilding.needed():
        done = rebuild_text(rebuilding.rebuild(progress, why=why))
        state = f"Rebuilt the store from the records: {why}.\n{done}"
    before = metadata.store_id()
    if not (before or is_new):
        raise StoreNotReady(
            "The store is empty, but this data directory has been in use with one that was ready: "
            "it was flushed, or is another one. Restore it; or make it ready with `smsgate init` "
            "if it is new; or start over with another data directory: smsgate dev --data-dir var2"
        )
    store = metadata.create(buckets)
    refuse_dropped(settings, archiver.store)
    publish_programs(settings, archiver.store)
    if not before:
        state = (
            f"Store {store} is ready. It is new and empty, and so are the records at "
            f"{archiver.records.database.place}: the gate allows everyone. If either has held "
            "data, DATABASE_URL or REDIS_URL is wrong."
        )
    return ReadyStore(store, state or f"Store {store} was ready already.")


class SpoolRow(msgspec.Struct, frozen=True):
    """The last report of a host on the spool in one of its data directories."""

    host: str
    folder: Annotated[str, Column("Data directory")]
    count: Annotated[int, Column("Messages")]
    opt_outs: Annotated[int, Column("Opt-outs")]
    """How many of the messages block nobody yet and may be opt-outs."""
    problem: str
    at_s: Annotated[float, HIDDEN]
    """When it reported; seconds since 1970, by its own clock."""


@operation(
    command="spool list",
    role="viewer",
    empty="No host has reported a spool.",
)
def list_spools(_: Context, __: NoFields, store: Store) -> RowPage[SpoolRow]:
    """List the last report of each host on its spools, one for each data directory.

    A spool has messages that the store could not take. Each host delivers them to the store by
    itself once the store accepts writes.
    """
    spooled = store.write_lease.spooled()
    reports = [SpoolDepth(one.host, one.count, 0.0, one.at_s, folder=one.folder) for one in spooled]
    blocking = {one.place: one.count for one in reports}
    known = {one.place: one for one in (*reports, *store.backlog.spools())}
    return RowPage(
        [
            SpoolRow(one.host, one.folder, one.count, blocking.get(place, 0), one.problem, one.at_s)
            for place, one in sorted(known.items())
        ]
    )


class LostSpool(msgspec.Struct, forbid_unknown_fields=True):
    """Which host's spool is given up."""

    host: Annotated[str, msgspec.Meta(description="A host that is gone for good.")]
    reason: Reason
    yes: Annotated[bool, msgspec.Meta(description="That you mean it: nobody can undo it.")] = False


class LostMessages(msgspec.Struct, frozen=True):
    """What is lost, as it is on record."""

    lost: str


@operation(
    command="spool forget <host>",
    role="admin",
    example={"host": "web-2", "reason": "its disk is broken"},
    done="Discarded and recorded: {lost}.",
)
def forget_host(context: Context, request: LostSpool, store: Store) -> LostMessages:
    """Give up the spool of a HOST that is gone for good.

    Until then the gate does not answer, since opt-outs in that spool block nobody yet. If you can
    save its data directory, start `web` on it instead: it delivers everything to the store.
    """
    if not request.yes:
        raise Unfit(
            f"Who opted out in the spool of {request.host} and does not do so again would be "
            "texted. Add --yes to give it up."
        )
    lost = forget_spool(store, request.host, context.actor(), request.reason.strip())
    return LostMessages(lost)


class NumberChoice(msgspec.Struct, forbid_unknown_fields=True):
    """Whose number it is."""

    number: Annotated[str, msgspec.Meta(description="Such as +14155550123.")]


@operation(
    command="status <number>",
    role="viewer",
    example={"number": "+14155550123"},
    text=answers_text,
)
def show_status(
    context: Context,  # noqa: ARG001
    request: NumberChoice,
    gate: Gate,
    settings: Settings,
) -> Mapping[str, GateAnswer]:
    """Show which programs may text a number, and why not."""
    return gate.check_programs(request.number, settings.programs)


OPERATIONS = (init_store, list_spools, forget_host, show_status)
