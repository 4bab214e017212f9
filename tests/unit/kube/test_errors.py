"""What the answers of an API server, and of what stands before it, are taken for."""

from __future__ import annotations

import msgspec
import pytest

from controller.kube.errors import (
    ApiError,
    from_status,
    malformed,
    refusal,
    timed_out,
    unreachable,
)
from controller.kube.kinds import SECRET, USER


def said(code: int, reason: str, message: str = "no", **more: object) -> bytes:
    body = {"kind": "Status", "code": code, "reason": reason, "message": message, **more}
    return msgspec.json.encode(body)


def test_a_refusal_says_path_status_and_the_servers_words() -> None:
    problem = refusal(USER, "/users/app", 409, said(409, "Conflict", "the object was modified"))
    assert (problem.status, problem.reason) == (409, "Conflict")
    assert problem.is_conflict
    assert str(problem) == "/users/app: 409 the object was modified"


def test_a_proxys_page_counts_by_its_http_status() -> None:
    """It is no Status object, and must not be read as one."""
    problem = refusal(USER, "/users", 503, b"<html>unavailable</html>")
    assert (problem.status, problem.reason) == (503, "ServiceUnavailable")
    assert problem.is_transient
    assert "html" not in str(problem)


@pytest.mark.rule("17")
@pytest.mark.parametrize(("status", "reason"), [(401, "Unauthorized"), (403, "Forbidden")])
def test_what_is_forbidden_says_nothing_of_objects(status: int, reason: str) -> None:
    problem = refusal(USER, "/users", status, said(status, reason))
    assert problem.says_nothing_of_objects
    assert not problem.is_transient


@pytest.mark.rule("17")
def test_a_kind_that_is_not_there_says_nothing_of_objects() -> None:
    assert refusal(USER, "/users", 404, b"404 page not found").says_nothing_of_objects


@pytest.mark.parametrize("reason", ["Expired", "Gone"])
def test_an_expired_version_is_gone_by_status_or_reason(reason: str) -> None:
    assert from_status(USER, "/users", {"code": 410, "reason": reason}).is_gone


def test_an_ending_namespace_is_told_from_a_lack_of_rights() -> None:
    ending = said(403, "Forbidden", details={"causes": [{"reason": "NamespaceTerminating"}]})
    assert refusal(USER, "/users", 403, ending).is_namespace_ending
    assert not refusal(USER, "/users", 403, said(403, "Forbidden")).is_namespace_ending


def test_of_a_secret_no_word_of_the_server_is_repeated() -> None:
    """It quotes what is wrong with a value, and the value is the secret."""
    body = said(
        422,
        "Invalid",
        'Secret "db" is invalid: data[password]: Invalid value: "tiger"',
        details={"causes": [{"field": "data[password]", "message": 'Invalid value: "tiger"'}]},
    )
    problem = refusal(SECRET, "/secrets/db", 422, body)
    assert "tiger" not in str(problem)
    assert str(problem) == "/secrets/db: 422 Invalid data[password]"


@pytest.mark.parametrize(
    ("header", "details", "seconds"),
    [("7", {}, 7.0), (None, {"retryAfterSeconds": 3}, 3.0), (None, {}, None), ("soon", {}, None)],
)
def test_the_server_may_say_when_to_come_back(
    header: str | None, details: dict[str, int], seconds: float | None
) -> None:
    body = said(429, "TooManyRequests", details=details)
    problem = refusal(USER, "/users", 429, body, header)
    assert problem.retry_after_seconds == seconds
    assert problem.is_transient


@pytest.mark.parametrize(
    "problem",
    [unreachable("/x", OSError("refused")), timed_out("/x", 15), malformed("/x", "not JSON")],
)
def test_without_an_answer_nobody_knows_what_was_done(problem: ApiError) -> None:
    assert problem.is_unanswered
    assert problem.is_transient
    assert not problem.says_nothing_of_objects


def test_a_token_in_a_messages_text_is_hidden() -> None:
    problem = refusal(USER, "/x", 400, said(400, "BadRequest", "Authorization: Bearer abc.def"))
    assert "abc.def" not in str(problem)
