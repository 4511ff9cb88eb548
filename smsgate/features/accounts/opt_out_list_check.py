"""How the opt-outs of an account agree with its provider's own list, as the doctor tells it."""

from __future__ import annotations

import time
from collections.abc import Iterator

from smsgate.metrics.snapshot import ListComparison, OptOutListStatus
from smsgate.pipeline.monitoring import opt_out_list_status
from smsgate.providers import OPT_OUT_LISTS
from smsgate.providers.opt_out_lists import OptOutListAccess
from smsgate.settings import ANY_SENDER, Account, Settings
from smsgate.store.store import Store


def opt_out_list_notes(
    store: Store, settings: Settings, account: Account
) -> Iterator[tuple[str, str]]:
    """What there is to say, as pairs of state (``ok``, ``warning``) and text.

    Nothing where the account does not ask for it. Raises ``StoreUnavailable``.
    """
    if not account.opt_out_list or account.provider not in OPT_OUT_LISTS:
        return
    access = OPT_OUT_LISTS[account.provider].opt_out_list
    untold = [
        one.name
        for one in settings.programs
        if one.account == account.name and set(one.senders) == {ANY_SENDER}
    ]
    if access.holds_for == "sender" and untold:
        yield (
            "warning",
            (
                f"opt-outs of {', '.join(untold)} cannot be told to the provider: its list needs a "
                "number or service in `senders`"
            ),
        )
    status = opt_out_list_status(store, account)
    if status is None:
        yield "warning", "not compared yet, so the differences are unknown: is the clock at work?"
        return
    yield from _transfer_lines(status, access)
    if access.is_readable:
        yield from _comparison_lines(status.comparison, account.provider)
    else:
        yield "ok", f"{account.provider} lets nobody read its list: the differences are unknown"
    if status.problem:
        yield "warning", f"it cannot be compared now: {status.problem}"


def _transfer_lines(
    status: OptOutListStatus, access: OptOutListAccess
) -> Iterator[tuple[str, str]]:
    taken = f"{status.taken:,} opt-outs were taken from it"
    if not access.holds_for:
        yield "ok", f"{taken}; none can be told to this provider"
        return
    behind = "; some wait to be told" if status.is_behind else ""
    yield "ok", f"{taken}, {status.reported:,} reported to the provider{behind}"
    for reason, count in status.refusals.items():
        yield "warning", f"{count:,} opt-outs of ours are not on it: {reason}"


def _comparison_lines(
    comparison: ListComparison | None, provider: str
) -> Iterator[tuple[str, str]]:
    if comparison is None:
        yield "warning", "it was never read to its end, so the differences are unknown"
        return
    minutes = max(0, int(time.time() - comparison.at_s) // 60)
    here = "unknown" if comparison.here_only is None else f"{comparison.here_only:,}"
    yield (
        "ok",
        (
            f"read {minutes} min ago: {comparison.listed:,} entries; {here} numbers are opted out "
            "here and not on it"
        ),
    )
    if comparison.there_only:
        yield (
            "warning",
            (
                f"{comparison.there_only:,} entries are about numbers that came back here since: "
                f"{provider} refuses texts to them until it lifts the entry itself"
            ),
        )
    if comparison.foreign:
        yield "ok", f"{comparison.foreign:,} entries of senders that no program has were left alone"
    if comparison.unreadable:
        yield "warning", f"{comparison.unreadable:,} entries have no readable number"
