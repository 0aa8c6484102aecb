"""Refusals in RFC 9457's form."""

import json

from rollcall.access.problems import Problem, from_validation, invalid, unknown


def test_a_problem_names_what_is_wrong() -> None:
    assert invalid("schedule.expression", "is none").document() == {
        "type": "urn:rollcall:problem:invalid-input",
        "title": "Unprocessable Entity",
        "status": 422,
        "detail": "schedule.expression: is none",
        "errors": [{"field": "schedule.expression", "message": "is none"}],
    }
    assert unknown("run", "7").document() == {
        "type": "urn:rollcall:problem:not-found",
        "title": "Not Found",
        "status": 404,
        "detail": "there is no run '7'",
    }


def test_both_ways_to_answer_say_the_same() -> None:
    problem = Problem(503, "later", headers={"Retry-After": "1"})
    answer, response = problem.answer(), problem.response()
    assert answer["statusCode"] == response.status_code == 503
    assert answer["body"] == response.body
    assert answer["headers"] == {"Retry-After": "1", "Content-Type": "application/problem+json"}
    assert response.headers == answer["headers"]
    assert json.loads(answer["body"])["detail"] == "later"


def test_fields_are_paths_in_the_body_or_names_of_parameters() -> None:
    found = from_validation(
        [
            {"loc": ("body", "schedule", "expression"), "msg": "Value error, is none"},
            {"loc": ("body", "contacts", 0), "msg": "Too short", "input": "s3cret"},
            {"loc": ("body", "auth", "<bearer>", "value"), "msg": "Field required"},
            {"loc": ("body", "auth"), "msg": "is no type", "ctx": {"at": "type"}},
            {"loc": ("query", "limit"), "msg": "Too large"},
            {"loc": ("body",), "msg": "Field required"},
            {"loc": ("body",), "msg": "Field required"},
        ]
    )
    assert found.errors == [
        ("schedule.expression", "is none"),
        ("contacts.0", "Too short"),
        ("auth.value", "Field required"),
        ("auth.type", "is no type"),
        ("limit", "Too large"),
        ("body", "Field required"),
    ]
    assert "s3cret" not in found.answer()["body"]
