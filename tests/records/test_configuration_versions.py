"""What the console changes of programs and accounts, version by version, on both databases."""

from __future__ import annotations

from smsgate.records import ConfigurationVersion


def version(number: int, *changed: str, content: str = "", **rest) -> ConfigurationVersion:
    content = content or f'[programs.alerts]\ncontact = "{number}"\n'
    author, note = rest.get("author", "ann"), rest.get("note", "")
    return ConfigurationVersion(
        number, content, changed or ("programs.alerts",), author, number, note
    )


def test_the_newest_version_is_what_is_in_force(records):
    assert records.configuration_versions.newest() is None
    for number in (1, 2):
        records.configuration_versions.save(version(number, note="why"))
    assert records.configuration_versions.newest() == version(2, note="why")
    assert records.configuration_versions.find(1) == version(1, note="why")
    assert records.configuration_versions.find(3) is None
    assert records.configuration_versions.find(0) is None


def test_the_history_is_paged_and_of_one_table_where_one_is_asked_for(records):
    saved = [
        version(1, "programs.a_b"),
        version(2, "programs.acb"),
        version(3, "programs.a_b", "accounts.twilio"),
    ]
    for one in saved:
        records.configuration_versions.save(one)
    page = records.configuration_versions.page
    assert page(9) == saved[::-1]
    assert page(1, before=3) == [saved[1]]
    assert page(9, table="programs.a_b") == [saved[2], saved[0]]
    assert page(9, before=3, table="programs.a_b") == [saved[0]]
    assert page(9, table="accounts.twilio") == [saved[2]]
    assert page(9, table="programs.a") == []
    assert len(page(9, before=10**25)) == 3
    assert page(9, before=-(10**25)) == []
