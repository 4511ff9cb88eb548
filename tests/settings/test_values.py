from __future__ import annotations

import pytest

from smsgate.settings import Account, Program, Programs

TWILIO = Account(name="twilio", provider="twilio")
OTHER = Account(name="other", provider="twilio")
SIMULATOR = Account(name="simulator", provider="twilio", simulated=True)


def program(name: str, account: str, *senders: str) -> Program:
    return Program(
        name=name, title=name.title(), account=account, senders=senders, keywords=("en",)
    )


PROGRAMS = Programs(
    [
        program("alerts", "twilio", "*"),
        program("sales", "twilio", "+15550001111", "MG1"),
        program("codes", "twilio", "12345"),
        program("abroad", "other", "+15550001111", "+15550002222"),
    ]
)

ROUTES = [
    (TWILIO, "+15550001111", "", "sales"),
    (TWILIO, "+15559999999", "MG1", "sales"),
    (TWILIO, "12345", "MG1", "codes"),
    (TWILIO, "+15559999999", "MG9", "alerts"),
    (TWILIO, "", "", "alerts"),
    (TWILIO, "+15550002222", "", "alerts"),
    (OTHER, "+15550001111", "", "abroad"),
    (OTHER, "12345", "MG1", None),
    (OTHER, "*", "", None),
    (SIMULATOR, "+15550001111", "", "sales"),
    (SIMULATOR, "+15550002222", "", "abroad"),
    (SIMULATOR, "12345", "", "codes"),
    (SIMULATOR, "+15559999999", "", "alerts"),
]


@pytest.mark.parametrize(("account", "sender", "service", "name"), ROUTES)
def test_a_text_goes_to_the_program_that_names_its_sender(
    account: Account, sender: str, service: str, name: str | None
) -> None:
    found = PROGRAMS.route(account, sender, service)
    assert (found.name if found else None) == name


def test_without_programs_nothing_is_routed() -> None:
    assert Programs().route(TWILIO, "+15550001111") is None
    assert Programs().route(SIMULATOR, "+15550001111") is None


def test_programs_are_found_by_name_and_come_in_their_order() -> None:
    assert [one.name for one in PROGRAMS] == ["alerts", "sales", "codes", "abroad"]
    assert len(PROGRAMS) == 4
    assert PROGRAMS.get("sales") is [*PROGRAMS][1]
    assert PROGRAMS.get("none") is None
