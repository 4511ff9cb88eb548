"""Overrides by hand: entries like any other, so that one order rules all."""

from __future__ import annotations

from smsgate.domain.errors import UnknownProgram
from smsgate.domain.messages import ALL, Consent, Decision, Entry, Intent, Reply
from smsgate.domain.phone import e164
from smsgate.settings import Settings


def opt_out_entry(settings: Settings, number: str, scope: str, actor: str, reason: str) -> Entry:
    """The entry of an opt-out by hand in a scope: a program, or ``all``.

    What lifts it stands in ``restores.py``. Raises ``InvalidNumber``, ``UnknownProgram``.
    """
    if scope != ALL:
        check_program(settings, scope)
    return Entry(
        number=e164(number),
        program=scope,
        decision=Decision(Intent.OPT_OUT, rule="operator", note=reason),
        scope=scope,
        source="operator",
        actor=actor,
    )


def lock_entry(number: str, actor: str, reason: str, *, locked: bool) -> Entry:
    """The entry that locks a number (never to be texted, whatever it texts us) or unlocks it.

    An unlocked number stays opted out until it texts START. Raises ``InvalidNumber``.
    """
    return Entry(
        number=e164(number),
        program=ALL,
        decision=Decision(
            Intent.OPT_OUT_ALL if locked else Intent.NONE, rule="operator", note=reason
        ),
        scope=ALL if locked else "",
        source="operator",
        actor=actor,
        action="lock" if locked else "unlock",
    )


def consent_entry(
    settings: Settings, number: str, program: str, consent: Consent, source: str, actor: str
) -> Entry:
    """The entry for a consent that was given elsewhere; it lifts no opt-out.

    ``source`` is ``api``, ``import`` or ``operator``. Raises ``InvalidNumber``, ``UnknownProgram``.
    """
    check_program(settings, program)
    return Entry(
        number=e164(number),
        program=program,
        decision=Decision(Intent.OPT_IN, rule="consent"),
        source=source,
        actor=actor,
        action="consent",
        consent=consent,
    )


def refusal_entry(settings: Settings, reply: Reply) -> Entry:
    """The entry for a number that a provider will not text: an opt-out that we do not have."""
    program = settings.programs.get(reply.program)
    own = program is not None and program.scope == "program"
    return Entry(
        number=reply.number,
        program=reply.program,
        decision=Decision(Intent.OPT_OUT, rule="provider_refusal"),
        scope=reply.program if own else ALL,
        source="provider",
        actor="provider",
        account=reply.account,
        message_id=f"refused-{reply.id}",
    )


def check_program(settings: Settings, name: str) -> None:
    """Raise ``UnknownProgram`` unless a program of that name is configured.

    Of a former name that says only what it is now: an API key may be limited to that program.
    """
    if name in settings.programs.renamed:
        now = settings.programs.renamed[name]
        raise UnknownProgram(f"the program {name!r} is called {now!r} now: use that name")
    if settings.programs.get(name) is None:
        names = ", ".join([ALL, *(program.name for program in settings.programs)])
        raise UnknownProgram(f"no program is called {name!r}; there are: {names}")
