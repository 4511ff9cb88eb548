import hypothesis, schemathesis, collections
from hypothesis import HealthCheck, given
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance, content_type_conformance
from smsgate.web import create_app
from tests.web.v1.conftest import *
def test_it(gateway):
    app = create_app(gateway)
    headers = {"Authorization": "Bearer a-key"}
    schema = schemathesis.openapi.from_wsgi("/v1/openapi.json", app, headers=headers)
    n=0
    for result in schema.get_all_operations():
        op = result.ok(); c=collections.Counter()
        from schemathesis.generation import GenerationMode
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
          try:
            @hypothesis.settings(max_examples=60, deadline=None, database=None, suppress_health_check=[*HealthCheck])
            @given(case=op.as_strategy(generation_mode=mode))
            def go(case):
                if "wait" in (case.query or {}): case.query["wait"]=0
                a = case.call(headers=headers); c[(mode.name,a.status_code)]+=1
                case.validate_response(a, checks=[not_a_server_error, response_schema_conformance, status_code_conformance, content_type_conformance])
            go()
          except Exception as e:
            print(op.label, mode, type(e), str(e)[:1500])
        print(op.label, dict(c))
