"""The OpenAPI document: of the code, complete, and what a fuzzer makes of it."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi import checks as of_document

from smsgate.consent.events import NumberState, PublishedProgram
from smsgate.pipeline import gate
from smsgate.web import create_app
from smsgate.web.v1 import OPERATIONS
from tests.fakes.values import NUMBER

PAGE = (Path(__file__).parents[3] / "docs" / "api.md").read_text(encoding="utf-8")
CHECKS = [
    not_a_server_error,
    of_document.status_code_conformance,
    of_document.content_type_conformance,
    of_document.response_schema_conformance,
]
NAMES = [operation.name for operation in OPERATIONS]


def test_every_operation_is_in_the_document_with_its_types(api) -> None:
    found = api.get("/openapi.json")
    assert found["openapi"] == "3.1.0"
    told = {
        (method.upper(), path): one
        for path, methods in found["paths"].items()
        for method, one in methods.items()
    }
    assert {one["operationId"] for one in told.values()} == {*NAMES}
    check = told["POST", "/v1/check"]
    assert check["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith("/Check")
    assert {"200", "400", "401", "403", "409", "413", "415", "422", "429", "503"} == {
        *check["responses"]
    }
    assert found["components"]["schemas"]["Check"]["properties"]["numbers"]["maxItems"] == 10_000


def gate_reasons() -> set[str]:
    """Every reason that the gate's code gives, whatever the store says of a number."""
    programs = [
        PublishedProgram(kind=kind, require_consent=wanted)
        for kind, wanted in itertools.product(("marketing", "service"), (True, False))
    ]
    answers = [
        gate._answer(NUMBER, bits, "alerts", program, NumberState())
        for bits, program in itertools.product(range(256), programs)
    ]
    return {answer.reason for answer in answers} | {"invalid"}


@pytest.mark.parametrize("shape", ["CheckResult", "GateAnswer"])
def test_the_document_lists_the_reasons_of_the_gate_and_says_what_since_is(api, shape) -> None:
    fields = api.get("/openapi.json")["components"]["schemas"][shape]["properties"]
    assert {*fields["reason"]["enum"]} == gate_reasons()
    assert fields["since"]["format"] == "date-time"


def test_the_page_names_every_problem_that_the_document_names(api) -> None:
    found = api.get("/openapi.json")
    statuses = {
        status
        for methods in found["paths"].values()
        for one in methods.values()
        for status in one["responses"]
        if int(status) >= 400
    }
    for status in statuses:
        assert f"| {status} |" in PAGE, status


def fuzzed(services, examples: int, mode: GenerationMode, methods: str) -> Counter[int]:
    """Call operations with what fits the document and with what does not; gives statuses.

    Operations of some methods, separated by spaces.
    """
    app = create_app(services)
    headers = {"Authorization": "Bearer a-key-that-is-long-enough-for-tests"}
    schema = schemathesis.openapi.from_wsgi("/v1/openapi.json", app, headers=headers)
    statuses: Counter[int] = Counter()
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.method.upper() not in methods.split():
            continue

        @hypothesis.settings(
            max_examples=examples,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=[*HealthCheck],
        )
        @given(case=operation.as_strategy(generation_mode=mode), known=st.booleans())
        def answers_as_it_says(case, known) -> None:
            if known:  # what is made up seldom meets a program that there is
                _name_a_program(case.path_parameters)
                _name_a_program(case.body)
            if case.query:
                case.query.pop("wait", None)
            answer = case.call(headers=headers)
            statuses[answer.status_code] += 1
            case.validate_response(answer, checks=CHECKS)

        answers_as_it_says()
    return statuses


def _name_a_program(values: object) -> None:
    found = values if isinstance(values, list) else [values]
    for one in found:
        for name in {"program", "scope"} & {*one} if isinstance(one, dict) else ():
            one[name] = "alerts"


@pytest.mark.full
@pytest.mark.parametrize(
    ("mode", "methods", "expected"),
    [
        (GenerationMode.POSITIVE, "GET", {200, 404, 422}),
        (GenerationMode.NEGATIVE, "GET", {200, 401, 404, 422}),
        (GenerationMode.POSITIVE, "POST PUT DELETE", {200, 202, 404, 422}),
        (GenerationMode.NEGATIVE, "POST PUT DELETE", {200, 400, 401, 404, 422}),
    ],
)
def test_nothing_that_fits_the_document_or_nearly_does_is_a_fault_of_ours(
    services, mode, methods, expected
) -> None:
    """In parts: all at once take 40 s of CPU time, and a busy machine meets the time limit."""
    assert expected <= {*fuzzed(services, 25, mode, methods)}


def test_the_thousands_are_of_every_method() -> None:
    assert {operation.method for operation in OPERATIONS} == {"GET", "POST", "PUT", "DELETE"}
