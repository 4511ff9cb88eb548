"""``[oidc]``: the provider, and what is said of a table that cannot be used."""

from __future__ import annotations

OIDC = """
[oidc]
issuer = "https://login.example.com/"
client_id = "smsgate"
client_secret = "${OIDC_SECRET}"
"""
SECRET = {"OIDC_SECRET": "very-secret"}


def test_a_provider_is_read_and_its_secret_is_hidden(read):
    settings, faults = read(OIDC, SECRET)
    found = settings.oidc
    assert faults == []
    assert (found.issuer, found.client_id) == ("https://login.example.com", "smsgate")
    assert found.client_secret.get_secret_value() == "very-secret"
    assert found.name == "single sign-on"
    assert "very-secret" not in repr(settings)


def test_without_the_table_there_is_none(read):
    assert read("")[0].oidc is None


def test_each_fault_is_named(read):
    for text, environ, key, told in (
        (OIDC, {}, "oidc.client_secret", "names a variable that is not set"),
        (
            OIDC.replace("https", "http"),
            SECRET,
            "oidc.issuer",
            "must be an https URL, as https://example.com",
        ),
        (OIDC.replace("https://login.example.com/", "login"), SECRET, "oidc.issuer", "must be"),
        (OIDC.replace('"smsgate"', '""'), SECRET, "oidc.client_id", "is empty"),
        (OIDC + 'nam = "x"', SECRET, "oidc.nam", "there is no such key"),
    ):
        _, faults = read(text, environ)
        assert [(one.key, told in one.problem) for one in faults] == [(key, True)], faults


def test_a_provider_on_this_machine_needs_no_https(read):
    settings, faults = read(OIDC.replace("https://login.example.com", "http://127.0.0.1:9"), SECRET)
    assert faults == []
    assert settings.oidc.issuer == "http://127.0.0.1:9"
