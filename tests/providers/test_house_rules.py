"""The shape of a provider: whoever adds one is told here what is missing."""

from __future__ import annotations

import ast
import json
import re
import sys
from pathlib import Path

import pytest

import smsgate.providers
from smsgate.providers import PROVIDERS
from smsgate.providers.fields import Field
from smsgate.providers.form.presets import PRESETS
from tests.providers.matrix import table
from tests.providers.recorded import FOLDER, everything

PACKAGE = Path(smsgate.providers.__file__).parent
ROOT = Path(__file__).parents[2]
NO_PROVIDERS = {
    "__init__", "base", "calls", "ed25519", "field_names", "fields", "forms", "opt_out_lists",
    "path_secret", "reading", "rsa_signatures", "shared_schemes", "signed_url", "tokens",
    "twilio_events", "twilio_requests",
}  # fmt: skip
# A provider is handed the time and makes no call.
NOT_FOR_PROVIDERS = {
    "asyncio", "datetime", "http", "io", "logging", "os", "pathlib", "random", "secrets",
    "socket", "subprocess", "threading", "time",
}  # fmt: skip

each = pytest.mark.parametrize("name", sorted(PROVIDERS))


def sources(name: str) -> list[Path]:
    """The module of a provider, or those of its package."""
    file = PACKAGE / f"{name}.py"
    return [file] if file.exists() else sorted((PACKAGE / name).glob("*.py"))


def test_every_module_of_the_package_stands_in_the_table_and_nothing_else():
    found = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py"}
    found |= {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert found - NO_PROVIDERS == set(PROVIDERS)


@each
def test_a_provider_has_the_name_of_its_module(name):
    assert name == PROVIDERS[name].name
    assert type(PROVIDERS[name]).__module__ == f"smsgate.providers.{name}"


@each
def test_the_fields_can_be_explained_and_checked(name):
    fields = PROVIDERS[name].fields
    names = [field.name for field in fields]
    assert all(isinstance(field, Field) for field in fields)
    assert len(set(names)) == len(names)
    for field in fields:
        assert re.fullmatch(r"[a-z][a-z_]*", field.name)
        assert not re.fullmatch(field.pattern, "")
        assert field.what == field.what.strip(" .")
        assert field.only_with is None or field.only_with[0] in names


@each
def test_something_secret_is_required(name):
    """Without that, anybody could post."""
    assert [field for field in PROVIDERS[name].fields if field.secret and field.required]


@each
def test_the_docstring_says_where_the_rules_come_from_and_when_they_were_read(name):
    docstring = sys.modules[type(PROVIDERS[name]).__module__].__doc__
    assert re.search(r"[a-z]\.[a-z]+/", docstring)
    assert re.search(r"20[0-9]{2}", docstring)


@each
def test_a_provider_neither_talks_nor_looks_at_a_clock(name):
    for path in sources(name):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module] if isinstance(node, ast.ImportFrom) else []
            assert NOT_FOR_PROVIDERS.isdisjoint(module.partition(".")[0] for module in modules)


@each
def test_a_provider_has_recorded_webhooks_of_every_kind(name):
    recorded = [one for one in everything() if one.provider == name]
    assert len(recorded) >= 5
    assert any(one.unreadable for one in recorded)
    assert any(not one.messages and not one.unreadable for one in recorded)
    assert any(not message.text.isascii() for one in recorded for message in one.messages)


KINDS = {
    "payload": {"captured", "sdk", "page", "peer", "own", "invented"},
    "signature": {"captured", "sdk", "library", "steps", "none"},
}


@each
def test_every_recorded_webhook_says_where_it_comes_from(name):
    for path in sorted((FOLDER / name).glob("*.json")):
        provenance = json.loads(path.read_text(encoding="utf-8")).get("provenance", {})
        assert set(provenance) == set(KINDS), f"{path.name} must say its provenance: README.md"
        for part, said in provenance.items():
            kind, _, source = said.partition(": ")
            assert kind in KINDS[part], f"{path.name}: {said!r} is no kind of {part}"
            assert source.strip(), f"{path.name}: {said!r} does not say where exactly"


@each
def test_a_provider_has_a_page_that_explains_its_fields(name):
    page = (ROOT / "docs" / "providers" / f"{name}.md").read_text(encoding="utf-8")
    assert [field.name for field in PROVIDERS[name].fields if f"`{field.name}`" not in page] == []


def test_the_matrix_says_what_the_pages_and_the_modules_do():
    page = (ROOT / "docs" / "providers" / "README.md").read_text(encoding="utf-8")
    assert table() in page, "write it anew: python -m tests.providers.matrix"


def test_the_front_page_leads_to_the_matrix_and_to_the_page_of_every_provider():
    front = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "(docs/providers/README.md)" in front
    pages = {*PROVIDERS, *PRESETS, "README"}
    assert set(re.findall(r"\(docs/providers/(\w+)\.md\)", front)) == pages
