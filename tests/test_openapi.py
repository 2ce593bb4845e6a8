"""The API answers as its own OpenAPI description says, whatever is made up from it."""

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from tests.cast import Customer, Owner
from tests.database import one

START, STATUS = "/api/intake/start", "/api/mechanics/{mechanic_id}/status"
KNOWN = [not_a_server_error, checks.status_code_conformance]
CONFORMING = [*KNOWN, checks.content_type_conformance, checks.response_schema_conformance]
REPEATABLE = settings(
    max_examples=60,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize(
    ("path", "method", "mode"),
    [
        (START, "POST", GenerationMode.POSITIVE),
        (START, "POST", GenerationMode.NEGATIVE),
        (STATUS, "GET", GenerationMode.POSITIVE),  # any text is an id that is wrong
    ],
)
@pytest.mark.usefixtures("flag_on")
def test_answers_are_as_described(
    app: Flask, ana: Customer, olga: Owner, path: str, method: str, mode: GenerationMode
) -> None:
    schema = schemathesis.openapi.from_dict(olga.client.get("/api/openapi.json").get_json())
    schema.app = app
    assert set(schema) == {START, STATUS}
    cookies = {"session": ana.cookie.partition("=")[2]}

    @REPEATABLE
    @given(case=schema[path][method].as_strategy(generation_mode=mode))
    def conforms(case: Case) -> None:
        is_form = case.media_type == "multipart/form-data"  # it is answered with pages
        case.validate_response(case.call(cookies=cookies), checks=KNOWN if is_form else CONFORMING)

    conforms()
    assert one("SELECT count(*) FROM session_requests") == 0
