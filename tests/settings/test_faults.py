"""Each fault of a configuration: where it stands, and what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest

from smsgate.domain.errors import Fault
from smsgate.settings.read import read_settings
from tests.settings.conftest import Read, secret_keys

ACCOUNT = '[accounts.twilio]\nprovider = "twilio"\n'
PROGRAM = """[programs.alerts]
name = "Acme Alerts"
account = "twilio"
senders = ["*"]
keywords = ["en"]
"""


def program(*lines: str, name: str = "alerts", instead: str = "") -> str:
    """A document with one more line in its program, or one in the place of another."""
    kept = [line for line in PROGRAM.splitlines() if not (instead and line.startswith(instead))]
    kept[0] = f"[programs.{name}]"
    return ACCOUNT + "\n".join([*kept, *lines]) + "\n"


DOCUMENTS = [
    (
        'acounts = "x"',
        [("acounts", "there is no such table: did you mean 'accounts'?")],
    ),
    (
        "[elsewhere]",
        [
            (
                "elsewhere",
                (
                    "there is no such table: known are accounts, alerts, api, oidc, programs, "
                    "retention, web"
                ),
            )
        ],
    ),
    ("web = 1", [("web", "must be a table")]),
    ("accounts = []", [("accounts", "must be a table")]),
    ("programs = true", [("programs", "must be a table")]),
    ("[web]\ntrust_proxi = true", [("web.trust_proxi", "did you mean 'trust_proxy'?")]),
    ('[web]\ntrust_proxy = "yes"', [("web.trust_proxy", "must be true or false")]),
    ("[accounts]\ntwilio = 1", [("accounts.twilio", "must be a table")]),
    ("[accounts.twilio]", [("accounts.twilio.provider", "is missing")]),
    ('[accounts.twilio]\nprovider = ""', [("accounts.twilio.provider", "is empty")]),
    ('[accounts.twilio]\nprovider = "${NO}"', [("accounts.twilio.provider", "is not set")]),
    ("[accounts.twilio]\nprovider = 1", [("accounts.twilio.provider", "must be text in quotes")]),
    (ACCOUNT + "auth_token = 1", [("accounts.twilio.auth_token", "must be text in quotes")]),
    (ACCOUNT + 'auth_token = ["a"]', [("accounts.twilio.auth_token", "must be text in quotes")]),
    (ACCOUNT + 'auth_token = "${A-B}"', [("accounts.twilio.auth_token", "write ${NAME}")]),
    (ACCOUNT + 'auth_token = "${A"', [("accounts.twilio.auth_token", "write ${NAME}")]),
    (ACCOUNT + 'public_url = "sms.x"', [("accounts.twilio.public_url", "a web address")]),
    (ACCOUNT + 'api_url = "ftp://x"', [("accounts.twilio.api_url", "a web address")]),
    (
        ACCOUNT + 'api_url = "http://h:99999"',
        [("accounts.twilio.api_url", "a web address")],
    ),
    (ACCOUNT + 'api_url = "http://h h"', [("accounts.twilio.api_url", "a web address")]),
    (ACCOUNT + 'api_url = "http://h?a=1"', [("accounts.twilio.api_url", "without user, query")]),
    (ACCOUNT + 'api_url = "http://u:p@h"', [("accounts.twilio.api_url", "without user, query")]),
    (
        '[accounts.Twilio]\nprovider = "twilio"',
        [("accounts.Twilio", "a name of a-z, 0-9")],
    ),
    (
        '[accounts."a/b"]\nprovider = "twilio"',
        [("accounts.a/b", "a name of a-z, 0-9")],
    ),
    (
        '[accounts."a\\n"]\nprovider = "twilio"',
        [("accounts.a\n", "a name of a-z, 0-9")],
    ),
    (
        '[accounts.simulator]\nprovider = "twilio"',
        [("accounts.simulator", ", not simulator")],
    ),
    ("[programs]\nalerts = []", [("programs.alerts", "must be a table")]),
    (program(name="all"), [("programs.all", ", not all")]),
    (program(name="Alerts"), [("programs.Alerts", "a name of a-z, 0-9")]),
    (program(name='"a:b"'), [("programs.a:b", "a name of a-z, 0-9")]),
    (program('region = "us"'), [("programs.alerts.region", "two capital letters")]),
    (program('region = "XX"'), [("programs.alerts.region", "two capital letters")]),
    (program("region = 1"), [("programs.alerts.region", "must be text in quotes")]),
    (program('kind = "sales"'), [("programs.alerts.kind", "must be 'marketing' or 'service'")]),
    (program('scope = "none"'), [("programs.alerts.scope", "must be 'all' or 'program'")]),
    (program('confirm = ""'), [("programs.alerts.confirm", "must be 'auto', 'always' or 'never'")]),
    (program('sender = "*"'), [("programs.alerts.sender", "did you mean 'senders'?")]),
    (program('confrim = "auto"'), [("programs.alerts.confrim", "did you mean 'confirm'?")]),
    (program(instead="name"), [("programs.alerts.name", "is missing")]),
    (program('name = " "', instead="name"), [("programs.alerts.name", "is empty")]),
    (program(instead="senders"), [("programs.alerts.senders", "is missing")]),
    (program("senders = []", instead="senders"), [("programs.alerts.senders", "at least one")]),
    (
        program('senders = "*"', instead="senders"),
        [("programs.alerts.senders", 'must be a list, such as ["…", "…"]')],
    ),
    (
        program('senders = ["*", 5]', instead="senders"),
        [("programs.alerts.senders.1", "must be text in quotes")],
    ),
    (
        program('senders = ["4155550123"]', instead="senders"),
        [("programs.alerts.senders.0", "'4155550123' is no phone number")],
    ),
    (
        program('senders = ["+1415555"]', instead="senders"),
        [("programs.alerts.senders.0", "'+1415555' is no phone number")],
    ),
    (program("keywords = []", instead="keywords"), [("programs.alerts.keywords", "at least one")]),
    (
        program('keywords = ["../en"]', instead="keywords"),
        [("programs.alerts.keywords.0", "must be the code of a language, such as en, or *")],
    ),
    (
        program('account = "twillio"', instead="account"),
        [("programs.alerts.account", "there is no account 'twillio': did you mean 'twilio'?")],
    ),
    (
        PROGRAM,
        [("programs.alerts.account", "there is no account 'twilio': there are none")],
    ),
    (
        program('contact = "${NO_SUCH}"'),
        [("programs.alerts.contact", "'${NO_SUCH}' names a variable that is not set: set it")],
    ),
    (
        program('name = "${NO_SUCH}"', instead="name"),
        [("programs.alerts.name", "'${NO_SUCH}' names a variable that is not set: set it")],
    ),
    (program('contact = "${NO"'), [("programs.alerts.contact", "write ${NAME}")]),
    (
        program('replies.en.optout = "x"'),
        [("programs.alerts.replies.en.optout", "did you mean 'opt_out'?")],
    ),
    (
        program("replies.en.help = 1"),
        [("programs.alerts.replies.en.help", "must be text in quotes")],
    ),
    (program('replies.en.help = ""'), [("programs.alerts.replies.en.help", "is empty")]),
    (
        program(f'replies.en.help = "{"a" * 1601}"'),
        [("programs.alerts.replies.en.help", "must have at most 1600 characters")],
    ),
    (program("replies.en = 1"), [("programs.alerts.replies.en", "must be a table")]),
    (
        program('replies.English.help = "x"'),
        [
            (
                "programs.alerts.replies.English",
                "must be the code of a language, such as en or pt-BR",
            )
        ],
    ),
    *(
        (
            program(f"replies.en.help = '{text}'"),
            [("programs.alerts.replies.en.help", "has braces")],
        )
        for text in (
            "{name}",
            "{program:>99999999}",
            "{program!r}",
            "{program.__class__}",
            "{{program}}",
            "{ program }",
            "{}",
            "{0}",
            "}",
            "{",
        )
    ),
    (
        program('replies.en.help = "Ask {contact}."'),
        [("programs.alerts.replies.en.help", "the program has no contact: give one")],
    ),
    (
        program() + PROGRAM.replace("alerts", "sales"),
        [("programs.sales.senders.0", "'*' belongs to programs.alerts already")],
    ),
    (
        program('senders = ["+1 415 555 0123"]', instead="senders")
        + PROGRAM.replace("alerts", "sales").replace('"*"', '"+14155550123"'),
        [("programs.sales.senders.0", "'+14155550123' belongs to programs.alerts already")],
    ),
    (
        program('formerly = ["old"]')
        + PROGRAM.replace("alerts", "sales").replace('"*"', '"12345"')
        + 'formerly = ["old"]',
        [("programs.sales.formerly.0", "'old' belongs to programs.alerts already")],
    ),
    (
        program('formerly = ["alerts"]'),
        [("programs.alerts.formerly.0", "'alerts' is still a program here")],
    ),
]


@pytest.mark.parametrize(("document", "expected"), DOCUMENTS)
def test_a_fault_names_its_key_and_what_would_be_right(
    read: Read, tmp_path: Path, document: str, expected: list[tuple[str, str]]
) -> None:
    _, faults = read(document)
    assert [fault.key for fault in faults] == [key for key, _ in expected]
    assert {fault.place for fault in faults} == {str(tmp_path / "smsgate.toml")}
    for fault, (_, problem) in zip(faults, expected, strict=True):
        assert problem in fault.problem


ENVIRONMENTS = [
    ({"REDIS_URL": "localhost:6379"}, "REDIS_URL", "redis://, rediss:// or unix://"),
    ({"REDIS_URL": "http://u:hunter2@h"}, "REDIS_URL", "redis://, rediss:// or unix://"),
    ({"REDIS_URL": "redis:hunter2"}, "REDIS_URL", "redis://, rediss:// or unix://"),
    ({"REDIS_URL": "redis://:hunter2@h:x/0"}, "REDIS_URL", "redis://, rediss:// or unix://"),
    ({"QUEUE_URL": "amqp://h"}, "QUEUE_URL", "redis://, rediss:// or unix://"),
    ({"QUEUE_URL": "redis+cluster://h"}, "QUEUE_URL", "a plain one for RQ"),
    ({"REDIS_URL": "redis+cluster://h"}, "QUEUE_URL", "a plain one for RQ"),
    ({"DATABASE_URL": "mysql://u:hunter2@h"}, "DATABASE_URL", "sqlite:// or postgresql://"),
    ({"SMSGATE_PUBLIC_URL": "sms.example.com"}, "SMSGATE_PUBLIC_URL", "https://sms.example.com"),
    ({"SMSGATE_PUBLIC_URL": "https://h/#x"}, "SMSGATE_PUBLIC_URL", "without user, query"),
    (
        {"SMSGATE_PUBLIC_URL": "https://münchen.example"},
        "SMSGATE_PUBLIC_URL",
        "a web address",
    ),
    ({"PORT": "http"}, "PORT", "must be a whole number"),
    ({"PORT": "0"}, "PORT", "must be greater than or equal to 1"),
    ({"PORT": "65536"}, "PORT", "must be less than or equal to 65535"),
    ({"PORT": "-1"}, "PORT", "must be greater than or equal to 1"),
    ({"PORT": "٨٠٠٠"}, "PORT", "must be a whole number"),
    ({"PORT": "9" * 5000}, "PORT", "exceeded maximum size"),
    ({"SMSGATE_PRIVATE_HOSTS": "a.b, kannel:13013"}, "SMSGATE_PRIVATE_HOSTS", "without a port"),
    ({"WEB_CONCURRENCY": "0"}, "WEB_CONCURRENCY", "must be greater than or equal to 1"),
    ({"REDIS_URL_FILE": "/no/such"}, "REDIS_URL_FILE", "/no/such cannot be read (No such file"),
    ({"SMSGATE_API_KEYS_FILE": "/"}, "SMSGATE_API_KEYS_FILE", "name a readable file"),
    (
        {"REDIS_URL": "redis://h", "REDIS_URL_FILE": "/no/such"},
        "REDIS_URL",
        "set either REDIS_URL or REDIS_URL_FILE, not both",
    ),
]


@pytest.mark.parametrize(("environ", "key", "problem"), ENVIRONMENTS)
def test_a_variable_that_will_not_do_is_named_but_no_password_is_shown(
    read: Read, environ: dict[str, str], key: str, problem: str
) -> None:
    _, faults = read("", environ)
    assert [(fault.place, fault.key) for fault in faults] == [("environment", key)]
    assert problem in faults[0].problem
    assert "hunter2" not in str(faults[0])


def test_what_looks_like_a_variable_in_the_file_is_a_fault_of_the_file(
    read: Read, tmp_path: Path
) -> None:
    _, faults = read("PORT = 1\n[WEB]\n")
    place = str(tmp_path / "smsgate.toml")
    assert [(fault.place, fault.key) for fault in faults] == [(place, "PORT"), (place, "WEB")]


def test_what_two_tables_claim_is_told_where_other_keys_are_wrong_too(read: Read) -> None:
    first = program('kind = "x"', 'formerly = ["old"]')
    second = '[programs.sales]\naccount = "twilo"\nsenders = ["*"]\nformerly = ["old", "alerts"]\n'
    third = '[programs.club]\naccount = "twilio"\nsenders = ["*"]\nconfirm = 1\n'
    _, faults = read(first + second + third + '[alerts]\nto = ["x"]\n[web]\nhosts = ["/"]\n')
    assert {fault.key for fault in faults} == {
        "programs.alerts.kind",
        "programs.sales.name",
        "programs.sales.account",
        "programs.sales.keywords",
        "programs.sales.formerly.0",
        "programs.sales.formerly.1",
        "programs.club.name",
        "programs.club.senders.0",
        "programs.club.keywords",
        "programs.club.confirm",
        "alerts.to.0",
        "web.hosts.0",
    }


def test_a_file_that_two_keys_need_is_missed_once(read: Read) -> None:
    document = ACCOUNT + 'account_sid = "${A}"\nauth_token = "${A}"'
    _, faults = read(document, {"A_FILE": "/no/such"})
    assert [fault.key for fault in faults] == ["A_FILE"]


def test_a_file_of_a_variable_must_be_text(read: Read, tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    _, faults = read("", {"REDIS_URL_FILE": str(tmp_path / "binary")})
    assert [fault.key for fault in faults] == ["REDIS_URL_FILE"]
    assert "UTF-8" in faults[0].problem


def test_a_file_that_is_no_toml_is_told_with_its_line(read: Read, tmp_path: Path) -> None:
    _, faults = read('[accounts.twilio]\nprovider = "twilio\n')
    place = str(tmp_path / "smsgate.toml")
    assert [(fault.place, fault.key) for fault in faults] == [(place, "smsgate.toml")]
    assert "line 2" in faults[0].problem


def test_a_file_that_is_no_utf8_is_told_so(read: Read) -> None:
    _, faults = read(b'[programs.x]\nname = "\xff"')
    assert ["UTF-8" in fault.problem for fault in faults] == [True]


def test_a_missing_file_is_told_with_where_it_was_looked_for(tmp_path: Path) -> None:
    _, faults = read_settings({"SMSGATE_CONFIG": str(tmp_path / "no")}, secret_keys=secret_keys)
    place = str(tmp_path / "no" / "smsgate.toml")
    right = "SMSGATE_CONFIG names its folder"
    problem = f"{place} cannot be read (No such file or directory): {right}"
    assert faults == [Fault(place, "smsgate.toml", problem)]


@pytest.mark.parametrize(
    ("contact", "text"),
    [
        ("", "{program}[: write to {contact}]."),
        ("", "No name at all."),
        ("help@acme.example", "{program}: write to {contact}."),
    ],
)
def test_a_wording_may_leave_out_a_contact_that_there_is_not(
    read: Read, contact: str, text: str
) -> None:
    _, faults = read(program(f'contact = "{contact}"', f'replies.en.help = "{text}"'))
    assert faults == []


def test_all_faults_come_in_one_go(read: Read) -> None:
    _, faults = read(
        '[wbe]\n[accounts.x]\nprovider = 1\n[programs.one]\nname = "One"\nkind = "x"\n',
        {"PORT": "x", "REDIS_URL": "x"},
    )
    assert [fault.key for fault in faults] == [
        "REDIS_URL",
        "PORT",
        "wbe",
        "accounts.x.provider",
        "programs.one.kind",
        "programs.one.keywords",
        "programs.one.account",
        "programs.one.senders",
    ]


def test_a_credential_with_an_unset_variable_is_empty_until_the_account_is_in_use(
    read: Read,
) -> None:
    """``providers.check_accounts`` knows whether it is."""
    settings, faults = read(ACCOUNT + 'auth_token = "${NO_SUCH}"\naccount_sid = "${NO_SUCH}"')
    assert faults == []
    account = settings.accounts["twilio"]
    assert account.secrets == {"auth_token": ()}
    assert account.options == {"account_sid": ""}
    assert account.unset == {"auth_token": "${NO_SUCH}", "account_sid": "${NO_SUCH}"}


@pytest.mark.parametrize("key", ["public_url", "api_url", "provider"])
def test_an_address_with_an_unset_variable_is_a_fault(read: Read, key: str) -> None:
    """Empty, it would be another address: providers sign one and are called at the other."""
    given = {"provider": "twilio"} | {key: "${NO_SUCH}"}
    table = "\n".join(f'{name} = "{text}"' for name, text in given.items())
    _, faults = read(f"[accounts.twilio]\n{table}\n")
    assert [(one.key, one.problem) for one in faults] == [
        (f"accounts.twilio.{key}", "'${NO_SUCH}' names a variable that is not set: set it")
    ]


def test_a_secret_never_stands_in_a_fault(read: Read) -> None:
    document = ACCOUNT + 'auth_token = "${TOKEN}"\npublic_url = "${TOKEN}"\n'
    _, faults = read(document, {"TOKEN": "hunter2 is bad"})
    assert [fault.key for fault in faults] == ["accounts.twilio.public_url"]
    assert "hunter2" not in str(faults)
