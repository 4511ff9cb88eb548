"""``smsgate link``: the opt-out link of a number, as it goes into a text."""

from __future__ import annotations

import time

import msgspec

from smsgate.domain.phone import e164
from smsgate.interface.operation import Context, operation
from smsgate.interface.schemas import Number, ProgramName
from smsgate.links import Links
from smsgate.process.published_programs import check_program
from smsgate.settings import Settings


class LinkRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Whose link, and of which program's text."""

    number: Number
    program: ProgramName


class MadeLink(msgspec.Struct, frozen=True):
    """A link that opts one number out."""

    number: str
    program: str
    link: str


@operation(
    "GET /links/<program>/<number>",
    command="link <number>",
    role="agent",
    scope="write",
    by_program=True,
    example={"number": "+14155550123", "program": "alerts"},
    problems={409: "SMSGATE_PUBLIC_URL or SMSGATE_SECRET_KEYS is not set."},
    done="{link}",
)
def make_link(context: Context, request: LinkRequest, settings: Settings) -> MadeLink:
    """Make the opt-out link for a number.

    Anyone who opens it can opt that number out, and do nothing else. It works for a year, as long
    as the secret that made it stays in SMSGATE_SECRET_KEYS. It leads to SMSGATE_PUBLIC_URL, or to
    the `smsgate dev` that runs here. A number may be written as in the program's region.
    """
    context.caller.require_program(request.program)
    number = e164(request.number, check_program(settings, request.program).region)
    simulated = (one.public_url for one in settings.accounts.values() if one.simulated)
    secrets = [one.get_secret_value() for one in settings.secret_keys]
    links = Links(settings.public_url or next(simulated, ""), secrets)
    return MadeLink(number, request.program, links.make(number, request.program, time.time()))


OPERATIONS = (make_link,)
