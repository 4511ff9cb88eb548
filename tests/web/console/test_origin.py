"""How the console is reached: by which host, by https, and what a trial on one's own machine is."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from smsgate.web.console.origin import is_here
from tests.fakes.browser import browser
from tests.fakes.own_services import ALERTS, make_services

PUBLIC = "https://sms.example.com"
IN = "/console/in"
FORWARDED = [
    {"Forwarded": "for=192.0.2.1"},
    {"X-Forwarded-For": "127.0.0.1"},
    {"X-Forwarded-Host": "localhost"},
    {"X-Forwarded-Proto": "http"},
    {"X-Real-IP": "127.0.0.1"},
    {"Via": "1.1 proxy"},
    {"X-Forwarded-Port": "443"},
    {"CF-Connecting-IP": "192.0.2.1"},
    {"True-Client-IP": "192.0.2.1"},
]


@pytest.fixture
def reached(folder, redis_url, password_hash):
    """Makes a browser before a console with that public URL and ``[web]``."""
    with ExitStack() as closing:

        def make(url, web=""):
            toml = f"[web]\n{web}\n" + ALERTS
            made = make_services(folder, redis_url, toml, init=False, SMSGATE_PUBLIC_URL=url)
            closing.callback(made.close)
            return browser(made)

        yield make


def asked(browser, host, peer="127.0.0.1", path=IN, **headers):
    return browser.get(
        path, headers={"Host": host, **headers}, environ_overrides={"REMOTE_ADDR": peer}
    )


def cookies(answer) -> list[str]:
    return answer.headers.getlist("Set-Cookie")


def is_relaxed(answer) -> bool:
    """Whether cookies go by plain http."""
    assert cookies(answer), answer.text
    return not any(one.startswith("__Host-") or "; Secure" in one for one in cookies(answer))


@pytest.mark.parametrize(
    ("url", "host", "peer"),
    [
        ("", "localhost:8000", "127.0.0.1"),
        ("http://localhost:8000", "127.0.0.1", "::ffff:127.0.0.1"),
        ("http://127.0.0.1", "[::1]:8000", "::1"),
        ("http://[::1]", "localhost:8000", "::1"),
    ],
)
def test_on_ones_own_machine_plain_http_will_do(reached, url, host, peer) -> None:
    assert is_relaxed(asked(reached(url), host, peer))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]:8000"])
def test_where_the_public_url_is_https_a_host_header_switches_nothing_off(reached, host) -> None:
    made = reached(PUBLIC)
    assert not is_relaxed(asked(made, host))  # a proxy on this machine may leave it at that
    answer = asked(made, host, "8.8.8.8")
    assert (answer.status_code, cookies(answer)) == (400, [])


@pytest.mark.parametrize("peer", ["8.8.8.8", "10.0.0.7", "172.17.0.1", "2001:db8::1", "", "unix:"])
def test_who_calls_from_elsewhere_is_not_on_this_machine(reached, peer) -> None:
    answer = asked(reached(""), "localhost", peer)
    assert (answer.status_code, "under this name" in answer.text) == (400, True)
    assert not is_relaxed(asked(reached("", 'hosts = ["localhost"]'), "localhost", peer))


@pytest.mark.parametrize("header", FORWARDED, ids=lambda header: next(iter(header)))
def test_behind_a_proxy_nobody_is_on_this_machine(reached, header) -> None:
    assert asked(reached(""), "localhost", **header).status_code == 400
    assert not is_relaxed(asked(reached("", 'hosts = ["localhost"]'), "localhost", **header))


def test_an_admin_needs_the_second_factor_whatever_the_host_says(
    reached, operator, services
) -> None:
    made = reached(PUBLIC)
    for host in ("localhost", "sms.example.com"):
        url = {"base_url": f"http://{host}"}
        assert made.sign_in(operator(f"admin-{host}", "admin"), **url).status_code == 303
        assert made.get("/console/people", **url).location == "/console/me/factor"


@pytest.mark.parametrize(
    "host", ["evil.example", "sms.example.com.evil.example", "127.0.0.1.evil.example", "10.0.0.7"]
)
@pytest.mark.parametrize("path", ["/console", "/console/", "/console//in", IN, "/console/nowhere"])
def test_under_another_name_nothing_is_answered(reached, host, path) -> None:
    answer = asked(reached(PUBLIC), host, path=path)
    assert (answer.status_code, "SMSGATE_PUBLIC_URL" in answer.text) == (400, True)
    assert (host in answer.text, answer.location, cookies(answer)) == (False, None, [])


@pytest.mark.parametrize("host", ["sms.example.com", "SMS.Example.Com.", "sms.example.com:443"])
def test_the_public_name_is_answered_however_it_is_written(reached, host) -> None:
    assert asked(reached(PUBLIC), host, "8.8.8.8").status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        *("sms.example.com,evil.example", "sms.example.com:443,evil.example", "x@sms.example.com"),
        *("sms.example.com/evil", "sms.example.com:443#evil", "sms.example.com:x", "[::1]x"),
    ],
)
def test_what_is_no_single_host_is_not_answered(reached, host) -> None:
    """Two headers ``Host`` come as one, with a comma between them."""
    assert asked(reached(PUBLIC), host).status_code == 400


def test_further_names_are_those_of_the_configuration(reached) -> None:
    made = reached(PUBLIC, 'hosts = ["smsgate", "10.0.0.7", "2001:db8::7"]')
    for host in ("smsgate:8000", "10.0.0.7", "[2001:db8::7]:8000"):
        assert asked(made, host, "8.8.8.8").status_code == 200
    assert asked(made, "other", "8.8.8.8").status_code == 400


def test_a_trusted_proxy_says_under_which_name_it_was_called(reached) -> None:
    made = reached(PUBLIC, "trust_proxy = true")
    told = {"X-Forwarded-Proto": "https"}
    for name, status in (("sms.example.com", 200), ("x, sms.example.com", 200), ("evil", 400)):
        answer = asked(made, "10.0.0.9:8000", "10.0.0.1", **told, **{"X-Forwarded-Host": name})
        assert answer.status_code == status
    plain = asked(made, "sms.example.com", "10.0.0.1", **{"X-Forwarded-Proto": "http"})
    assert (plain.status_code, "by https" in plain.text) == (400, True)
    untrusted = asked(reached(PUBLIC), "evil", **{"X-Forwarded-Host": "sms.example.com"})
    assert untrusted.status_code == 400


@pytest.mark.parametrize("url", ["", "http://sms.example.com"])
def test_by_plain_http_from_elsewhere_it_says_that_it_is_for_https(reached, url) -> None:
    made = reached(url, 'hosts = ["sms.example.com"]')
    answer = asked(made, "sms.example.com", "8.8.8.8")
    assert (answer.status_code, "for https alone" in answer.text) == (400, True)
    assert cookies(answer) == []


@pytest.mark.parametrize("path", ["/console", "/console//", "/console//in", "/console/in/"])
def test_redirects_stay_where_the_browser_is(reached, path) -> None:
    answer = asked(reached(PUBLIC), "sms.example.com", "8.8.8.8", path=path)
    assert answer.location is None or answer.location.startswith("/console/")
    if path == "/console":
        assert (answer.status_code, answer.location) == (308, "/console/")


def posted(browser, headers):
    """A form with its token, sent with these headers."""
    asked(browser, "sms.example.com", "8.8.8.8")
    return browser.post(
        IN,
        {"name": "nobody", "password": "x"},
        headers={"Host": "sms.example.com", **headers},
        environ_overrides={"REMOTE_ADDR": "8.8.8.8"},
    )


SITE, ORIGIN = "Sec-Fetch-Site", "Origin"


@pytest.mark.parametrize(
    "headers",
    [
        {SITE: "cross-site"},
        {SITE: "same-site", ORIGIN: "https://sms.example.com"},
        {ORIGIN: "https://evil.example"},
        {ORIGIN: "https://sms.example.com.evil.example"},
        {ORIGIN: "https://sms.example.com@evil.example"},
        {ORIGIN: "https://localhost"},
        {ORIGIN: "https://["},
        {ORIGIN: "null"},
    ],
    ids=str,
)
def test_a_form_of_another_site_is_refused_even_with_a_token(reached, headers) -> None:
    made = reached(PUBLIC)
    answer = posted(made, headers)
    assert (answer.status_code, "sent by another site" in answer.text) == (403, True)
    assert cookies(answer) == []
    # A link from there opens a page.
    assert asked(made, "sms.example.com", **headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {SITE: "same-origin", ORIGIN: "https://a.name.behind.the.proxy"},
        {SITE: "none"},
        {ORIGIN: "https://SMS.example.com:443"},
        {ORIGIN: "https://other.example.com"},
        {},
    ],
    ids=str,
)
def test_a_form_of_the_console_is_taken(reached, headers) -> None:
    answer = posted(reached(PUBLIC, 'hosts = ["other.example.com"]'), headers)
    assert "the name or the password is wrong" in answer.text


HSTS = "Strict-Transport-Security"


@pytest.mark.parametrize("path", [IN, "/o/x", "/v1/numbers/+14155550123", "/healthz", "/nowhere"])
def test_browsers_are_told_to_come_by_https_alone(reached, path) -> None:
    assert asked(reached(PUBLIC), "sms.example.com", path=path).headers[HSTS] == "max-age=31536000"
    assert HSTS not in asked(reached("http://localhost"), "localhost", path=path).headers


def test_webhooks_programs_and_links_do_not_ask_for_the_host(reached) -> None:
    """Their proxies and load balancers call us by all sorts of names."""
    made = reached(PUBLIC)
    for path, status in (("/healthz", 200), ("/v1/openapi.json", 401), ("/o/x", 404)):
        assert asked(made, "10.0.0.7:8000", "8.8.8.8", path=path).status_code == status
    assert made.post("/webhooks/twilio", headers={"Host": "x"}, csrf=False).status_code == 403


@pytest.mark.parametrize(
    ("host", "here"),
    [
        *(("localhost", True), ("a.localhost:1", True), ("127.9.9.9", True), ("[::1]", True)),
        *(("localhost.evil.example", False), ("", False), ("[", False), ("0.0.0.0", False)),
    ],
)
def test_what_this_machine_is_called(host, here) -> None:
    assert is_here(host) is here
